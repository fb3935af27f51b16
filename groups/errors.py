"""The refusals of groups and runs. Each class's docstring is the sentence the user reads."""

from __future__ import annotations

from state.errors import Conflict, Invalid, NotAllowed, NotFound, TooLarge, Unavailable


class AgentNotFound(NotFound):
    """There is no agent by that id; register it first."""

    reason = "agent_not_found"


class GroupNotFound(NotFound):
    """There is no group by that id that you may see."""

    reason = "group_not_found"


class RunNotFound(NotFound):
    """There is no run by that id that you may see."""

    reason = "run_not_found"


class TemplateNotFound(NotFound):
    """This group has no template by that id."""

    reason = "template_not_found"


class SubtaskNotFound(NotFound):
    """This run has no subtask by that id."""

    reason = "subtask_not_found"


class AttachmentNotFound(NotFound):
    """This run has no attachment by that id."""

    reason = "attachment_not_found"


class CredentialNotFound(NotFound):
    """This agent has no credential by that id."""

    reason = "credential_not_found"


class LevelTooLow(NotAllowed):
    """Your access to this group does not allow this; ask one of its owners."""

    reason = "level_too_low"


class NotAuthenticated(NotAllowed):
    """Sign in, or send `Authorization: Bearer …` with one of your API tokens."""

    reason = "not_authenticated"
    status = 401


class ScopeMissing(NotAllowed):
    """This API token may not do this; make one with the scope that it needs."""

    reason = "scope_missing"


class GroupsRestricted(NotAllowed):
    """This API token is for certain groups only, and this concerns the whole installation."""

    reason = "groups_restricted"


class TokenNotFound(NotFound):
    """You have no API token by that id."""

    reason = "token_not_found"


class TokenLimited(NotAllowed):
    """Only a person who is signed in, or a token without limits, may make, see and revoke API tokens."""

    reason = "token_limited"


class NotAMember(Invalid):
    """That agent is not a member of this group."""

    reason = "not_a_member"


class UnknownMode(Invalid):
    """There is no such mode of running."""

    reason = "unknown_mode"


class TaskEmpty(Invalid):
    """Write what the group is to do; the task is empty."""

    reason = "task_empty"


class TaskTooLarge(TooLarge):
    """The task is longer than 100,000 bytes; put long material into an attachment."""

    reason = "task_too_large"


class MessageNotFound(NotFound):
    """There is no such message in this group."""

    reason = "message_not_found"


class MessageTooLarge(TooLarge):
    """The message is longer than 100,000 bytes."""

    reason = "message_too_large"


class AttachmentTooLarge(TooLarge):
    """The attachment is larger than this server accepts."""

    reason = "attachment_too_large"


class AttachmentRefused(Invalid):
    """The attachment cannot be used."""

    reason = "attachment_refused"


class PlanInvalid(Invalid):
    """The plan cannot be carried out as it stands."""

    reason = "plan_invalid"


class AgentExists(Conflict):
    """An agent by that id is registered already."""

    reason = "agent_exists"


class TooManyCredentials(Conflict):
    """This agent has 20 credentials; revoke one of them first."""

    reason = "too_many_credentials"


class NotAnOption(Invalid):
    """That is none of the answers that are offered."""

    reason = "not_an_option"


class AgentInUse(Conflict):
    """This agent is a member of a group; remove it there first."""

    reason = "agent_in_use"


class AgentIsPerson(Conflict):
    """This agent is a person: write to it in a group, and it is asked in the inbox."""

    reason = "agent_is_a_person"


class NothingToTest(Conflict):
    """Agents of this kind have nothing to test."""

    reason = "nothing_to_test"


class TemplateExists(Conflict):
    """This group has a template of that name already."""

    reason = "template_exists"


class TooManyTemplates(Conflict):
    """A group has at most 100 templates; remove one first."""

    reason = "too_many_templates"


class GroupExists(Conflict):
    """A group by that id exists already."""

    reason = "group_exists"


class AlreadyAMember(Conflict):
    """That agent is a member of this group already."""

    reason = "already_a_member"


class LeaderExists(Conflict):
    """This group has a leader already; a group has exactly one."""

    reason = "leader_exists"


class CoordinatorExists(Conflict):
    """This group has a coordinator already; it has one at most, so that it is clear who stands in for the leader."""

    reason = "coordinator_exists"


class LeaderRequired(Conflict):
    """This group has no leader; add a member with the role leader before you run a task."""

    reason = "leader_required"


class LeaderBusy(Conflict):
    """The leader cannot leave or change role while a run of this group is under way."""

    reason = "leader_busy"


class GroupBusy(Conflict):
    """A run of this group is under way; wait for its end or cancel it first."""

    reason = "group_busy"


class LastOwner(Conflict):
    """This is the group's last owner; make somebody else an owner first."""

    reason = "last_owner"


class RunFinished(Conflict):
    """This run has already ended."""

    reason = "run_finished"


class WrongStatus(Conflict):
    """The run's present status does not allow this."""

    reason = "wrong_status"


class PlanChanged(Conflict):
    """The plan was changed since you read it. Look at it as it is now, then decide."""

    reason = "plan_changed"


class NothingToRetry(Conflict):
    """This run has no failed subtask to retry."""

    reason = "nothing_to_retry"


class CallbackNotFound(NotFound):
    """There is no such address to call back."""

    reason = "callback_not_found"


class CallbackUsed(Conflict):
    """This callback address has been used already; each takes one answer."""

    reason = "callback_used"


class CallbackExpired(Conflict):
    """This callback address has expired; the subtask was not answered in time."""

    reason = "callback_expired"
    status = 410


class CallbackStale(Conflict):
    """The subtask does not wait for this callback any more: it was sent again with another address, or has ended."""

    reason = "callback_stale"


class CallbackTooEarly(Conflict):
    """The request to which this is the answer is still being sent; answer it with 202 and call back again."""

    reason = "callback_too_early"


class ToolServerNotFound(NotFound):
    """There is no tool server by that name."""

    reason = "tool_server_not_found"


class ToolServerExists(Conflict):
    """A tool server by that name is registered already."""

    reason = "tool_server_exists"


class ToolServerInUse(Conflict):
    """Agents are granted tools of this server; take those grants back first."""

    reason = "tool_server_in_use"


class ToolServerAway(Unavailable):
    """The tool server cannot be used now."""

    reason = "tool_server_away"
