"""The scripts' texts: a page in Chinese gets them, in a script that any browser and our i18n.js can use."""

from __future__ import annotations

import json

from groups.views.texts import asked
from stars_site.management.commands import texts
from stars_site.management.commands.texts import ROOT
from tests.dashboard.conftest import Browser
from tests.js.node import run


def test_texts_and_numbers_of_them(owner: Browser) -> None:
    owner.client.cookies["django_language"] = "zh-hans"
    answer = owner.get("/texts.js?of=run/stars-run.js")
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    script = answer.content.decode()
    assert "已完成" in script, "letters as they are"
    asked = (
        "const { gettext, ngettext } = await import('../../static/js/lib/i18n.js');"
        "console.log(JSON.stringify([gettext('Completed'), gettext('%(n)s subtask'), gettext('No such text'),"
        " ngettext('%(n)s subtask', '%(n)s subtasks', 1), ngettext('%(n)s subtask', '%(n)s subtasks', 5),"
        " ngettext('No such', 'No suches', 1), ngettext('No such', 'No suches', 2)]))"
    )
    done = run("--input-type=module", "-e", script + asked)
    assert done.returncode == 0, done.stderr
    completed, subtask, unknown, one, five, alone, several = json.loads(done.stdout)
    assert (completed, unknown, alone, several) == (
        *("已完成", "No such text", "No such", "No suches"),
    )
    assert subtask == one == five == "%(n)s 个子任务"


def catalog(browser: Browser, query: str) -> str:
    browser.client.cookies["django_language"] = "zh-hans"
    answer = browser.get(f"/texts.js{query}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_a_page_gets_the_texts_of_its_own_scripts(owner: Browser) -> None:
    run_page = catalog(owner, "?of=run/stars-run.js")
    assert '"Completed"' in run_page
    others = catalog(owner, "")
    assert '"Completed"' not in others and '"Search, or do something…"' in others
    # What comes later brings what is not there yet.
    graph = catalog(owner, "?of=run/run-graph.js&after=run/stars-run.js")
    assert '"Completed"' not in graph and '"Follow the work"' in graph
    assert '"Follow the work"' not in run_page
    # A module has one name; others would each fill the cache.
    for strange in (
        *("run/none.js", "../../manage.py", "../../../x.js", "run", "../admin/js/core.js"),
        *("./run/stars-run.js", "run//stars-run.js", "run/../run/stars-run.js"),
    ):
        assert owner.get(f"/texts.js?of={strange}").status_code == 404, strange
        assert owner.get(f"/texts.js?after={strange}").status_code == 404, strange


def test_every_text_of_the_scripts_is_found() -> None:
    code = {text if isinstance(text, str) else text[0] for _, text, _ in texts.texts("djangojs")}
    found = asked("")
    for each in sorted((ROOT / "static" / "js" / "run").glob("*.js")):
        found |= asked(f"run/{each.name}")
    assert code <= found
