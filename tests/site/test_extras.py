"""The base stands without the extras: the site starts, and whoever needs one is told which."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Run first: what the extras bring cannot be imported.
BLOCKED = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"pydantic_ai", "openai", "anthropic", "google", "a2a", "mcp", "genai_prices"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""
SITE = """
import django
django.setup()
from django.core.management import call_command
call_command("check")
import stars_site.urls, stars_site.routing
from groups.agents import registry
for kind in ("builtin", "webhook", "connected", "human"):
    registry.runtime(kind)
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"pydantic_ai", "openai", "a2a", "mcp", "httpx2"}))
"""


def test_the_site_starts_without_them(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "STARS_DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "stars_site.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED + SITE],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["[]"]), done.stderr
