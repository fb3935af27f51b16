"""What the engine says of runs and subtasks, in the page's language; on run pages reasons.js does the same.

The log keeps it in English. What agents say in their own words stays as it is.
"""

from __future__ import annotations

import re
from typing import Final

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

SENTENCES: Final = (
    _("The run's time limit of %(amount)s s has passed."),
    _("It took longer than its time limit of %(amount)s s."),
    _("'%(title)s' failed: %(error)s"),
    _("It needs '%(title)s', which was skipped."),
    _("It needs '%(title)s', which failed."),
    _("Nobody answered in time."),
    _("Its worker stopped answering; what it had done is unknown."),
    _("The agent ended without an answer."),
    _("The server could not go on with this run; its log tells why."),
    # The end of what a person is asked: their part before, the task of the whole run after.
    _("%(first)sTask of the run:%(rest)s"),
)
_PATTERNS: Final = tuple(
    (re.compile(re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.*?)", re.escape(each)), re.DOTALL), each)
    for each in SENTENCES
)


#: What stands before the words of a task: a mark of a list, and whom it is for.
_BEFORE: Final = re.compile(r"\s*(?:[-*+]|\d+[.)])?\s*(?:@[\w.-]+[:,：，]?)?\s*")


def _same(one: str, other: str) -> bool:
    """Whether two tasks say the same, whomever they are for."""
    words = [" ".join(_BEFORE.sub("", each, count=1).casefold().split()) for each in (one, other)]
    return words[0] == words[1]


def reason_words(said: str) -> str:
    """The sentence in the page's language, with the values that it carries, if it is one of the engine's.

    A question that is the run's whole task does not say the task again.
    """
    for pattern, sentence in _PATTERNS:
        found = pattern.fullmatch(said)
        if found:
            if "rest" in found.groupdict() and _same(found["first"], found["rest"]):
                return found["first"].strip()
            values = {
                name: reason_words(each) if name == "error" else each
                for name, each in found.groupdict().items()
            }
            return gettext(sentence) % values
    return said
