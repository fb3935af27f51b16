"""What the files hold, and what they do not."""

from __future__ import annotations

import json
import re
import tracemalloc
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import User
from django.utils import translation
from markdown_it import MarkdownIt

from groups import live
from groups.models import Group, Run, RunEvent
from groups.services import tool_servers
from groups.takeaway import FORMS, take
from groups.takeaway.as_markdown import under
from groups.takeaway.axis import axis
from groups.takeaway.digest import Span
from groups.templatetags.stars import markdown
from state.errors import Invalid
from tests.factories import append_events, make_group
from tests.js.node import run as node
from tests.long_runs import make_long_run
from tests.takeaway.conftest import KEY


def text_of(run: Run, form: str) -> str:
    return b"".join(take(run, form).pieces).decode()


class Tags(HTMLParser):
    """The elements of a page, with their attributes, and whether they were closed in order."""

    VOID = frozenset({"meta", "br", "hr", "rect", "path"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID and self.open and self.open[-1] == tag:
            self.open.pop()


def test_json_has_what_agents_wrote_as_the_pages_show_it(wild: Run) -> None:
    """Rendered and made safe, without their secrets, and by the Markdown that a reader finds in the file."""
    told = json.loads(text_of(wild, "json"))
    rendered = told["rendered"]
    assert rendered["report"] == markdown(told["run"]["result"]).strip()
    assert "<strong>17</strong>" in rendered["report"]
    by_id = {
        row["id"]: markdown(row["result"]).strip() for row in told["subtasks"] if row["result"]
    }
    assert rendered["subtasks"] == by_id
    for html in (rendered["report"], *by_id.values()):
        assert KEY not in html
        assert not {name for name, _ in Tags(html).found} & {"script", "img"}


def test_json_is_the_run_as_it_stands_in_the_database(harbour: Group) -> None:
    run = make_long_run(group=harbour, events=1200)
    told = json.loads(text_of(run, "json"))
    assert (told["format"], told["version"]) == ("stars.run", 1)
    rows = RunEvent.objects.filter(run=run).order_by("seq")
    assert told["events"] == [live.event_json(event) for event in rows]
    run.refresh_from_db()
    assert told["plan"] == run.plan
    assert told["run"]["group"] == {"id": "Harbour", "name": "Harbour"}
    assert len(told["subtasks"]) == 26


def test_a_file_that_is_opened_again_shows_what_stands_in_the_database(wild: Run) -> None:
    text = text_of(wild, "json")
    done = node("import.mjs", stdin=text)
    assert done.returncode == 0, done.stderr
    seen, told = json.loads(done.stdout), json.loads(text)
    names = ("status", "result", "error", "usage", "last_seq", "stop_reason", "task")
    assert {name: seen[name] for name in names} == {name: told["run"][name] for name in names}
    assert seen["plan"] == told["plan"]
    shown = list(seen["subtasks"].values())
    assert len(shown) == len(told["subtasks"])
    for subtask in told["subtasks"]:
        mine = seen["subtasks"][subtask["id"]]
        assert {name: subtask[name] for name in mine} == mine
    # But for the key, which is in none of them, the file says what the rows say.
    wild.refresh_from_db()
    assert told["run"]["result"] == wild.result
    assert told["run"]["usage"] == wild.usage
    rows = wild.subtasks.values_list("id", "status", "attempt")
    assert {(str(key), *rest) for key, *rest in rows} == {
        (each["id"], each["status"], each["attempt"]) for each in told["subtasks"]
    }


def test_nothing_in_a_report_is_obeyed_or_fetched(wild: Run) -> None:
    page = text_of(wild, "html")
    tags = Tags(page)
    assert tags.open == [], "every element is closed, in order"
    names = {name for name, _ in tags.found}
    assert not names & {"script", "img", "iframe", "link", "form", "object", "base"}
    for name, attributes in tags.found:
        assert not any(attribute.startswith("on") or attribute == "src" for attribute in attributes)
        if name == "a":
            assert attributes["rel"] == "noopener noreferrer nofollow"
    assert "default-src 'none'" in page
    assert "&lt;script&gt;alert" in page
    assert re.search(r"url\(|@import", page) is None


def test_a_report_tells_the_whole_story(wild: Run) -> None:
    page = text_of(wild, "html")
    assert "<strong>17</strong> ships." in page
    assert "Half &lt;script&gt;" in page, "what a failed one had written"
    assert "No wind." in page
    assert "$0.5000 plus 1 call of unknown price" in page
    assert 'class="bar-completed"' in page
    assert 'class="bar-failed"' in page
    assert page.count("<tr ") > 12, "the log"
    last = RunEvent.objects.filter(run=wild).latest("seq")
    assert f"<td>{last.seq}</td>" in page
    with translation.override("zh-hans"):
        parcel = take(wild, "html")
    assert '<html lang="zh-hans">' in b"".join(parcel.pieces).decode()


def test_markdown_keeps_its_own_headings(wild: Run) -> None:
    text = text_of(wild, "markdown")
    headings = re.findall(r"(?m)^(#+) (.*)$", text)
    assert [words for marks, words in headings if marks == "##"] == [
        *("Task", "Report", "Plan", "Work", "Tokens and costs", "Log"),
    ]
    assert ("###", "Report") in headings
    assert ("####", "Ships") in headings
    assert r"\<script\>alert" in text
    assert "| wim | 1 | 1,200 | 30 | $0.5000 |" in text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("# A\ntext", "### A\ntext"),
        ("A\n===\n\nB\n---", "### A\n\n\n#### B"),
        ("```\n# no heading\n```", "```\n# no heading\n```"),
        ("> # quoted", "> # quoted"),
        ("##### deep", "###### deep"),
    ],
)
def test_headings_of_others_go_below(given: str, expected: str) -> None:
    assert under(given, 2) == expected


