"""Rows and their constraints; rules live in services and `groups.execution`."""

from groups.models.agents import Agent
from groups.models.membership import Group, GroupAccess, Level, Member, Role
from groups.models.messages import Delivery, DeliveryStatus, Message
from groups.models.runs import Attachment, Run, RunEvent, Subtask

__all__ = [
    "Agent",
    "Attachment",
    "Delivery",
    "DeliveryStatus",
    "Group",
    "GroupAccess",
    "Level",
    "Member",
    "Message",
    "Role",
    "Run",
    "RunEvent",
    "Subtask",
]
