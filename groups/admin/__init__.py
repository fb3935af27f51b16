"""The admin: the same services as every other door, behind lists with filters. What is a log is read-only."""

from groups.admin import dialling, messages, money, people, runs, teams, templates, tools

__all__ = ["dialling", "messages", "money", "people", "runs", "teams", "templates", "tools"]
