"""A further plan by fixed rules: somebody else tries what failed, and what waited for it is done after that."""

from __future__ import annotations

from msgspec.structs import replace

from groups.agents.base import Finding, Request
from groups.agents.builtin.markdown import listed
from groups.agents.builtin.planner import make_plan
from groups.agents.builtin.routing import workers
from groups.execution.plan import MAX_INSTRUCTIONS, Plan, PlanItem

_DONE = "completed"


def make_further_plan(request: Request) -> Plan:
    """The subtasks to add, none when nobody else can take what failed.

    Planning is by rule, so the first plan can be made again: it tells what the failed subtasks were to do.
    """
    planned = {item.key: item for item in make_plan(request).subtasks}
    titled = {item.title: item for item in planned.values()}
    found = {finding.key: finding for finding in request.findings}
    new: dict[str, PlanItem] = {}
    for finding in request.findings:
        if finding.status == "failed":
            item = _again(finding, titled.get(finding.title), request, {*found, *_keys(new)})
            if item is not None:
                new[finding.key] = item
    # What was skipped follows when all that it waits for is done, or is done now.
    moved = True
    while moved:
        moved = False
        for finding in request.findings:
            item = planned.get(finding.key)
            if finding.status != "skipped" or finding.key in new or item is None:
                continue
            able = all(
                n in new or (n in found and found[n].status == _DONE) for n in item.depends_on
            )
            if able and item.title == finding.title:
                needs = tuple(new[n].key if n in new else n for n in item.depends_on)
                key = _free(finding.key, {*found, *_keys(new)})
                new[finding.key] = replace(item, key=key, depends_on=needs, id=None)
                moved = True
    if not new:
        return Plan(subtasks=(), note="Rule-based: nobody else here could take what failed.")
    titles = listed([f"“{item.title}”" for item in new.values()], 5)
    return Plan(subtasks=tuple(new.values()), note=f"Rule-based: another member tries {titles}.")


def _again(
    failed: Finding, planned: PlanItem | None, request: Request, taken: set[str]
) -> PlanItem | None:
    others = [m for m in workers(request.members) if m.agent_id != failed.agent_id]
    if not others:
        return None
    told = planned.instructions if planned else failed.title
    needs = planned.depends_on if planned else ()
    done = {f.key for f in request.findings if f.status == _DONE}
    load = {m.agent_id: 0 for m in others}
    for finding in request.findings:
        if finding.agent_id in load:
            load[finding.agent_id] += 1
    return PlanItem(
        key=_free(failed.key, taken),
        title=failed.title,
        assignee=min(load, key=lambda agent_id: load[agent_id]),
        instructions=told[:MAX_INSTRUCTIONS],
        depends_on=tuple(need for need in needs if need in done),
    )


def _keys(new: dict[str, PlanItem]) -> set[str]:
    return {item.key for item in new.values()}


def _free(key: str, taken: set[str]) -> str:
    """The key with a number that nobody has."""
    number = 2
    while (free := f"{key[:58]}-{number}") in taken:
        number += 1
    return free
