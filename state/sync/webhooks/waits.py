"""How long whoever was called asks to be left alone."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime


def retry_after(text: str, *, longest: float) -> float | None:
    """Seconds, 0 to `longest`, that a header Retry-After asks for (RFC 9110, 10.2.3); None if unreadable."""
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,18}", text):
        wait = float(text)
    else:
        try:
            wait = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return min(max(wait, 0.0), longest)
