"""Refusals in the language of the page. Services and the API speak English; people read theirs.

A refusal's own sentence is looked up in the catalog; one that carries values is recognised by its template here.
"""

from __future__ import annotations

import re
from typing import Final

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from groups.views.states import sentences
from state.errors import StarsError

#: What services say about a field or a file, beside the docstrings of the error classes.
SENTENCES: Final = (
    _("'%(id)s' is an observer; it reads along and is given no work."),
    _("'%(id)s' is neither a member of this group nor a tag of a worker."),
    _("'%(id)s' is no member of this group that can be given work."),
    _("'%(key)s' was not completed, so nothing can wait for it."),
    _("'%(id)s' speaks for the group itself; choose another id."),
    _(
        "'%(host)s' is not a public address. Whoever runs this installation can allow it by "
        "%(setting)s."
    ),
    _("%(name)s: %(size)s bytes; at most %(limit)s are accepted."),
    _("%(name)s: a name has 1 to %(limit)s characters."),
    _("%(name)s: only these types can be read: %(types)s."),
    _("%(name)s: the file is empty."),
    _("%(name)s: the name holds characters that no name should."),
    _("%(name)s: this is not a Parquet file."),
    _("%(name)s: this is not text, though its name says so."),
    _("%(name)s: two files bear this name; rename one of them."),
    _("'%(name)s' is not a member of this group. Members: %(members)s."),
    _("%(name)s: this holds characters that no header can."),
    _("%(name)s: this must be text of 1 to %(limit)s characters."),
    _("A command is a list of 1 to %(limit)s words."),
    _("A secret is called like a header or an environment variable."),
    _("Give either the server's address or a command, not both."),
    _("Only administrators may register commands."),
    _(
        "Only whoever registered the tool server '%(name)s', or an administrator, may grant its tools."
    ),
    _("Only whoever registered this tool server, or an administrator, may do this."),
    _("Secrets are an object of names and texts."),
    _("There can be at most %(limit)s secrets."),
    _("There is no tool server '%(name)s'."),
    _(
        "This installation starts no commands; whoever runs it can allow it by STARS_ALLOW_COMMANDS."
    ),
    _("Agents are granted tools of this server; take those grants back first: %(agents)s."),
    _("'%(model)s' answered: %(text)s"),
    _("%(count)s pieces, the first after %(time)s s"),
    _("%(input)s + %(output)s tokens; price: unknown"),
    _("%(input)s + %(output)s tokens; price: %(price)s"),
    _("No JSON came: %(text)s"),
    _("The JSON has another shape: %(text)s"),
    _("A JSON object was expected."),
    _("A budget is an agent's or a group's, not both's."),
    _("A cap in money is a number of dollars, 0 or more."),
    _("A cap in tokens is a whole number, 1 or more."),
    _("A key is 1 to 64 letters, digits, '.', '_' or '-', and not 'plan' or 'summary'."),
    _("A level is 1 (viewer), 2 (operator) or 3 (owner)."),
    _("A member has at most %(limit)s tags."),
    _("A plan may have at most %(limit)s subtasks."),
    _("A plan needs at least one subtask."),
    _("A role is one of: %(roles)s."),
    _("A rule is 'plurality', 'approval' or 'ranked'."),
    _("A run that is %(status)s cannot be paused."),
    _("A run that is %(status)s cannot be retried."),
    _("A run that was cancelled needs no budget."),
    _("A title has 1 to %(limit)s characters, no NUL among them."),
    _("A vote needs at least two members that answer: leader, coordinator, workers."),
    _("A secret has at most 4,000 printable ASCII characters."),
    _("An agent of this kind has no such secret."),
    _("An id has 1 to 64 letters, digits, '.', '_' or '-', and begins with a letter or digit."),
    _("Answer with one of: %(options)s."),
    _("At most %(limit)s files can be given; these are %(count)s."),
    _("At most 100,000 bytes; attach long material."),
    _(
        "Begin with openai:, openai-responses:, anthropic: or google:, or give the base URL of the "
        "model's server."
    ),
    _("A place is a whole number, 0 or more."),
    _("Choose 'continue' or 'stop'."),
    _("Choose at least one."),
    _("There is no scope '%(scope)s'; there are: %(known)s."),
    _("There is no group '%(id)s' that you may see."),
    _("You have %(count)s tokens; revoke those that nobody uses."),
    _("In this mode there is no plan to approve."),
    _("Instructions have at most %(limit)s characters and no NUL."),
    _("Leave user names, keys, '?' and '#' out; the key is a secret."),
    _("Name the model, such as openai:gpt-5-mini, or as the server at the base URL calls it."),
    _("Not woken: the agents of this group have been woken %(count)s times within a minute."),
    _("Not woken: this conversation has gone %(depth)s answers deep without a person."),
    _("The answer was cancelled."),
    _("Only %(user)s, or an owner of this group, may answer for this agent."),
    _("Only a paused run can be resumed."),
    _("Only administrators may see and change the installation's budget."),
    _("Only whoever registered this agent, or an administrator, may change it."),
    _("Sign in first."),
    _("Tags are a list of words."),
    _("That user has no access to this group."),
    _("The agent's settings are not valid: %(why)s."),
    _("The note has at most %(limit)s characters and no NUL."),
    _("The board begins with a 'plan' or with the 'task'."),
    _("The board holds at most %(limit)s items."),
    _("The group has no members to give work to."),
    _("The key '%(key)s' is used twice."),
    _("The recipient is no longer a member of the group."),
    _("There is no such kind of agent. Known kinds: %(kinds)s."),
    _("There is no such time zone."),
    _("The pages do not speak this language."),
    _("This is no e-mail address."),
    _("This is not your password."),
    _("At most %(limit)s characters; begin the conversation anew."),
    _("There is no subtask with the key '%(key)s'."),
    _("These subtasks wait for each other: %(keys)s."),
    _("The order is 'plan' or 'members'."),
    _("The result is 'last' or 'summary'."),
    _("This cannot be changed."),
    _("This has %(size)s bytes as JSON; at most %(limit)s are allowed."),
    _("This has %(size)s bytes; at most %(limit)s are allowed."),
    _("This has %(size)s characters; at most %(limit)s are allowed."),
    _("This holds a NUL character."),
    _("This is a list of agent ids, each once."),
    _("This is a number from %(least)s to %(most)s."),
    _("This mode has no such option; it has: %(names)s."),
    _("This holds half a character (a lone surrogate)."),
    _("This holds something that JSON cannot express."),
    _("The test was not done within %(limit)s s."),
    _("This is not an address that begins with http:// or https://."),
    _("This is not the number of a message."),
    _("This may not be empty."),
    _("This must be a JSON object."),
    _("This must be a number from 0 to %(limit)s."),
    _("This must be a number of seconds."),
    _("This must be text."),
    _("This is the number of an event."),
    _("This run does not await approval of its plan."),
    _("This is not JSON: %(why)s"),
    _("This subtask waits for no answer."),
    _("Unknown mode; this server knows: %(modes)s."),
    _("With another address the agent's secrets have to be given again."),
    _("Write what the group is to do."),
)
#: How those sentences name a status.
STATUSES: Final = (
    _("queued"),
    _("planning"),
    _("awaiting approval"),
    _("running"),
    _("paused"),
    _("summarising"),
    _("completed"),
    _("failed"),
    _("cancelled"),
)


def _pattern(template: str) -> re.Pattern[str]:
    """Matches what the template's sentence looks like with any values in it."""
    parts = re.split(r"%\((\w+)\)s", template)
    parts[::2] = map(re.escape, parts[::2])
    parts[1::2] = [f"(?P<{name}>.+?)" for name in parts[1::2]]
    return re.compile("".join(parts), re.DOTALL)


_TEMPLATES: Final = [
    (_pattern(text), text) for text in (*SENTENCES, *sentences.SENTENCES) if "%(" in text
]


def sentence(text: str) -> str:
    """A sentence of a service in the page's language; as it is, when no catalog knows it."""
    translated = gettext(text)
    if translated != text:
        return translated
    for pattern, template in _TEMPLATES:
        found = pattern.fullmatch(text)
        if found:
            values = {
                name: gettext(value) if name == "status" else value
                for name, value in found.groupdict().items()
            }
            return gettext(template) % values
    return text


def in_language_of_page(error: StarsError) -> StarsError:
    """The refusal, its sentences translated. It stays the same object: some are made of more than a sentence."""
    error.message = sentence(error.message)
    error.fields = {
        name: [sentence(text) for text in texts] for name, texts in error.fields.items()
    }
    return error
