"""What the state half says when it refuses, beside the docstrings of its errors, for the catalog of translations.

Left out is what only programs can provoke: transactions, operations by REST, rules and resolvers of the installation.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as _

SENTENCES: Final = (
    # Settings and ids.
    _(
        "'%(name)s' is not a principal: agent:<id>, role:<leader or worker>, tag:<t>, human:<name> or *."
    ),
    _("A space has at most %(limit)s states."),
    _("A state needs an owner."),
    _("A tag has 1 to 64 characters on one line."),
    _("An id has 1 to %(limit)s letters, digits or '_.:@~-', in parts divided by '/', none empty."),
    _("At most %(limit)s."),
    _("At most 200 characters."),
    _("0 or more seconds."),
    _("States of type 'global' live in the space '_global', and only they do."),
    _("The last part of an id may not be '%(word)s'."),
    _("The settings are not valid."),
    _("The state cannot be created so."),
    _("Unknown merge strategy; known: %(strategies)s."),
    # Documents.
    _("%(key)s is a required property"),
    _("%(value)s is less than the minimum of %(limit)s"),
    _("%(value)s is greater than the maximum of %(limit)s"),
    _("%(value)s is not of type %(type)s"),
    _("%(value)s is not one of %(values)s"),
    _("%(path)s holds a value that has nothing under it."),
    _("%(type)s is not a JSON type."),
    _("%(word)s is not JSON."),
    _("A lone surrogate cannot be kept."),
    _("An integer does not fit into 64 bits."),
    _("Keys are strings."),
    _("More than %(limit)s bytes are not taken."),
    _("NaN and Infinity are not JSON."),
    _("The array has %(n)s elements; there is no index %(index)s."),
    _("The document is a JSON object."),
    _("The document would have %(size)s bytes; at most %(limit)s are allowed."),
    _("The document would not be as its schema wants it."),
    _("The document would not fit its schema."),
    _("The whole document is an object."),
    _("This integer does not fit into 64 bits."),
    _("This is nested too deeply."),
    _("This key stands here twice."),
    _("U+0000 cannot be kept."),
    # Schemas.
    _("A pattern has at most %(limit)s characters."),
    _("A schema is an object."),
    _("References lead round in a circle, or multiply each other."),
    _("The schema's dialect is %(dialect)s."),
    _("This schema cannot be applied: its references lead nowhere or in a circle."),
    _("This schema cannot be used."),
    _("This schema is nested too deeply."),
    # Conflicts.
    _("A rule of this installation forbids this write."),
    _("Choose 'mine', 'theirs' or 'base', or give a value."),
    _("Choose one of the three, or give a value."),
    _("Every conflicting path needs a choice, and no other."),
    _("Nothing was expected here."),
    _("Give exactly one of value, ops, picks and dismiss."),
    _("Others have written the same since."),
    _("Others wrote these states all the time; nothing was written."),
    _("The resolver %(name)s could not settle this conflict."),
    _("The state has been deleted."),
    _("The state has no version %(base)s yet; it is at version %(head)s."),
    _("The state is at version %(head)s, not %(base)s."),
    _("The state is not what this write expects."),
    _("The state names no resolver."),
    _("The state was deleted and created anew; that version belongs to its earlier life."),
    _("There is no resolver %(name)s."),
    _("This path is not in conflict."),
    _("This write no longer fits the state."),
    _("What this write relies on has changed since."),
    # Connections and sync tasks.
    _("%(n)s of %(total)s agents were not served."),
    _("A broadcast goes to all who subscribe: name nobody."),
    _("A multicast names one agent or more."),
    _("A priority is a number from 0 to 9; higher ones go first."),
    _("A unicast goes to exactly one agent."),
    _("At most %(limit)s agents; a broadcast reaches all."),
    _("It did not acknowledge within %(seconds)s seconds."),
    _("It may not read this state."),
    _("Name agents by their ids."),
    _("The receiver answered with status %(code)s."),
    _("The receiver cannot be reached: %(why)s"),
    _("The receiver did not answer within %(seconds)s seconds."),
    _("The receiver hung up, or answered in something else than HTTP."),
    _("The receiver redirects (%(code)s), which is not followed: give the address it points to."),
    _("The receiver wants no more messages (410)."),
    _("The state is gone."),
)
