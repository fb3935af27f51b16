"""Who may do what with a state; pure (shared-state 1.2).

Principals are "agent:<id>" (a bare word is an agent), "role:leader", "role:worker", "tag:<t>", "human:<id>" and "*",
all members of the space.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from state.refusals import NotPermitted, StateNotFound
from state.values import AccessPolicy, SharedState, StateType

EVERYONE: Final = "*"


class Right(StrEnum):
    """What can be done with a state. Write, delete and admin each imply read."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    ADMIN = "admin"


ALL: Final = frozenset(Right)
NONE: Final = frozenset[Right]()


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever acts in a space, as whoever knows its members has identified them."""

    space: str
    #: The principal that signs what is written.
    name: str
    #: All that it is known as, its name included.
    principals: frozenset[str] = frozenset()
    member: bool = True
    #: Of the installation or of the space: has every right.
    admin: bool = False
    #: Never more than reading, whatever a policy grants.
    read_only: bool = False

    @property
    def known_as(self) -> frozenset[str]:
        """The principals, with the name, and with "*" for a member and nobody else."""
        own = frozenset(map(canonical, self.principals | {self.name})) - {EVERYONE}
        return own | {EVERYONE} if self.member else own


def system(space: str) -> Caller:
    """Stars itself."""
    return Caller(space=space, name="system", admin=True)


def canonical(principal: str) -> str:
    """The principal as it is compared: a bare word is an agent."""
    return principal if ":" in principal or principal == EVERYONE else f"agent:{principal}"


def rights(state: SharedState, caller: Caller) -> frozenset[Right]:
    """All that `caller` may do with `state`: admin → owner (everything) → the policy's lists."""
    if caller.admin:
        return frozenset({Right.READ}) if caller.read_only else ALL
    known = caller.known_as
    policy = state.access_policy

    def named(*lists: tuple[str, ...]) -> bool:
        return any(canonical(each) in known for group in lists for each in group)

    if named(state.owners):
        found = set(ALL)
    else:
        found = {
            right
            for right, listed in (
                (Right.READ, (state.readers, policy.read_allow)),
                (Right.WRITE, (policy.write_allow,)),
                (Right.DELETE, (policy.delete_allow,)),
                (Right.ADMIN, (policy.admin_allow,)),
            )
            if named(*listed)
        }
        if Right.ADMIN in found:
            found.add(Right.DELETE)
        if caller.member and policy.public:
            found |= {Right.READ, Right.WRITE}
        if found:
            found.add(Right.READ)
    return frozenset(found & {Right.READ} if caller.read_only else found)


def require(state: SharedState, caller: Caller, right: Right) -> None:
    """Raise StateNotFound when the caller may not even read (what it may not see does not exist for it),
    NotPermitted, naming the right, when it may read only."""
    has = rights(state, caller)
    if Right.READ not in has:
        raise StateNotFound
    if right not in has:
        raise NotPermitted(extra={"required": str(right)})


def default_policy(kind: StateType) -> AccessPolicy:
    """What a state created without a policy gets: members read and write; a global one only by explicit grant;
    an agent's own is read by the space."""
    if kind is StateType.GLOBAL:
        return AccessPolicy(read_allow=(EVERYONE,))
    if kind in (StateType.AGENT, StateType.TASK):
        return AccessPolicy(read_allow=(EVERYONE,))
    return AccessPolicy(public=True)
