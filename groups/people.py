"""Who may see and do what, as people look at it: one's own groups, and for administrators everybody's. Reads only."""

from __future__ import annotations

from typing import Final, NamedTuple

from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet

from groups.models import Group, GroupAccess, Level

#: People on one page; groups of one person that are listed.
PAGE: Final = 50
MOST: Final = 500


class Allowed(NamedTuple):
    """A group that somebody may see."""

    group: Group
    level: Level
    #: Why: founder (made it), given (an owner gave it), admin (sees everything).
    why: str


class People(NamedTuple):
    """Some of the users, each with `owned`, `operated` and `viewed`: in how many groups at which level."""

    rows: list[User]
    number: int
    total: int

    @property
    def more(self) -> bool:
        """Whether there is a page after it."""
        return self.number * PAGE < self.total


def groups_of(user: User) -> list[Allowed]:
    """The groups that the user may see, by name; MOST at most. Two queries."""
    given: QuerySet[GroupAccess] = GroupAccess.objects.filter(user=user).select_related("group")
    levels = {row.group_id: row for row in given.order_by("group__name", "group_id")[:MOST]}
    if not user.is_superuser:
        return [
            Allowed(row.group, Level(row.level), _why(user, row.group)) for row in levels.values()
        ]
    return [
        Allowed(group, Level.OWNER, _why(user, group) if group.pk in levels else "admin")
        for group in Group.objects.order_by("name", "id")[:MOST]
    ]


def _why(user: User, group: Group) -> str:
    return "founder" if group.created_by_id == user.pk else "given"


def named(username: str) -> User | None:
    """The user of that name."""
    return User.objects.filter(username=username).first()


def page(query: str, number: int) -> People:
    """Users whose names or addresses have the query in them, by name."""
    found = User.objects.all()
    for word in "".join(char if char.isprintable() else " " for char in query).split():
        by = Q(username__icontains=word) | Q(first_name__icontains=word) | Q(email__icontains=word)
        found = found.filter(by)
    total = found.count()
    number = max(1, min(number, -(-total // PAGE)))
    counts = {
        name: Count("group_access", filter=Q(group_access__level=level))
        for name, level in (
            ("owned", Level.OWNER),
            ("operated", Level.OPERATOR),
            ("viewed", Level.VIEWER),
        )
    }
    rows = found.annotate(**counts).order_by("username")
    return People(list(rows[(number - 1) * PAGE : number * PAGE]), number, total)
