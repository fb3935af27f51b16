"""The detector: all rules in their order, and the resolvers that states name."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points
from typing import Any, Final, Protocol

import msgspec

from state import jsonvalue, schema
from state.conflicts import describing, resolving
from state.conflicts.analysis import Analysis
from state.conflicts.causes import is_precondition
from state.conflicts.decisions import Apply, Settlement
from state.conflicts.measuring import RESOLVER_BUDGET, RULE_BUDGET, failed, measured
from state.conflicts.rule import ConflictRule, DefaultConflictRule, Finder, FinderRule
from state.conflicts.standalone import incoming_of
from state.errors import StarsError
from state.refusals import ConfigInvalid, Unresolved
from state.values import (
    Cause,
    ConflictInfo,
    ConflictResolution,
    ConflictType,
    EventType,
    Incoming,
    Json,
    SharedState,
    StateEvent,
)

GROUP: Final = "stars.resolvers"
DEFAULT: Final = "default"
PARK: Final = "park"

#: Makes one document of a conflict's three ("base", "current", "incoming"); None: it cannot either.
Resolver = Callable[[ConflictInfo], "dict[str, Json] | None"]


class Publisher(Protocol):
    """What a detector needs of an event bus."""

    def publish(self, event: StateEvent, /) -> object:
        """Tell the event's subscribers."""
        ...


class _Placed(msgspec.Struct, frozen=True):
    order: int
    name: str
    rule: ConflictRule


