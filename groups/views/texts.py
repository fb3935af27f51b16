"""The scripts' texts in the page's language, for pages that are not in English."""

from __future__ import annotations

import json
from typing import Any, Final

from django.http import HttpResponse
from django.views.i18n import JavaScriptCatalog

#: What `lib/i18n.js` asks for. Plural forms are expressions of n in C (gettext manual, "Plural forms").
_SCRIPT: Final = """"use strict";(()=>{const texts=%(texts)s,form=(n)=>Number(%(form)s);
globalThis.django={
gettext:(text)=>[texts[text]??text].flat()[0],
ngettext:(one,many,n)=>texts[one]?.[form(n)]??(n===1?one:many),
};})();
"""


class Texts(JavaScriptCatalog):
    """Django's catalog without what our scripts never ask for, and with letters as they are: half as long."""

    def render_to_response(self, context: dict[str, Any], **response_kwargs: Any) -> HttpResponse:
        """The catalog as a script that defines `django`."""
        texts = json.dumps(context["catalog"], ensure_ascii=False, separators=(",", ":"))
        script = _SCRIPT % {"texts": texts, "form": context["plural"] or "n!==1"}
        return HttpResponse(script, "text/javascript; charset=utf-8", **response_kwargs)
