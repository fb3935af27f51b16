"""SQL over a run's tables, in a process of its own: DuckDB's limits hold neither for what functions allocate nor for
how soon a query stops, the operating system's do."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from groups.agents.apart import apart
from groups.agents.base import Attachment
from groups.agents.builtin import files
from groups.agents.surroundings import ToolResult
from groups.agents.tools.base import Fault, Use, as_json, brief

#: Seconds that one query may take, the reading of its tables included.
TIMEOUT: Final = 60.0
#: Rows and characters of an answer.
ROWS: Final = 200
CHARACTERS: Final = 20_000
#: Bytes of memory (address space) and of any file it writes: DuckDB spills to disk what exceeds its own limit.
MEMORY: Final = 4 << 30
SPILL: Final = 8 << 30
_ROOT: Final = Path(__file__).resolve().parents[3]


async def query(use: Use) -> ToolResult:
    """Answer one SELECT over the attached tables."""
    tables = table_names(use.request.attachments)
    if not tables:
        raise Fault("This run has no tables attached (CSV, TSV, JSON, NDJSON or Parquet).")
    sql: str = use.arguments["sql"]
    limit = use.grant.timeout or TIMEOUT
    answer = await _asked(tables, sql, limit)
    if "fault" in answer:
        raise Fault(f"{answer['fault']}\nTables: {', '.join(tables)}.")
    rows = answer["rows"]
    more = f"Only the first {len(rows)} rows: aggregate, or use LIMIT and OFFSET."
    told: dict[str, Any] = {"columns": answer["columns"], "rows": rows}
    if answer["more"]:
        told["note"] = more
    if answer["notes"]:
        told["about_the_files"] = answer["notes"]
    return ToolResult(text=as_json(told), summary=brief(f"{len(rows)} rows: {sql}"))


def table_names(attachments: tuple[Attachment, ...]) -> dict[str, Attachment]:
    """What each attached table is called in SQL: its file's name without what SQL would not take, and a number where
    two would be called the same."""
    found: dict[str, Attachment] = {}
    for file in attachments:
        if not files.shape(file):
            continue
        stem = Path(file.name).stem.lower()
        base = "".join(sign if sign.isalnum() else "_" for sign in stem).strip("_") or "table"
        base = f"t_{base}" if base[0].isdigit() else base
        name, count = base, 1
        while name in found:
            count += 1
            name = f"{base}_{count}"
        found[name] = file
    return found


async def _asked(tables: dict[str, Attachment], sql: str, limit: float) -> dict[str, Any]:
    """What the process answers. It is killed when nobody waits for it any more."""
    order = {
        "tables": [
            {"table": name, "path": str(file.path), "name": file.name, "shape": files.shape(file)}
            for name, file in tables.items()
        ],
        "sql": sql,
        "rows": ROWS,
        "characters": CHARACTERS,
        "memory": MEMORY,
        "spill": SPILL,
        "seconds": int(limit) + 1,
    }
    folder = TemporaryDirectory(prefix="stars-query-", ignore_cleanup_errors=True)
    # Nothing of the worker's environment: there are keys in it.
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    own = {
        "TMPDIR": folder.name,
        "HOME": folder.name,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "groups.agents.tools.querying"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_ROOT,
        env={**kept, **own},
        start_new_session=True,
    )
    try:
        said, _ = await apart(process.communicate, json.dumps(order).encode(), timeout=limit)
    except subprocess.TimeoutExpired:
        raise Fault(f"The query took longer than {limit:g} s. Ask for less.") from None
    finally:
        process.kill()
        await asyncio.shield(apart(_cleared, process, folder))
    try:
        answer: dict[str, Any] = json.loads(said)
    except ValueError:
        raise Fault("The query needed more memory than it may have. Ask for less.") from None
    return answer


def _cleared(process: subprocess.Popen[bytes], folder: TemporaryDirectory[str]) -> None:
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    folder.cleanup()
