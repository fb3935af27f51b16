"""The scripts' texts in the page's language, for pages that are not in English."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse
from django.views.i18n import JavaScriptCatalog

#: What `lib/i18n.js` asks for. Plural forms are expressions of n in C (gettext manual, "Plural forms").
_SCRIPT: Final = """"use strict";(()=>{
const texts=Object.assign(globalThis.django?.texts??{},%(texts)s),form=(n)=>Number(%(form)s);
globalThis.django={
texts,
more:(module)=>import(%(url)s+module),
gettext:(text)=>[texts[text]??text].flat()[0],
ngettext:(one,many,n)=>texts[one]?.[form(n)]??(n===1?one:many),
};})();
"""
#: What a module loads along with itself; what it loads later brings its own texts (`textsOf` in `lib/i18n.js`).
_IMPORT: Final = re.compile(r'^(?:import|export)\s(?:[^;"]*\sfrom\s)?"(\.[^"]+)"', re.MULTILINE)
_TEXT: Final = re.compile(r'\bn?gettext\(\s*("(?:[^"\\]|\\.)*")')
#: Whose texts no page has but those that name one of them: the pages about runs, which have most.
_APART: Final = "run"


class Texts(JavaScriptCatalog):
    """Django's catalog with the texts that a page's scripts may ask for only, and with letters as they are.

    `?of=run/stars-run.js` is for a page that loads this module; without it the texts are those of all modules but the
    ones about runs. All texts would be thrice as many as the page of a run needs. `after` names the module that the
    page has the texts of already.
    """

    def get(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        """The catalog of the page."""
        self.of = request.GET.get("of", "")
        after = request.GET.get("after")
        if not {self.of, after} <= {"", None, *_modules()}:
            raise Http404
        self.asked = asked(self.of)
        if after is not None:
            self.asked -= asked(after)
        return super().get(request, *args, **options)

    def get_catalog(self) -> dict[str, Any]:
        """Every text that is asked for, and its translation."""
        return {text: to for text, to in super().get_catalog().items() if text in self.asked}

    def render_to_response(self, context: dict[str, Any], **response_kwargs: Any) -> HttpResponse:
        """The catalog as a script that defines `django`."""
        texts = json.dumps(context["catalog"], ensure_ascii=False, separators=(",", ":"))
        form = context["plural"] or "n!==1"
        url = json.dumps(f"{self.request.path}?{urlencode({'after': self.of})}&of=")
        script = _SCRIPT % {"texts": texts, "form": form, "url": url}
        return HttpResponse(script, "text/javascript; charset=utf-8", **response_kwargs)


@cache
def asked(entry: str) -> frozenset[str]:
    """The texts of a module in `static/js` and of what it loads; without one those of all that are not apart.

    Raises KeyError when there is no such module.
    """
    modules = _modules()
    if entry:
        waiting = {modules["app.js"], modules[entry]}
    else:
        waiting = {each for each in modules.values() if each.parent.name != _APART}
    seen: set[Path] = set()
    texts: set[str] = set()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        source = path.read_text("utf-8")
        texts |= {json.loads(text) for text in _TEXT.findall(source)}
        waiting |= {(path.parent / name).resolve() for name in _IMPORT.findall(source)} - seen
    return frozenset(texts)


@cache
def _modules() -> dict[str, Path]:
    """Every module by its path in `static/js`: the only names there are, so that others can fill no cache."""
    app = finders.find("js/app.js")
    assert isinstance(app, str)
    folder = Path(app).resolve().parent
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.js")}
