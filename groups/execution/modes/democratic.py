"""Everyone answers the task, then everyone votes among the others' answers by a stated rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from groups.events import VotesCounted
from groups.execution import votes
from groups.execution.modes import base, verdict
from groups.execution.modes.steps import Add, Complete, Scene, Step, Wait, under_way
from groups.execution.plan import MAX_INSTRUCTIONS, Assignable
from groups.execution.records import Draft, SubtaskRecord
from groups.execution.statuses import SubtaskKind, SubtaskStatus
from state.errors import Invalid

#: Who answers and votes. Specialists take only what is addressed to them, observers nothing.
VOTERS: Final = frozenset({"leader", "coordinator", "worker"})
_HOW: Final[dict[votes.Rule, str]] = {
    "plurality": "Name the best answer. End with a line such as: Vote: answer-1",
    "approval": "Name every answer that you agree with. End with a line such as: Vote: answer-1, answer-3",
    "ranked": "Rank the answers, the best first. End with a line such as: Vote: answer-3 > answer-1",
}


class Options(base.Options, frozen=True, kw_only=True):
    """The rule by which votes are counted."""

    rule: votes.Rule = "plurality"


class Democratic(base.Mode):
    """The answer that wins the vote is the result; the tally, ties and the minority report stand below it."""

    name = "democratic"
    words = "Democratic"
    about = (
        "Everyone answers the task, then everyone votes among the others' answers. "
        "Ties and what the minority thinks are shown with the result."
    )
    options = Options

    def next(self, scene: Scene) -> Step:
        """See `Mode.next`."""
        work, ballots = scene.work, scene.of(SubtaskKind.VOTE)
        voters = [m.agent_id for m in scene.members if m.role in VOTERS]
        if not work:
            return Add(tuple(_answer(n, scene.run.task, who) for n, who in enumerate(voters, 1)))
        if under_way(work) or under_way(ballots):
            return Wait()
        answers = [item for item in work if item.status == SubtaskStatus.COMPLETED]
        if not answers or (scene.run.stop_reason and not ballots):
            return base.sum_up(scene)
        rule = msgspec.convert(scene.run.options, Options).rule
        if not ballots and len(answers) > 1:
            return Add(tuple(_ballot(n, rule, who) for n, who in enumerate(voters, 1)))
        return _outcome(scene, rule, answers, ballots)

    def plans(self, options: base.Options) -> bool:
        """See `Mode.plans`."""
        return False

    def checked(self, options: base.Options, members: Sequence[Assignable]) -> base.Options:
        """A vote needs two."""
        if sum(m.role in VOTERS for m in members) < 2:
            told = "A vote needs at least two members that answer: leader, coordinator, workers."
            raise Invalid(fields={"mode": [told]})
        return options


def _answer(number: int, task: str, agent_id: str) -> Draft:
    title = "Answer the task"
    told = task[:MAX_INSTRUCTIONS]
    return Draft(f"answer-{number}", SubtaskKind.WORK, title, agent_id, told)


def _ballot(number: int, rule: votes.Rule, agent_id: str) -> Draft:
    told = f"Read the others' answers to the task and judge them; say why. {_HOW[rule]}"
    return Draft(f"vote-{number}", SubtaskKind.VOTE, "Vote on the answers", agent_id, told)


def _outcome(
    scene: Scene,
    rule: votes.Rule,
    answers: Sequence[SubtaskRecord],
    ballots: Sequence[SubtaskRecord],
) -> Step:
    read: dict[str, votes.Ballot] = {}
    for item in ballots:
        allowed = {a.key for a in answers if a.agent_id != item.agent_id}
        done = item.status == SubtaskStatus.COMPLETED
        read[item.assignee] = votes.read(rule, item.data, item.result, allowed) if done else ()
    keys = [item.key for item in answers]
    counted = votes.count(rule, keys, list(read.values()), read.get(scene.leader, ()))
    if not ballots:  # there is nothing to choose between
        counted = votes.Count({keys[0]: 0}, keys[0], [], [])
    author = next((a.agent_id for a in answers if a.key == counted.winner), "")
    against = [
        voter
        for voter, ballot in read.items()
        # Nobody can vote for what is its own.
        if ballot and voter != author and not _is_for(rule, ballot, counted.winner)
    ]
    event = VotesCounted(
        rule=rule,
        votes={
            voter: (" > " if rule == "ranked" else ", ").join(b) for voter, b in read.items() if b
        },
        counts=counted.counts,
        winner=counted.winner,
        tie=counted.tie,
        minority=against,
    )
    result = verdict.written(rule, scene, answers, ballots, read, counted, against)
    return Complete(result, (event,))


def _is_for(rule: votes.Rule, ballot: votes.Ballot, winner: str) -> bool:
    return winner in ballot if rule == "approval" else ballot[0] == winner
