"""Who belongs to which space of shared states: a group owns the space of its id (see `state.conf.Directory`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from django.contrib.auth.models import User

from groups.access import Actor, is_restricted, level_in, visible_groups
from groups.errors import LevelTooLow, NotAMember
from groups.identity import Identity, identify, may, must_have
from groups.live import group_topic
from groups.models import Level, Member, Scope
from state.manager import GLOBAL_SPACE
from state.policy import Caller, system
from state.refusals import SpaceNotFound

#: What a group's poke says when somebody's rights in its space may have changed.
_RIGHTS: Final = frozenset({"access", "group", "members"})


class _Poke(msgspec.Struct):
    what: str = ""


class GroupDirectory:
    """Knows the members of groups, and who of the users may act in them."""

    def caller(self, user: Actor, space: str, *, agent: str = "") -> Caller:
        """Who `user` is in `space`: owners of the group have every right, viewers only read.

        With `agent`, an operator acts in the name of that member: what is written is the agent's.
        Raises SpaceNotFound, LevelTooLow, NotAMember, ScopeMissing.
        """
        must_have(user, Scope.READ)
        caller = self._caller(user, space, agent)
        # Without the scope, what is not refused before is refused like a viewer's write.
        return (
            caller
            if may(user, Scope.STATE)
            else msgspec.structs.replace(caller, admin=False, read_only=True)
        )

    def _caller(self, user: Actor, space: str, agent: str) -> Caller:
        if user is None:
            return agent_caller(space, agent.removeprefix("agent:")) if agent else system(space)
        agent = agent.removeprefix("agent:")
        if not (isinstance(user, User) and user.is_active):
            raise SpaceNotFound
        if space == GLOBAL_SPACE:
            return self._in_global(user, agent)
        level = level_in(user, space) if space.isprintable() else None
        if level is None or not visible_groups(user).filter(id=space).exists():
            raise SpaceNotFound
        if agent:
            if level < Level.OPERATOR:
                raise LevelTooLow
            return agent_caller(space, agent)
        return Caller(
            space=space,
            name=_human(user),
            admin=level == Level.OWNER,
            read_only=level == Level.VIEWER,
        )

    async def identify(
        self, headers: Iterable[tuple[bytes, bytes]], session_key: str | None
    ) -> Identity | None:
        """Who sent these headers: by API token, or by the session."""
        return await identify(headers, session_key)

    def topics(self, space: str) -> tuple[str, ...]:
        """Where changes of the group's members and of access to it are told."""
        return () if space == GLOBAL_SPACE else (group_topic(space),)

    def concerns_rights(self, payload: bytes) -> bool:
        """Whether that message tells of such a change."""
        try:
            return msgspec.json.decode(payload, type=_Poke).what in _RIGHTS
        except msgspec.DecodeError:
            return False

    def spaces(self, user: Actor) -> list[str]:
        """The spaces that the user may see: its groups', and that of the whole installation."""
        groups = visible_groups(user).order_by("id").values_list("id", flat=True)
        return list(groups) if is_restricted(user) else [GLOBAL_SPACE, *groups]

    def administered(self, user: Actor) -> list[str]:
        """The spaces in which the user has every right: of groups it owns; to administrators, all."""
        if user is None or user.is_superuser:
            return self.spaces(user)
        owned = visible_groups(user).filter(access__user=user.pk, access__level=Level.OWNER)
        return list(owned.order_by("id").values_list("id", flat=True))

    def readers(self, user: User) -> dict[str, Caller]:
        """Who the user is in each space that it may see, by space, for reading only. Two queries at most."""
        must_have(user, Scope.READ)
        owned = set(self.administered(user))
        return {
            space: Caller(
                space=space,
                name=_human(user),
                admin=space in owned or user.is_superuser,
                read_only=True,
            )
            for space in self.spaces(user)
        }

    def _in_global(self, user: User, agent: str) -> Caller:
        """Everybody who is signed in is a member of the installation; administrators administer it."""
        if is_restricted(user):
            raise SpaceNotFound
        if not agent:
            return Caller(space=GLOBAL_SPACE, name=_human(user), admin=user.is_superuser)
        steered = visible_groups(user)
        if not user.is_superuser:
            steered = steered.filter(access__user=user, access__level__gte=Level.OPERATOR)
        if not Member.objects.filter(group__in=steered, agent__agent_id=agent).exists():
            raise NotAMember(fields={"agent": [NotAMember().message]})
        return Caller(space=GLOBAL_SPACE, name=f"agent:{agent}")


def agent_caller(group_id: str, agent_id: str) -> Caller:
    """The member as it acts in its group's space: known by its id, its role and its tags. Raises NotAMember."""
    plain = group_id.isprintable() and agent_id.isprintable()
    members = Member.objects.filter(group_id=group_id, agent__agent_id=agent_id)
    member = members.first() if plain else None
    if member is None:
        raise NotAMember(fields={"agent": [NotAMember().message]})
    tags = {f"tag:{tag}" for tag in member.tags}
    return Caller(
        space=group_id,
        name=f"agent:{agent_id}",
        principals=frozenset({f"role:{member.role}", *tags}),
    )


def _human(user: User) -> str:
    return f"human:{user.get_username()}"
