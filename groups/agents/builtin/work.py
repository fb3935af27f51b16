"""What a worker does with its request, in a thread: the job on its tables, a digest of its texts, or of its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from groups.agents.base import AgentError, Attachment, Request
from groups.agents.builtin.files import TABULAR, is_text, named_in, names, shape
from groups.agents.builtin.jobs import Job, job_of
from groups.agents.builtin.markdown import escape, listed, plural
from groups.agents.builtin.output import Output
from groups.agents.builtin.tables import Table
from groups.agents.builtin.thread import Stop


def work(request: Request, skill: str, output: Output, stop: Stop) -> None:
    """Carry out the subtask. A file that cannot be read gives a finding that says why.

    Raises AgentError when a file has vanished, Stopped when told to stop.
    """
    about = f"{request.title}\n{request.instructions}"
    files = named_in(about, request.attachments)
    tables = [file for file in files if shape(file)]
    texts = [file for file in files if is_text(file)]
    if not tables and not texts:
        from groups.agents.builtin.digest import digest_words

        digest_words(request, output)
        return
    if request.answers:
        output.finding(f"A person answered: “{escape(request.answers[-1], 500)}”.")
    digesting = request.title.startswith("Digest ") and bool(texts)
    if tables and not digesting:
        _work_on_tables(tables, job_of(request.title, request.instructions, skill), output, stop)
    if texts and (digesting or not tables or skill == "digest"):
        _work_on_texts(texts, output, stop)
    unread = [file for file in files if file not in tables and file not in texts]
    if unread:
        output.finding(
            f"Not read: {escape(listed(names(unread)), 300)}. This agent reads {', '.join(TABULAR)} and text."
        )


def _work_on_tables(files: Sequence[Attachment], job: Job, output: Output, stop: Stop) -> None:
    for file in files:
        try:
            _work_on_table(file, job, output, stop)
        except FileNotFoundError:
            raise AgentError(f"The attachment “{file.name}” is no longer there.") from None


def _work_on_table(file: Attachment, job: Job, output: Output, stop: Stop) -> None:
    import duckdb

    from groups.agents.builtin.database import Database
    from groups.agents.builtin.tables import Unreadable, open_table

    path = file.path.resolve(strict=True)
    with Database(stop, [path]) as database:
        try:
            with output.tool("read_file", file=file.name, bytes=file.size) as call:
                table = open_table(database, path, file.name, shape(file))
                call.summary = (
                    f"{plural(table.rows, 'row')}, {plural(len(table.columns), 'column')}"
                )
            _skill(job.skill)(table, output)
        except Unreadable as error:
            output.finding(f"**{escape(file.name)}** cannot be read as a table. {error}")
        except duckdb.Error as error:
            stop.check()
            reason = str(error).strip().splitlines()[0].replace(str(path), file.name)
            output.finding(
                f"**{escape(file.name)}** could not be worked on to the end: {escape(reason, 300)}"
            )


def _skill(name: str) -> Callable[[Table, Output], None]:
    from groups.agents.builtin.analyzer import analyze
    from groups.agents.builtin.checker import check
    from groups.agents.builtin.collector import collect
    from groups.agents.builtin.processor import process

    skills: Final = {
        "collector": collect,
        "processor": process,
        "analyzer": analyze,
        "checker": check,
    }
    return skills[name]


def _work_on_texts(files: Sequence[Attachment], output: Output, stop: Stop) -> None:
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from groups.agents.builtin.digest import digest_file

    for file in files:
        with TemporaryDirectory(prefix="stars-", ignore_cleanup_errors=True) as folder:
            try:
                digest_file(file.path, file.name, Path(folder), output, stop)
            except FileNotFoundError:
                raise AgentError(f"The attachment “{file.name}” is no longer there.") from None