class ConflictDetector:
    """Finds conflicts by its rules and settles them by a strategy; commits nothing."""

    def __init__(
        self, bus: Publisher | None = None, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """`bus` hears of conflicts found by `detect_conflict`; those that `decide` finds are the manager's to tell,
        with the commit. `clock` measures what rules and resolvers take, in seconds."""
        self._bus = bus
        self._clock = clock
        self._rules = [_Placed(0, DEFAULT, DefaultConflictRule())]
        self._resolvers: dict[str, Resolver] = {}

    def add_rule(self, rule: ConflictRule | Finder, name: str, order: int = 100) -> None:
        """Ask this rule, too: before the default one (order 0) when `order` is negative. Raises ConfigInvalid when
        there is a rule by that name."""
        if any(name == each.name for each in self._rules):
            raise ConfigInvalid(fields={"name": [f"There is a rule {name!r} already."]})
        whole = rule if isinstance(rule, ConflictRule) else FinderRule(rule)
        placed = [*self._rules, _Placed(order, name, whole)]
        self._rules = sorted(placed, key=lambda each: each.order)

    def add_resolver(self, name: str, resolver: Resolver) -> None:
        """Let states with resolution `custom` name this one. Raises ConfigInvalid for a name that is taken, or that
        means parking ("park", or a principal)."""
        if not name or name == PARK or ":" in name or name in self._resolvers:
            raise ConfigInvalid(fields={"name": [f"A resolver cannot be named {name!r}."]})
        self._resolvers[name] = resolver

    # -- detection ----------------------------------------------------------------------------------------------------

    def detect_conflict(self, incoming: Incoming, current: SharedState) -> ConflictInfo | None:
        """The conflict with all findings of all rules, or None. Raises what DefaultConflictRule raises, and
        StarsError (500), naming the rule, for one that fails or takes longer than 100 ms."""
        conflict = self.examine(Analysis(incoming, current))
        if conflict is not None and self._bus is not None:
            self._bus.publish(
                StateEvent(
                    type=EventType.CONFLICT_DETECTED,
                    timestamp=incoming.at,
                    space=current.space,
                    state_id=current.id,
                    uid=current.uid,
                    version=current.version,
                    agent_id=incoming.agent,
                    op_id=incoming.op_id,
                    conflict=conflict,
                )
            )
        return conflict

    def examine(self, analysis: Analysis) -> ConflictInfo | None:
        """`detect_conflict` of what has been laid side by side already; tells nobody."""
        found: list[Cause] = []
        for each in self._rules:
            if isinstance(each.rule, DefaultConflictRule):
                conflict = each.rule.judge(analysis)
            else:
                call = partial(each.rule.detect_conflict, analysis.incoming, analysis.head)
                conflict = measured(self._clock, "rule", each.name, RULE_BUDGET, call)
            if conflict is not None:
                found += conflict.causes or [_unexplained(each.name, conflict)]
        return describing.described(analysis, found) if found else None

    # -- resolution ---------------------------------------------------------------------------------------------------

    def resolve_conflict(
        self,
        conflict: ConflictInfo,
        strategy: ConflictResolution,
        incoming: Incoming | None = None,
        current: SharedState | None = None,
    ) -> Settlement:
        """What becomes of the write under `strategy`; pure. Without `incoming` and `current` the conflict's own states
        are what is merged. Raises Unresolved where no rule and no resolver is able."""
        current = current or conflict.states.get("current")
        if current is None:
            raise Unresolved("The conflict does not say what the present state is.")
        if incoming is None:
            incoming = incoming_of(conflict, current)
        return self.settle(Analysis(incoming, current), conflict, strategy)

    def settle(
        self, analysis: Analysis, conflict: ConflictInfo, strategy: ConflictResolution
    ) -> Settlement:
        """`resolve_conflict` of what has been laid side by side already."""
        conflict = msgspec.structs.replace(conflict, resolution=strategy)
        if strategy is ConflictResolution.REJECT or any(map(is_precondition, conflict.causes)):
            return resolving.refused(conflict)
        for each in self._rules:
            if isinstance(each.rule, DefaultConflictRule):
                settlement = each.rule.settle(analysis, conflict, strategy)
            else:
                settlement = self._by_rule(each, analysis, conflict, strategy)
            if settlement is not None:
                return settlement
        if strategy is ConflictResolution.CUSTOM:
            return self._by_resolver(analysis, conflict)
        return resolving.refused(conflict)  # a rule has found what nobody here may settle

    def _by_rule(
        self,
        placed: _Placed,
        analysis: Analysis,
        conflict: ConflictInfo,
        strategy: ConflictResolution,
    ) -> Settlement | None:
        call = partial(
            placed.rule.resolve_conflict, conflict, strategy, analysis.incoming, analysis.head
        )
        answer = measured(self._clock, "rule", placed.name, RESOLVER_BUDGET, call)
        if not isinstance(answer, Apply):
            return answer
        return self._accepted("rule", placed.name, analysis, conflict, answer.data, strategy)

    def _by_resolver(self, analysis: Analysis, conflict: ConflictInfo) -> Settlement:
        name = analysis.head.resolver
        if name == PARK or ":" in name:
            return resolving.parked(analysis, conflict)
        resolver = self._resolver(name)
        if resolver is None:
            raise Unresolved(
                f"There is no resolver {name!r}." if name else "The state names no resolver."
            )
        call = partial(resolver, copy.deepcopy(conflict))  # whatever it does to it stays with it
        data = measured(self._clock, "resolver", name, RESOLVER_BUDGET, call)
        if data is None:
            raise Unresolved(f"The resolver {name!r} could not settle this conflict.")
        told = msgspec.structs.replace(conflict, resolved_by=name)
        return self._accepted("resolver", name, analysis, told, data, ConflictResolution.CUSTOM)

    def _resolver(self, name: str) -> Resolver | None:
        if name and name not in self._resolvers:
            for found in entry_points(group=GROUP, name=name):
                try:
                    self._resolvers[name] = found.load()
                except Exception as error:
                    raise failed("resolver", name, "cannot be loaded") from error
        return self._resolvers.get(name)

    def _accepted(
        self,
        kind: str,
        name: str,
        analysis: Analysis,
        conflict: ConflictInfo,
        data: Any,
        strategy: ConflictResolution,
    ) -> Settlement:
        """Somebody else's document, if it is one and fits the schema."""
        if not isinstance(data, dict):
            raise failed(kind, name, "gave no JSON object")
        try:
            jsonvalue.check(data)
        except StarsError as error:
            raise failed(kind, name, "gave what is no JSON") from error
        wrong = schema.violations(analysis.head.schema, data)
        if wrong:
            return resolving.refused(
                conflict,
                [
                    *conflict.causes,
                    *(
                        Cause(
                            type=ConflictType.SCHEMA,
                            kind="invalid",
                            path=path,
                            detail=f"The {kind} {name!r} proposed this. {sentence}",
                        )
                        for path, sentence in wrong
                    ),
                ],
            )
        return resolving.finished(analysis, data, conflict=conflict, settled=strategy)


def _unexplained(name: str, conflict: ConflictInfo) -> Cause:
    return Cause(type=ConflictType.CUSTOM, kind=name, detail=conflict.description)
