"""The home page: cards of groups, what needs the person, what runs, who did what, and the welcome."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from groups.execution.plan import Plan, PlanItem
from groups.execution.statuses import RunStatus
from groups.models import Delivery, Group, Member, Message, Run, Seen, Subtask
from groups.services import membership, runs, seed
from groups.spaces import GroupDirectory
from state import conf
from state.errors import StarsError
from state.manager import GLOBAL_SPACE, Base
from state.policy import system
from state.values import Operation, OperationType
from tests.dashboard.conftest import Browser
from tests.factories import end_run, make_agent, make_group, make_run, make_user
from tests.stages import claim, propose


def ago(**how: float) -> datetime:
    return timezone.now() - timedelta(**how)


def part(page: str, id: str) -> str:
    """From that element to the next section of the page."""
    start = page.index(f'id="{id}"')
    return page[start : page.find("<section", start)]


def home(browser: Browser, query: str = "") -> str:
    return str(browser.get(f"/{query}").content.decode())


def test_the_page_shows_what_the_person_may_see(
    harbour: Group, viewer: Browser, outsider: Browser, nobody: Browser
) -> None:
    run = make_run(group=harbour, created_at=ago(minutes=1))
    page = home(viewer)
    assert 'id="group-Harbour"' in page
    assert 'data-topics="dashboard"' in page
    assert f'id="running-{run.id}"' in page
    empty = home(outsider)
    assert "Harbour" not in empty and str(run.id) not in empty
    assert "No groups yet" in empty and "Start the example run" in empty
    assert nobody.get("/").status_code == 302


def test_the_parts_alone_for_a_poke(harbour: Group, viewer: Browser, nobody: Browser) -> None:
    page = viewer.get("/fragments/home/", htmx=True).content.decode()
    assert 'id="group-cards"' in page and "<html" not in page
    assert nobody.get("/fragments/home/", htmx=True)["HX-Redirect"] == "/login/"


def test_a_card_tells_who_is_in_it_what_runs_and_what_came_of_the_last_run(
    harbour: Group, viewer: Browser
) -> None:
    make_run(
        group=harbour,
        task="Weigh the anchor\nslowly",
        status=RunStatus.COMPLETED,
        result="## Report\n\n- **Eleven** tons, see `scale`.",
        created_at=ago(hours=2),
        finished_at=ago(hours=1),
    )
    card = part(home(viewer), "group-Harbour")
    assert "Weigh the anchor" in card and "slowly" not in card
    assert "Eleven tons, see scale." in card
    assert "3 members" in card
    assert card.count("constellation-leader") == 1
    leader = Member.objects.get(group=harbour, role="leader").agent.agent_id
    assert f'title="{leader}, leader"' in card
    assert "1 run in 24 h" in card and card.count("day-good") == 1
    run = make_run(group=harbour, task="Paint the hull", created_at=ago(minutes=1))
    for n, status in enumerate(("completed", "completed", "running", "ready")):
        Subtask.objects.create(
            run=run,
            key=f"k{n}",
            kind="work",
            title=f"Coat {n}",
            assignee=leader,
            agent_id=leader,
            status=status,
            **(
                {"lease_token": run.id, "lease_until": timezone.now()}
                if status == "running"
                else {}
            ),
        )
    card = part(home(viewer), "group-Harbour")
    assert "Paint the hull" in card and "1 run under way" in card
    assert '<progress value="2" max="4"' in card
    assert "constellation-leader is-working" in card
    row = part(home(viewer), f"running-{run.id}")
    assert "Coat 2" in row and 'value="2" max="4"' in row


def test_failures_hang_below_the_line_of_the_day(harbour: Group, viewer: Browser) -> None:
    make_run(group=harbour, status=RunStatus.FAILED, created_at=ago(hours=3))
    make_run(group=harbour, status=RunStatus.COMPLETED, created_at=ago(hours=30))
    card = part(home(viewer), "group-Harbour")
    assert "1 run in 24 h, 1 failed" in card
    assert (card.count("day-good"), card.count("day-bad")) == (0, 1)


def test_groups_are_searched_filtered_and_ordered(ada: User, owner: Browser) -> None:
    busy = make_group(group_id="busy", name="Zinnia", owner=ada, leader="lena", workers=("wim",))
    idle = make_group(group_id="idle", name="Aster", owner=ada, description="100% _quiet_")
    broken = make_group(group_id="broken", name="Lupin", owner=ada)
    make_run(group=busy, created_at=ago(minutes=1))
    make_run(
        group=broken, status=RunStatus.FAILED, created_at=ago(hours=2), finished_at=ago(hours=1)
    )

    def shown(query: str) -> list[str]:
        page = home(owner, query)
        found = [group for group in (busy, idle, broken) if f'id="group-{group.id}"' in page]
        return [group.id for group in sorted(found, key=lambda g: page.index(f'id="group-{g.id}"'))]

    assert shown("") == ["busy", "broken", "idle"]
    assert shown("?order=name") == ["idle", "broken", "busy"]
    assert shown("?order=new") == ["broken", "idle", "busy"]
    assert shown("?q=aSTER") == ["idle"]
    assert shown("?q=wim") == ["busy"]
    assert shown("?q=100%25") == ["idle"]
    assert shown("?only=running") == ["busy"]
    assert shown("?only=failed") == ["broken"]
    assert shown("?only=needs") == ["broken"]
    assert shown("?q=nobody") == []
    assert "No group is like that" in home(owner, "?q=nobody")
    # Nonsense in an address is nothing said.
    assert shown("?only=x&order=y&shown=-3&q=%00") == ["busy", "broken", "idle"]


def test_more_groups_are_asked_for(ada: User, owner: Browser) -> None:
    for n in range(27):
        make_group(name=f"Group {n:02}", owner=ada)
    page = home(owner)
    assert page.count('class="group-card"') == 24
    assert "More groups (24 of 27)" in page and 'data-more="48"' in page
    page = home(owner, "?shown=48")
    assert page.count('class="group-card"') == 27 and "More groups" not in page


def test_what_needs_the_person_can_be_answered_in_place(
    harbour: Group, operator: Browser, viewer: Browser
) -> None:
    run = runs.start(actor=None, group=harbour, task="Go")
    Subtask.objects.filter(run=run).update(
        status="waiting", question="Which way?", title="The way", started_at=timezone.now()
    )
    subtask = run.subtasks.get()
    needs = part(home(operator), "home-needs")
    assert "Which way?" in needs and "1 thing needs you" in needs
    assert "Which way?" not in home(viewer)
    where = f"/inbox/{run.id}/{subtask.id}/"
    refused = operator.post(where, {"at": "home", "text": "  "}, htmx=True)
    assert refused.status_code == 400
    assert f'id="need-{subtask.id}"' in refused.content.decode()
    assert "field-error" in refused.content.decode()
    answer = operator.post(where, {"at": "home", "text": "North"}, htmx=True)
    assert answer.status_code == 200 and "Answered." in answer.content.decode()
    assert "HX-Retarget" not in answer
    subtask.refresh_from_db()
    assert subtask.answers == ["North"]


def test_a_plan_is_approved_in_place(harbour: Group, operator: Browser) -> None:
    run = runs.start(actor=None, group=harbour, task="Go", approve_plan=True)
    worker = Member.objects.filter(group=harbour, role="worker").first()
    assert worker is not None
    propose(run, Plan(subtasks=(PlanItem(key="a", title="A", assignee=worker.agent.agent_id),)))
    assert "Approve the plan" in part(home(operator), "home-needs")
    answer = operator.post(f"/inbox/{run.id}/approve/", {"at": "home"}, htmx=True)
    assert "Answered." in answer.content.decode()
    assert Run.objects.get(id=run.id).status == RunStatus.RUNNING


def test_failures_are_shown_until_they_are_put_aside(
    harbour: Group, bo: User, operator: Browser
) -> None:
    run = make_run(
        group=harbour,
        status=RunStatus.FAILED,
        error="The <tide> went out",
        finished_at=ago(hours=2),
    )
    old = make_run(group=harbour, status=RunStatus.FAILED, finished_at=ago(days=3))
    needs = part(home(operator), "home-needs")
    assert f'id="need-run-{run.id}"' in needs and "The &lt;tide&gt; went out" in needs
    assert f"need-run-{old.id}" not in needs
    assert operator.post("/home/seen/", {"what": "failures"}).status_code == 303
    assert f"need-run-{run.id}" not in home(operator)
    later = make_run(group=harbour, status=RunStatus.FAILED, finished_at=timezone.now())
    assert f"need-run-{later.id}" in home(operator)
    # Whoever looks again after days learns of what happened meanwhile.
    Seen.objects.filter(user=bo).update(failures_at=ago(days=5))
    assert f"need-run-{old.id}" in home(operator)


def test_words_to_me_need_me_until_they_are_answered(
    harbour: Group, bo: User, operator: Browser, owner: Browser
) -> None:
    make_agent(agent_id="bob", kind="human", config={"user": "bo"})
    message = Message.objects.create(
        group=harbour, sender="lena", text="@bob look at <this>", addressed=["bob"]
    )
    delivery = Delivery.objects.create(message=message, recipient="bob", status="delivered")
    aware = Message.objects.create(group=harbour, sender="lena", text="to all", addressed=[])
    Delivery.objects.create(message=aware, recipient="bob", status="delivered")
    needs = part(home(operator), "home-needs")
    assert f'id="need-message-{message.id}"' in needs and "look at &lt;this&gt;" in needs
    assert f"need-message-{aware.id}" not in needs
    assert f"need-message-{message.id}" not in home(owner)
    delivery.status = "answered"
    delivery.save()
    assert f"need-message-{message.id}" not in home(operator)


def test_conflicts_need_whoever_may_settle_them(
    harbour: Group, ada: User, owner: Browser, viewer: Browser
) -> None:
    manager, caller = conf.manager(), GroupDirectory().caller(ada, harbour.id)
    manager.create_state(caller, "plan", data={"n": 1}, resolution="custom", resolver="park")
    ops = [Operation(OperationType.SET, "/n", 2)]
    manager.update_state(caller, "plan", ops, base=Base(version=1))
    other = [Operation(OperationType.SET, "/n", 3)]
    with suppress(StarsError):  # which says that the write waits
        manager.update_state(caller, "plan", other, base=Base(version=1))
    needs = part(home(owner), "home-needs")
    assert "Conflict in plan" in needs and "/groups/Harbour/conflicts/" in needs
    assert "Conflict in plan" not in home(viewer)


def test_conflicts_of_the_installation_need_the_owners_of_the_state(cy: User, vi: User) -> None:
    manager, caller = conf.manager(), GroupDirectory().caller(cy, GLOBAL_SPACE)
    settings: Any = {"owners": ("human:cy",), "resolution": "custom", "resolver": "park"}
    manager.create_state(system(GLOBAL_SPACE), "plan", data={"n": 1}, **settings)
    for value in (2, 3):
        ops = [Operation(OperationType.SET, "/n", value)]
        with suppress(StarsError):  # which says that the second write waits
            manager.update_state(caller, "plan", ops, base=Base(version=1))
    assert "Conflict in plan" in part(home(Browser(cy)), "home-needs")
    assert "Conflict in plan" not in home(Browser(vi))


def test_activity_says_who_did_what(harbour: Group, ada: User, viewer: Browser) -> None:
    run = make_run(group=harbour, task="Ring the bell", created_by=ada, created_at=ago(minutes=3))
    Run.objects.filter(id=run.id).update(status="completed", finished_at=ago(minutes=1))
    Message.objects.create(group=harbour, sender="lena", text="<b>Done</b>")
    manager, caller = conf.manager(), GroupDirectory().caller(ada, harbour.id)
    manager.create_state(caller, "log", data={})
    page = home(viewer)
    told = part(page, "home-activity")
    assert "<b>ada</b> started" in told and "Completed: " in told
    assert told.index("Completed: ") < told.index("started")
    assert "<q>&lt;b&gt;Done&lt;/b&gt;</q>" in told
    assert "<b>ada</b>: state" in told and "/groups/Harbour/states/of/log/" in told
    assert "and 2 more joined" in told
    assert "<b>ada</b>: state" not in home(Browser(make_user(username="stranger")))


def test_activity_says_who_cancelled_and_who_changed_roles(
    harbour: Group, ada: User, bo: User, viewer: Browser
) -> None:
    run = runs.start(actor=ada, group=harbour, task="Ring the bell")
    runs.cancel(actor=bo, run=run)
    membership.change(actor=ada, group=harbour, agent_id="wim", role="observer")
    membership.change(actor=ada, group=harbour, agent_id="wim", tags=["deck"])
    membership.lead(actor=None, group=harbour, agent_id="wes")
    lines = part(home(viewer), "home-activity").split("<li ")
    [cancelled] = [line for line in lines if "<b>bo</b> cancelled" in line]
    assert "Ring the bell" in cancelled
    made = [line for line in lines if " gave <b>" in line]
    assert "Stars gave <b>wes</b> the role leader" in made[0]
    # Who led until then has another role by the same hand.
    assert "Stars gave <b>lena</b> the role worker" in made[1]
    assert "<b>ada</b> gave <b>wim</b> the role observer" in made[2] and len(made) == 3
    assert "gave <b>" not in home(Browser(make_user(username="stranger")))


def test_the_page_costs_the_same_for_any_number(ada: User, owner: Browser) -> None:
    def fill(count: int) -> None:
        for n in range(count):
            names = make_user().username
            group = make_group(owner=ada, leader=f"l{names}", workers=(f"w{names}",))
            make_run(group=group, created_at=ago(minutes=n))
            claim(runs.start(actor=ada, group=group, task="Go"))
            make_run(
                group=group,
                status=RunStatus.FAILED,
                created_at=ago(hours=n),
                finished_at=ago(hours=1),
            )
            Message.objects.create(group=group, sender="lena", text="x")
            conf.manager().create_state(GroupDirectory().caller(ada, group.id), "s", data={})

    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert owner.get("/?q=l").status_code == 200
        return len(queries)

    fill(7)
    home(owner)
    few = cost()
    fill(14)
    assert cost() == few
    assert few <= 45


def test_the_welcome_tells_what_is_done_and_is_put_away(
    ada: User, owner: Browser, harbour: Group
) -> None:
    page = home(owner)
    assert "Welcome to Stars" in page and page.count("is-done") == 0
    runs.start(actor=ada, group=harbour, task="Mine")
    make_agent(agent_id="bot", kind="webhook")
    assert home(owner).count("step is-done") == 2
    assert owner.post("/home/seen/", {"what": "welcome"}).status_code == 303
    assert "Welcome to Stars" not in home(owner)
    assert owner.post("/home/seen/", {"what": "nonsense"}).status_code == 303


def test_the_welcome_goes_when_everything_is_done(
    bo: User, operator: Browser, harbour: Group
) -> None:
    runs.start(actor=bo, group=harbour, task="Mine")
    make_agent(agent_id="bot", kind="webhook")
    shown = seed.start_demo(actor=bo)
    assert home(operator).count("step is-done") == 2
    assert "Watch the run" in home(operator) and "Run it again, live" not in home(operator)
    end_run(shown, RunStatus.COMPLETED)
    assert "Welcome to Stars" not in home(operator)


def test_the_welcome_offers_the_example_again_and_its_group_for_the_first_task(
    bo: User, operator: Browser, harbour: Group
) -> None:
    assert "Open Harbour" in home(operator)
    end_run(seed.start_demo(actor=bo), RunStatus.COMPLETED)
    page = home(operator)
    assert "Run it again, live" in page and "See how it went" in page
    assert f"Open {seed.DEMO}" in page


def test_anybody_can_start_the_example(cy: User, outsider: Browser) -> None:
    answer = outsider.post("/home/demo/")
    run = Run.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/runs/{run.id}/")
    assert run.task == seed.TASK and run.attachments.count() == 1
    assert run.group.members.count() == 5
    outsider.post("/home/demo/")
    assert Group.objects.count() == 1 and Run.objects.count() == 2
    # Somebody else's example group is not theirs to run in.
    seed.start_demo(actor=make_user(username="other"))
    assert Group.objects.count() == 2


def test_only_posts_change_anything(owner: Browser) -> None:
    for path in ("/home/seen/", "/home/demo/"):
        assert (owner.get(path).status_code, owner.get(path)["Location"]) == (302, "/")
    assert not Group.objects.exists() and not Seen.objects.exists()


def test_a_store_of_states_that_is_away_leaves_the_rest(
    harbour: Group, viewer: Browser, settings: Any
) -> None:
    settings.STARS_STATES = {"type": "redis", "connection_string": "redis://127.0.0.1:1/0"}
    conf.close_manager()
    page = home(viewer)
    assert 'id="group-Harbour"' in page
    assert "The store of shared states does not answer." in page
