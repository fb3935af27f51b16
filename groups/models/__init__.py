"""Rows and their constraints; rules live in services and `groups.execution`."""

from groups.models.agents import Agent, AgentCredential, ToolServer
from groups.models.calls import Call, Callback, CallFrame, CallStatus, DialIn
from groups.models.installation import Process, ProcessKind, Seen
from groups.models.membership import Group, GroupAccess, Level, Member, Role
from groups.models.messages import Delivery, DeliveryStatus, Message
from groups.models.money import Budget, Spending
from groups.models.preferences import Preferences
from groups.models.runs import Attachment, Run, RunEvent, Subtask
from groups.models.templates import RunTemplate
from groups.models.tokens import Scope, TokenGrant

__all__ = [
    "Agent",
    "AgentCredential",
    "Attachment",
    "Budget",
    "Call",
    "CallFrame",
    "CallStatus",
    "Callback",
    "Delivery",
    "DeliveryStatus",
    "DialIn",
    "Group",
    "GroupAccess",
    "Level",
    "Member",
    "Message",
    "Preferences",
    "Process",
    "ProcessKind",
    "Role",
    "Run",
    "RunEvent",
    "RunTemplate",
    "Scope",
    "Seen",
    "Spending",
    "Subtask",
    "TokenGrant",
    "ToolServer",
]
