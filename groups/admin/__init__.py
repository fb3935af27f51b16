"""The admin: the same services as every other door, behind lists with filters. What is a log is read-only."""

from groups.admin import messages, money, people, runs, teams, tools

__all__ = ["messages", "money", "people", "runs", "teams", "tools"]
