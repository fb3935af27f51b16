"""Messages: the history in pages, writing to one and to all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from groups.agents.base import Request
from groups.agents.builtin.reply import write_reply
from groups.execution.statuses import SubtaskKind
from groups.models import Group, Message
from groups.services import messaging
from groups.views.boxes import MESSAGES_SHOWN
from tests.dashboard.conftest import Browser

PATH = "/groups/Harbour/messages/"


def test_the_history_in_pages(
    harbour: Group, viewer: Browser, guarded: Callable[..., None]
) -> None:
    guarded("get", PATH)
    for n in range(MESSAGES_SHOWN + 3):
        messaging.broadcast(actor=None, group=harbour, text=f"News {n}.")
    page = viewer.get(PATH, htmx=True).content.decode()
    assert page.count("<article") == MESSAGES_SHOWN
    assert "News 3." in page
    assert "News 2." not in page
    [oldest] = Message.objects.filter(text="News 3.")
    assert f"?before={oldest.id}" in page
    rest = viewer.get(f"{PATH}?before={oldest.id}", htmx=True).content.decode()
    assert rest.count("<article") == 3
    assert "?before=" not in rest


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "1' or 1"])
def test_a_wrong_page_is_refused(before: str, harbour: Group, viewer: Browser) -> None:
    assert viewer.get(f"{PATH}?before={before}").status_code == 400


def test_the_history_costs_the_same_for_any_number(
    harbour: Group, viewer: Browser, django_assert_max_num_queries: Any
) -> None:
    for n in range(20):
        messaging.broadcast(actor=None, group=harbour, text=f"News {n}.")
    with django_assert_max_num_queries(7):
        viewer.get(PATH, htmx=True)


def test_an_answer_is_laid_out_and_can_do_nothing(harbour: Group, viewer: Browser) -> None:
    text = "**Seven** ships <b>here</b>\n\n- [one](javascript:alert(1))\n- two"
    asked = messaging.send(actor=None, group=harbour, sender="lena", to="wim", text=text)
    for answer in (text, "**" + "x" * 20_000 + "**"):
        messaging.send(
            actor=None, group=harbour, sender="wim", to="lena", text=answer, reply_to=asked
        )
    page = viewer.get(PATH, htmx=True).content.decode()
    assert '<p class="message-text">**Seven** ships &lt;b&gt;here' in page
    assert "<strong>Seven</strong> ships &lt;b&gt;here" in page and "<li>two</li>" in page
    assert 'href="javascript' not in page
    assert '<p class="message-text">**xxx' in page


def test_writing(harbour: Group, operator: Browser, viewer: Browser) -> None:
    given = {"sender": "lena", "to": "wim", "text": "Cast <off>!"}
    assert viewer.post(PATH, given, htmx=True).status_code == 403
    answer = operator.post(PATH, given, htmx=True)
    assert answer.status_code == 200
    [message] = Message.objects.all()
    assert (message.sender, message.recipient, message.text) == ("lena", "wim", "Cast <off>!")
    # The text is gone from the form, the ends are kept.
    page = answer.content.decode()
    assert "Cast" not in page
    assert '<option value="wim" selected>' in page
    assert "Cast &lt;off&gt;!" in operator.get(PATH, htmx=True).content.decode()


def test_to_everyone(harbour: Group, operator: Browser) -> None:
    assert operator.post(PATH, {"sender": "system", "to": "", "text": "All hands"})
    [message] = Message.objects.all()
    assert (message.sender, message.recipient) == ("system", "")
    assert message.deliveries.count() == 3


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"sender": "lena", "to": "wim", "text": " "}, 400),
        ({"sender": "ghost", "to": "wim", "text": "Boo"}, 400),
        ({"sender": "lena", "to": "ghost", "text": "Boo"}, 400),
        ({"sender": "lena", "to": "", "text": "x" * 100_001}, 413),
    ],
)
def test_bad_input_stands_in_the_form(
    given: dict[str, str], status: int, harbour: Group, operator: Browser
) -> None:
    answer = operator.post(PATH, given, htmx=True)
    assert answer.status_code == status
    assert "field-error" in answer.content.decode()
    assert not Message.objects.exists()


def test_a_thread_says_who_is_answering_and_why_nobody_does(
    harbour: Group, operator: Browser, settings: Any
) -> None:
    asked = messaging.broadcast(actor=None, group=harbour, text="Ready, @wim?")
    messaging.deliver(message_id=asked.id)
    page = operator.get(PATH, htmx=True).content.decode()
    run = asked.runs.get()
    assert f'<a href="/runs/{run.id}/">wim is answering…</a>' in page
    settings.STARS_REPLY_DEPTH = 1
    answer = messaging.send(
        actor=None, group=harbour, sender="wim", to="lena", text="Yes.", reply_to=asked
    )
    messaging.deliver(message_id=answer.id)
    page = operator.get(PATH, htmx=True).content.decode()
    assert f'<a href="#message-{asked.id}">the group: Ready, @wim?</a>' in page
    assert "lena: Not woken: this conversation has gone 1 answers deep without a person." in page


def test_people_write_as_themselves(harbour: Group, operator: Browser, viewer: Browser) -> None:
    operator.post(PATH, {"to": "wim", "text": "Ready?"}, htmx=True)
    operator.post(PATH, {"sender": "lena", "text": "I am."}, htmx=True)
    asked, said = Message.objects.order_by("id")
    assert [(m.sender, m.by) for m in (asked, said)] == [("system", "bo"), ("lena", "bo")]
    messaging.send(actor=None, group=harbour, sender="wim", to="lena", text="Aye.", reply_to=asked)
    Message.objects.filter(text="Aye.").update(recipient="system")
    page = viewer.get(PATH, htmx=True).content.decode()
    assert "<b>bo</b>" in page and '<b>lena</b> <span class="muted">(bo)</span>' in page
    # An answer to a person is for that person.
    assert "→ bo ·" in page and f'<a href="#message-{asked.id}">bo: Ready?</a>' in page
    assert "system" not in page


def test_each_message_says_how_far_it_has_come(harbour: Group, viewer: Browser) -> None:
    sent = messaging.broadcast(actor=None, group=harbour, text="Anchor!")
    page = viewer.get(PATH, htmx=True).content.decode()
    assert "3 queued" in page and "lena, wes, wim" in page
    harbour.members.filter(agent__agent_id="wes").delete()
    messaging.deliver(message_id=sent.id)
    page = viewer.get(PATH, htmx=True).content.decode()
    assert "2 delivered" in page and "1 failed" in page
    assert "Not delivered to wes: The recipient is no longer a member" in page


def test_a_name_that_nobody_bears_is_told_of(harbour: Group, operator: Browser) -> None:
    told = "nobody here is called @nobody, @tag:none, so"
    page = operator.post(PATH, {"text": "@nobody @tag:none hello?"}, htmx=True).content.decode()
    assert told in page
    assert Message.objects.get().text == "@nobody @tag:none hello?"
    assert "nobody here" not in operator.post(PATH, {"text": "@wim hi"}, htmx=True).content.decode()
    operator.post(PATH, {"text": "@nobody @tag:none hello?"})
    assert told in operator.get("/groups/Harbour/").content.decode()
    # What was refused was not sent.
    assert "nobody here" not in operator.post(PATH, {"text": " "}, htmx=True).content.decode()


def test_rule_based_agents_do_not_count_the_address() -> None:
    asked = Request(
        kind=SubtaskKind.REPLY,
        run_id="r",
        subtask_id="s",
        group_id="g",
        agent_id="wim",
        config={},
        task="",
        instructions="@role:worker how many anchors on 7 ships?",
    )
    reply = "".join(write_reply(asked, "digest"))
    assert "anchors" in reply and "worker" not in reply and "role" not in reply
