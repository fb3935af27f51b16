"""How a rule-based worker writes: findings first, as they are made, then the sections that show the detail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from groups.agents.base import AgentEvent, TextDelta, ToolFinished, ToolStarted

#: The line above a worker's findings; the leader's report looks for it.
FINDINGS = "**Findings**"


class ToolCall:
    """A tool in use; the work sets `summary` (and `ok`) before it ends."""

    def __init__(self) -> None:
        self.summary = ""
        self.ok = True


class Output:
    """Collects one worker's answer and sends each piece on as soon as it is known."""

    def __init__(self, send: Callable[[AgentEvent], None]) -> None:
        self._send = send
        self._written: list[str] = []
        self._sections: list[str] = []
        self._calls = 0

    def finding(self, text: str) -> None:
        """One line of the answer, sent at once."""
        self.write(f"- {text}\n" if self._written else f"{FINDINGS}\n\n- {text}\n")

    def section(self, title: str, body: str) -> None:
        """A part of the detail, sent after all findings."""
        self._sections.append(f"\n### {title}\n\n{body}\n")

    @contextmanager
    def tool(self, name: str, **arguments: object) -> Iterator[ToolCall]:
        """Report the use of a tool around the work inside. An exception marks it as failed and goes on."""
        self._calls += 1
        call_id, call = f"{name}-{self._calls}", ToolCall()
        self._send(ToolStarted(call_id=call_id, tool=name, arguments=arguments))
        try:
            yield call
        except Exception as error:
            self._send(ToolFinished(call_id=call_id, tool=name, summary=str(error)[:300], ok=False))
            raise
        self._send(ToolFinished(call_id=call_id, tool=name, summary=call.summary, ok=call.ok))

    def write(self, text: str) -> None:
        """Send `text` as it stands."""
        self._written.append(text)
        self._send(TextDelta(text))

    def close(self) -> str:
        """Send the sections and return the whole answer."""
        for section in self._sections:
            self.write(section)
        self._sections.clear()
        return "".join(self._written)
