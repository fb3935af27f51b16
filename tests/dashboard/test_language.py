"""简体中文: the catalogs are whole and compiled, and the pages speak the language of whoever looks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import read_mo
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.utils import translation

from groups.models import Delivery, DeliveryStatus, Group, Run
from groups.services import messaging
from groups.views.refusals import in_language_of_page, sentence
from stars_site.management.commands import texts
from state.jsonvalue import Inapplicable
from state.refusals import Conflicting, Frozen
from tests.dashboard.conftest import JSON, Browser

CHINESE = "zh-CN,zh;q=0.9,en;q=0.5"
DOMAINS = list(texts.SOURCES)
#: Not these: their sentences are descriptions of examples, and the log of a run.
UNWORDED = {"seed", "recovery"}
#: Where refusals are worded that people get to read.
WORDED = [
    *(p for p in (texts.ROOT / "groups/services").glob("*.py") if p.stem not in UNWORDED),
    *(texts.ROOT / "groups" / name for name in ("access.py", "agents/configs.py")),
    *(texts.ROOT / "groups/execution" / n for n in ("plan.py", "steering.py", "modes/__init__.py")),
    *(texts.ROOT / "groups/views").rglob("*.py"),
    *(texts.ROOT / "state/manager" / name for name in ("settings.py", "resolving.py", "writes.py")),
    texts.ROOT / "state/sync/tasks/runner.py",
    *(texts.ROOT / "state/conflicts" / name for name in ("causes.py", "describing.py")),
]
#: Calls whose sentences are for the log of the server, not for people.
UNREAD = {"debug", "info", "warning", "error", "exception", "_", "ImproperlyConfigured"}


def entries(domain: str) -> list[Message]:
    return [message for message in texts.kept(domain) if message.id]


def numbers(text: Any) -> list[str]:
    """The text, or its singular and plural."""
    return [text] if isinstance(text, str) else list(text)


#: What the run box sends when nothing was written into it.
ASKED = {"task": "", "mode": "leader_worker", "failure_policy": "continue"}


@pytest.fixture(autouse=True)
def _language_of_the_next_test() -> Iterator[None]:
    """A request leaves its language behind in its thread."""
    yield
    translation.deactivate()


@pytest.fixture
def chinese(owner: Browser) -> Browser:
    owner.client.defaults["HTTP_ACCEPT_LANGUAGE"] = CHINESE
    return owner


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_catalog_holds_exactly_the_texts_of_the_code(domain: str) -> None:
    code = {text if isinstance(text, str) else text[0] for _, text, _ in texts.texts(domain)}
    assert {numbers(message.id)[0] for message in entries(domain)} == code


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_text_is_translated(domain: str) -> None:
    assert [m.id for m in entries(domain) if m.fuzzy or not texts.is_translated(m)] == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_translations_keep_the_placeholders_and_the_markup(domain: str) -> None:
    marks = re.compile(r"%\(\w+\)s|</?\w+>")
    for message in entries(domain):
        # The plural is the one that names the number.
        wanted = sorted(marks.findall(numbers(message.id)[-1]))
        for said in numbers(message.string):
            assert sorted(marks.findall(said)) == wanted, message.id


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_compiled_catalog_is_up_to_date(domain: str) -> None:
    with (texts.CATALOGS / f"{domain}.mo").open("rb") as file:
        compiled = {
            numbers(m.id)[0]: numbers(m.string) for m in read_mo(file) if m.id and numbers(m.id)[0]
        }
    assert compiled == {numbers(m.id)[0]: numbers(m.string) for m in entries(domain)}


def test_no_template_says_a_word_that_is_not_marked() -> None:
    """Between tags and template code there are names and signs only."""
    names = {"Stars", "群星", "sky", "Markdown", "JSON"}  # the third is a class
    code = re.compile(
        r"{% blocktranslate\b.*?{% endblocktranslate %}|{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL
    )
    said = {
        (path.name, text)
        for path in (texts.ROOT / "templates").rglob("*.html")
        if path.parts[-3] != "styleguide"  # names classes, and shows what agents write
        for piece in re.split(r"<[^>]*>", code.sub(" ", path.read_text()))
        for text in re.findall(r"[^\W\d_]{2,}", piece)
        if text not in names
    }
    assert said == set()


def refusals_in(path: Path) -> Iterator[str]:
    """What the module words itself, with `7` in the place of every value: strings that are sentences."""
    tree = ast.parse(path.read_text())
    unread = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            unread.add(node.value)  # a docstring
        elif isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            unread |= {a for a in node.args if called in UNREAD and isinstance(a, ast.Constant)}
        elif isinstance(node, ast.JoinedStr):
            unread |= {part for part in node.values if isinstance(part, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else "7" for p in node.values)
            text = "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = "" if node in unread else node.value
        else:
            continue
        if re.fullmatch(r"[A-Z7'][^\n]* [^\n]*\.", text):
            yield text


def test_every_refusal_of_the_services_has_its_chinese() -> None:
    found = {text for path in WORDED for text in refusals_in(path)}
    assert "This may not be empty." in found
    assert "7: the file is empty." in found
    with translation.override("zh-hans"):
        assert sorted(text for text in found if sentence(text) == text) == []


def test_values_of_a_refusal_are_kept() -> None:
    with translation.override("zh-hans"):
        assert sentence("A run that is awaiting approval cannot be retried.") == (
            "待批准的运行无法重试。"
        )
        assert sentence("a: b.csv: the file is empty.") == "a: b.csv：文件为空。"
        assert sentence("Nobody translated this.") == "Nobody translated this."
    assert sentence("The key '100%' is used twice.") == "The key '100%' is used twice."


def test_refusals_of_states_have_their_chinese() -> None:
    with translation.override("zh-hans"):
        frozen = in_language_of_page(Frozen())
        assert frozen.message == "此共享状态已冻结：只可读，不可写。"
        # Refusals that are made of other things than a sentence come through as well.
        misfit = in_language_of_page(Inapplicable("/crew", "The whole document is an object."))
        assert misfit.fields == {"ops[0].path": ["整个文档须为对象。"]}
        stale = in_language_of_page(
            Conflicting("The state is at version 9, not 7.", extra={"n": 7})
        )
        assert (stale.message, stale.extra) == ("该共享状态为版本 9，而非 7。", {"n": 7})


def test_the_pages_of_states(chinese: Browser, harbour: Group) -> None:
    for address, says in (
        ("states/", "暂无共享状态"),
        ("states/new/", "新建共享状态"),
        ("conflicts/", "没有冲突"),
    ):
        assert says in chinese.get(f"/groups/{harbour.id}/{address}").content.decode()
    given = {"state_id": "a b", "type": "session", "document": "{}"}
    refused = chinese.post(f"/groups/{harbour.id}/states/new/", given)
    assert "ID 由 1 到 200 个字母" in refused.content.decode()


def test_the_login_page(nobody: Browser) -> None:
    page = nobody.client.get("/login/", headers={"Accept-Language": CHINESE}).content.decode()
    assert '<html lang="zh-hans">' in page
    assert all(text in page for text in ("登录", "密码", "把任务交给一组智能体", "简体中文"))
    assert '<html lang="en">' in nobody.get("/login/").content.decode()


def test_the_pages_of_groups_and_agents(chinese: Browser, harbour: Group) -> None:
    page = chinese.get(f"/groups/{harbour.id}/").content.decode()
    assert all(
        text in page for text in ("成员", "领导者", "暂无运行", "先由我批准计划", "管理后台")[:4]
    )
    assert "/texts.js" in page
    settings = chinese.get(f"/groups/{harbour.id}/settings/").content.decode()
    assert "访问权限" in settings and "所有者" in settings
    assert "基于规则" in chinese.get("/agents/").content.decode()


def test_the_run_page_and_its_scripts(chinese: Browser, working: Run) -> None:
    page = chinese.get(f"/runs/{working.id}/").content.decode()
    assert all(text in page for text in ("计划", "事件日志", "完整任务", "运行中"))
    script = chinese.get("/texts.js?of=run/stars-run.js")
    assert script["Content-Type"].startswith("text/javascript")
    assert "领导者正在汇总…" in script.content.decode()
    assert "Accept-Language" in script["Vary"]


def test_a_choice_in_the_menu_wins_over_the_browser(chinese: Browser, harbour: Group) -> None:
    answer = chinese.post("/i18n/setlang/", {"language": "en", "next": "/agents/"})
    assert (answer.status_code, answer["Location"]) == (302, "/agents/")
    assert '<html lang="en">' in chinese.get("/").content.decode()
    chinese.post("/i18n/setlang/", {"language": "zh-hans", "next": "/"})
    page = chinese.get("/").content.decode()
    assert '<html lang="zh-hans">' in page
    assert re.search(r'value="zh-hans" lang="zh-hans" aria-current="true"', page)


def test_refusals_in_forms_pages_and_scripts(
    chinese: Browser, harbour: Group, working: Run
) -> None:
    empty = chinese.post(f"/groups/{harbour.id}/runs/", ASKED)
    assert empty.status_code == 400 and "请写明群组要做什么" in empty.content.decode()
    lost = chinese.get("/groups/nowhere/")
    assert lost.status_code == 404 and "没有该 ID 的群组" in lost.content.decode()
    busy = chinese.post(f"/groups/{harbour.id}/remove/")
    assert busy.status_code == 409 and "此群组有运行正在进行" in busy.content.decode()
    refused = chinese.send(f"/runs/{working.id}/approve/").json()
    assert refused["message"] == "此运行没有待批准的计划。"
    # The API speaks English.
    answer = chinese.send(f"/api/v1/runs/{working.id}/approve/")
    assert answer.json()["detail"] == "This run does not await approval of its plan."
    unread = chinese.client.post(f"/api/v1/runs/{working.id}/approve/", headers=JSON)
    assert unread.json()["detail"].startswith("Unsupported media type")


def test_a_message_that_was_not_delivered(chinese: Browser, harbour: Group, ada: User) -> None:
    message = messaging.broadcast(actor=ada, group=harbour, text="Ahoy", sender="system")
    Delivery.objects.filter(message=message).update(
        status=DeliveryStatus.FAILED, error=messaging.LEFT
    )
    page = chinese.get(f"/groups/{harbour.id}/").content.decode()
    assert "：接收者已不是该群组的成员。" in page


def test_the_pages_that_lead_nowhere(chinese: Browser) -> None:
    with translation.override("zh-hans"):
        broken = render_to_string("500.html")
    assert '<html lang="zh-hans">' in broken and "出错了" in broken
    page = chinese.get("/no/such/page/")
    assert page.status_code == 404 and "这里没有星星" in page.content.decode()
