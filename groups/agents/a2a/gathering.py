"""What an A2A agent has said by now: artifacts piece by piece, whatever order stream and polls bring them in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from a2a.helpers import get_data_parts
from a2a.types.a2a_pb2 import Artifact, Message, Part, Task, TaskArtifactUpdateEvent

from groups.agents import wire
from groups.agents.base import AgentError


class TooLong(AgentError):
    """The agent says more than anybody can take."""


class Gathered:
    """The text and data of one task."""

    def __init__(self) -> None:
        #: In pieces: to join them at every further one would take minutes for a long text in small ones.
        self._artifacts: dict[str, list[str]] = {}
        #: Of these, the ones that sum up what the others say.
        self._summaries: set[str] = set()
        self._length = 0
        #: The first JSON object among the data parts.
        self.data: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """All artifacts, in the order in which they began; of a group that summed them up, its summary."""
        said = {key: "".join(pieces) for key, pieces in self._artifacts.items()}
        summed_up = [text for key, text in said.items() if text and key in self._summaries]
        return "\n\n".join(summed_up or filter(None, said.values()))

    def piece(self, event: TaskArtifactUpdateEvent) -> str:
        """Take a piece of an artifact; what is new of its text. Raises TooLong."""
        text, known = text_of(event.artifact.parts), self._artifacts.get(event.artifact.artifact_id)
        if known is None or not event.append:
            return self._set(event.artifact, text)
        known.append(text)
        self._grew(event.artifact, len(text))
        return text

    def take(self, task: Task) -> str:
        """Take the artifacts as the task has them; what is new of their text."""
        return "".join(self._set(each, text_of(each.parts)) for each in task.artifacts)

    def _set(self, artifact: Artifact, text: str) -> str:
        known = self._artifacts.get(artifact.artifact_id)
        before = "".join(known or ())
        first = known is None and self._length > 0
        self._artifacts[artifact.artifact_id] = [text]
        if sums_up(artifact):
            self._summaries.add(artifact.artifact_id)
        self._grew(artifact, len(text) - len(before))
        new = text.removeprefix(before)
        return f"\n\n{new}" if first and new else new

    def _grew(self, artifact: Artifact, characters: int) -> None:
        self._length += characters
        if self._length > wire.MAX_TEXT:
            raise TooLong(f"The output is longer than {wire.MAX_TEXT:,} characters.")
        self.data = self.data or data_of(artifact.parts)


def sums_up(artifact: Artifact) -> bool:
    """Whether it is what a group of Stars came to; beside it are the plan and what each member found."""
    about = artifact.metadata
    return artifact.name == "result" and "kind" in about and about["kind"] == "summary"


def text_of(parts: Iterable[Part]) -> str:
    """The parts in words: data as JSON, files by name."""
    return "".join(_text(part) for part in parts)


def said_by(message: Message) -> str:
    """A message in words."""
    return text_of(message.parts)


def data_of(parts: Iterable[Part]) -> dict[str, Any]:
    """The first JSON object among the parts; {} if there is none."""
    return next((each for each in get_data_parts(list(parts)) if isinstance(each, dict)), {})


def _text(part: Part) -> str:
    match part.WhichOneof("content"):
        case "text":
            return str(part.text)
        case "data":
            (data,) = get_data_parts([part])
            return f"```json\n{json.dumps(data, ensure_ascii=False, indent=2)}\n```\n"
        case "url":
            return f"[{part.filename or part.url}]({part.url})"
        case "raw":
            return f"({part.filename or part.media_type or 'a file'}, {len(part.raw):,} bytes)"
    return ""
