"""The result of a vote in Markdown: the answer that won, how it came to that, ties, and what the minority thinks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from groups.execution import votes
from groups.execution.modes.steps import Scene
from groups.execution.records import SubtaskRecord
from groups.execution.statuses import SubtaskStatus

#: Characters of a voter's reason that the minority report repeats.
MAX_REASON: Final = 600


def written(
    rule: votes.Rule,
    scene: Scene,
    answers: Sequence[SubtaskRecord],
    ballots: Sequence[SubtaskRecord],
    read: Mapping[str, votes.Ballot],
    counted: votes.Count,
    against: Sequence[str],
) -> str:
    """The whole result. `read` is voter -> ballot, `against` are the voters who chose otherwise."""
    by_key = {item.key: item for item in answers}
    parts: list[str] = []
    if counted.winner:
        parts.append(by_key[counted.winner].result.strip())
    else:
        parts.append("**The vote decided nothing: no vote could be read. These are the answers.**")
        parts += [f"### Answer of `{a.agent_id}`\n\n{a.result.strip()}" for a in answers]
    parts.append("---\n\n## How the group decided")
    parts.append("\n".join(_facts(rule, scene, answers, read)))
    if ballots:
        parts.append("\n".join(_table(by_key, counted)))
    if counted.tie:
        tied = " and ".join(f"`{by_key[key].agent_id}`" for key in counted.tie)
        parts.append(f"**Tie** between the answers of {tied}. {votes.TIE_BREAK}")
    if counted.winner and ballots:
        parts.append("### Minority report")
        parts.append(
            "\n".join(_minority(by_key, ballots, read, against)) or "Nobody voted otherwise."
        )
    return "\n\n".join(parts) + "\n"


def _facts(
    rule: votes.Rule,
    scene: Scene,
    answers: Sequence[SubtaskRecord],
    read: Mapping[str, votes.Ballot],
) -> Iterator[str]:
    silent = [item.assignee for item in scene.work if item.status != SubtaskStatus.COMPLETED]
    if not read:
        yield f"- Only `{answers[0].agent_id}` answered, so there was nothing to vote on."
    else:
        yield f"- Rule: {rule}: {votes.RULES[rule]}. Nobody votes for its own answer."
        abstained = [voter for voter, ballot in read.items() if not ballot]
        voted = len(read) - len(abstained)
        told = f" Abstained, or not readable: {_named(abstained)}." if abstained else ""
        yield f"- {len(answers)} answered, {voted} of {len(read)} voted.{told}"
    if silent:
        yield f"- Without an answer: {_named(silent)}."


def _table(by_key: Mapping[str, SubtaskRecord], counted: votes.Count) -> Iterator[str]:
    rounds = counted.rounds or [counted.counts]
    heads = [f"Round {n}" for n in range(1, len(rounds) + 1)] if len(rounds) > 1 else ["Votes"]
    yield f"| Answer | By | {' | '.join(heads)} |"
    yield f"|---|---|{'---:|' * len(heads)}"
    for key in counted.counts:
        cells = " | ".join(str(one.get(key, "–")) for one in rounds)
        mark = "**" if key == counted.winner else ""
        yield f"| {mark}{key}{mark} | `{by_key[key].agent_id}` | {cells} |"


def _minority(
    by_key: Mapping[str, SubtaskRecord],
    ballots: Sequence[SubtaskRecord],
    read: Mapping[str, votes.Ballot],
    against: Sequence[str],
) -> Iterator[str]:
    for item in ballots:
        if item.assignee not in against:
            continue
        ballot = read[item.assignee]
        liked = ", ".join(f"{key} of `{by_key[key].agent_id}`" for key in ballot[:3])
        reason = " ".join(item.result.split())
        if len(reason) > MAX_REASON:
            reason = reason[: MAX_REASON - 1] + "…"
        yield f"- `{item.assignee}` preferred {liked}" + (f": {reason}" if reason else ".")


def _named(agent_ids: Sequence[str]) -> str:
    return ", ".join(f"`{agent_id}`" for agent_id in agent_ids)