@pytest.mark.parametrize(
    "text",
    [
        "See:\n\n```python\nprint(1)",
        "```\nprint(1)\n",
        "```\na\n\n\n",
        "```\n",
        "~~~~\n~~~\n```\n",
        "  `````",
        "<!-- hm",
        "<script>\nx",
        "<PRE>\n\nx",
        "<?php x",
        "<!DOCTYPE x",
        "<![CDATA[ > ",
        "- a\n\n  ```\n  b",
        "> ```\n> b",
        "    ```\nfoo",
        "\n\n    ~~~\n",
    ],
)
def test_what_a_text_leaves_open_swallows_nothing_after_it(text: str) -> None:
    def headings(source: str) -> list[str]:
        tokens = MarkdownIt("commonmark").parse(f"{source}\n\n## Log")
        return [each.type for each in tokens if each.type == "heading_open"]

    assert headings(under(text, 2)) == ["heading_open"]


@pytest.mark.parametrize(
    "text", ["```\n```", "```\na\n\n```", "<!-- a -->", "<pre>a</pre>", "<div>"]
)
def test_what_has_ended_is_left_as_it_is(text: str) -> None:
    assert under(text, 2) == text


@pytest.mark.parametrize("form", FORMS)
def test_no_key_leaves_the_house(wild: Run, form: str) -> None:
    text = text_of(wild, form)
    for shape in (
        KEY,
        KEY[5:],
        json.dumps(KEY)[1:-1],
        KEY.replace('"', "&quot;"),
        "7f3a9",
        "5cd2e",
    ):
        assert shape not in text
    assert "•••" in text


def test_a_wait_for_people_does_not_fill_the_timeline() -> None:
    start = datetime(2026, 3, 4, tzinfo=UTC)

    def at(seconds: float) -> datetime:
        return start + timedelta(seconds=seconds)

    spans = [Span("running", at(0), at(10)), Span("waiting", at(10), at(3600))]
    work = [*spans, Span("running", at(3600), at(3610))]
    line = axis(at(0), at(3610), work)
    assert line.breaks == ((at(10), at(3600)),)
    # What is left has all the room but for the break, and everything stands in order.
    places = [line.share(at(second)) for second in (0, 5, 10, 1800, 3600, 3605, 3610)]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, 1)
    assert places[2] == pytest.approx(0.49, abs=0.001)
    assert places[4] == pytest.approx(0.51, abs=0.001)
    # Idle for less than half, or without any work: as the clock goes.
    for plain in (
        axis(at(0), at(30), [*work[:1], Span("running", at(20), at(30))]),
        axis(at(0), at(9), []),
    ):
        assert not plain.breaks
        assert plain.share(plain.begin + (plain.end - plain.begin) / 4) == pytest.approx(0.25)


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_that_is_an_everyday_word_spoils_no_file(wild: Run, ada: User, form: str) -> None:
    words = {"A": f"{wild.created_at:%Y}", "B": "text", "C": "name", "D": "completed"}
    tool_servers.register(actor=ada, name="words", url="https://words.example/mcp", secrets=words)
    told = text_of(wild, form)
    assert KEY not in told
    if form == "json":
        run = json.loads(told)["run"]
        assert run["created_at"] == live.timestamp(wild.created_at)
        assert (run["status"], run["group"]["id"]) == ("completed", wild.group_id)


def test_a_key_in_pieces_is_found_across_pages(wild: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groups.takeaway.gather.PAGE", 1)
    told = json.loads(text_of(wild, "json"))
    pieces = [event["data"]["text"] for event in told["events"] if event["type"] == "text.delta"]
    assert pieces[:2] == ["Mine is •••", ". Good."]
    assert [event["seq"] for event in told["events"]] == list(range(1, wild.last_seq + 1))


def test_a_long_log_is_never_held_whole(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groups.takeaway.gather.PAGE", 100)
    group = make_group(group_id="Long", owner=ada, leader="lena", workers=("wim",))
    short, long = (make_long_run(group=group, events=n) for n in (1_000, 4_000))

    def most(run: Run, form: str) -> int:
        tracemalloc.start()
        pieces = [len(piece) for piece in take(run, form).pieces]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert max(pieces) < 300_000
        return peak

    for form in FORMS:
        most(short, form)  # templates and parsers are loaded by now
        # Held whole, 3,000 events more would take some 4 MB.
        assert most(long, form) < most(short, form) + 500_000


def test_it_is_the_run_of_one_moment(wild: Run) -> None:
    parcel = take(wild, "json")
    head, last = next(parcel.pieces), wild.last_seq
    append_events(run=wild, n=3, announce=False)
    told = json.loads(head + b"".join(parcel.pieces))
    assert told["events"][-1]["seq"] == told["run"]["last_seq"] == last
    assert datetime.fromisoformat(told["exported_at"]).tzinfo is not None


def test_there_are_three_forms(wild: Run) -> None:
    with pytest.raises(Invalid):
        take(wild, "pdf")
