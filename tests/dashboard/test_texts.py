"""The scripts' texts: a page in Chinese gets them, in a script that any browser and our i18n.js can use."""

from __future__ import annotations

import json

from tests.dashboard.conftest import Browser
from tests.js.node import run


def test_texts_and_numbers_of_them(owner: Browser) -> None:
    owner.client.cookies["django_language"] = "zh-hans"
    answer = owner.get("/texts.js")
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
