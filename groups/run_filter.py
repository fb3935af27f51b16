"""Which runs of a list are meant: by words of the task, status, group and mode. The same on pages and over REST."""

from __future__ import annotations

import unicodedata
from typing import Final, NamedTuple

from django.db.models import Q, QuerySet

from groups.execution.statuses import RUN_ENDED, RunStatus
from groups.models import Group, Run

#: Every run that has not ended.
UNDER_WAY: Final = "under_way"
#: What pages let choose from; REST knows every status besides.
STATUSES: Final = (UNDER_WAY, *(str(status) for status in RunStatus if status in RUN_ENDED))


class RunFilter(NamedTuple):
    """What is empty leaves out nothing."""

    #: Words, each of which stands in the task.
    text: str = ""
    #: UNDER_WAY or a RunStatus.
    status: str = ""
    #: The id of a group, or words in the name of several.
    group: str = ""
    mode: str = ""

    def of(self, runs: QuerySet[Run]) -> QuerySet[Run]:
        """Those of the runs that are meant."""
        if self.status == UNDER_WAY:
            # In these words it is found by the index of runs under way.
            runs = runs.exclude(status__in=[each for each in RunStatus if each in RUN_ENDED])
        elif self.status:
            runs = runs.filter(status=self.status)
        if self.group:
            runs = self._of_group(runs)
        if self.mode:
            runs = runs.filter(mode=self.mode)
        return runs.filter(_with_words("task", self.text))

    def _of_group(self, runs: QuerySet[Run]) -> QuerySet[Run]:
        """Whose id is given is meant alone, and its newest runs are found by their index."""
        if Group.objects.filter(pk=self.group).exists():
            return runs.filter(group=self.group)
        named = Group.objects.filter(_with_words("name", self.group))
        return runs.filter(group__in=named.order_by().values("pk"))


def searched(text: str) -> str:
    """What somebody looks for: its words with one space between, whichever a keyboard gives (a Chinese one gives
    U+3000), and without control characters."""
    return "".join(each for each in " ".join(text.split()) if unicodedata.category(each) != "Cc")


def _with_words(field: str, text: str) -> Q:
    return Q(*((f"{field}__icontains", word) for word in text.split()))
