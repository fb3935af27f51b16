"""JSON and NDJSON: one object is one row. Broken lines and elements are named and left out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import duckdb

from groups.agents.builtin.database import Database, literal
from groups.agents.builtin.source import prepare
from groups.agents.builtin.tables import SHOWN, Lines, Reject, Rejects, Table, Unreadable, from_text

#: Up to this size a JSON file is checked strictly, and its faults are named by line and column.
_STRICT: Final = 16 << 20
_MAX_OBJECT: Final = 16 << 20
MAX_COLUMNS: Final = 500


def open_records(database: Database, path: Path, name: str, by_line: bool) -> Table:
    """Read JSON (an array of objects, or one object) or (`by_line`) NDJSON into the table `raw`.

    Raises Unreadable, with line and column where they are known, when it is not valid JSON.
    """
    source = prepare(path, database.folder, database.stop)
    notes = source.notes()
    if by_line:
        rejects = _load_lines(database, source.path)
        origin, unit = "NDJSON", "line"
    else:
        notes += _load_document(database, source.path)
        rejects = Rejects()
        origin, unit = "JSON", "row"
    keys = _keys(database)
    if len(keys) > MAX_COLUMNS:
        notes.append(
            f"The objects have {len(keys):,} different keys; the first {MAX_COLUMNS} were read."
        )
        keys = keys[:MAX_COLUMNS]
    left_out = _spread(database, keys)
    lines = Lines(unit, 1, left_out)
    table = from_text(database, name, f"{origin}, {source.encoding}", keys or ["value"], lines)
    table.notes, table.rejects = notes, rejects
    return table


def _load_lines(database: Database, path: Path) -> Rejects:
    """Fill `documents` (place, json) from a file with one object on each line."""
    try:
        database.rows(
            "CREATE TABLE lines AS SELECT text FROM "
            f"read_csv({literal(path)}, auto_detect=false, header=false, delim='\x01', quote='', "
            f"escape='', columns={{'text': 'VARCHAR'}}, max_line_size={_MAX_OBJECT}, "
            "strict_mode=false)"
        )
    except duckdb.Error as error:
        raise Unreadable(f"The lines cannot be read: {str(error).splitlines()[0]}") from None
    # One expression: DuckDB is free to evaluate the second half of an AND first.
    good = "json_type(TRY_CAST(text AS JSON)) = 'OBJECT'"
    bad = f"trim(text) != '' AND NOT coalesce({good}, false)"
    database.rows(
        "CREATE VIEW documents AS SELECT rowid AS place, TRY_CAST(text AS JSON) AS json FROM lines "
        f"WHERE {good}"
    )
    total = int(database.value(f"SELECT count(*) FROM lines WHERE {bad}"))
    shown = [
        Reject(int(row) + 1, _fault(str(text)), str(text))
        for row, text in database.rows(
            f"SELECT rowid, text FROM lines WHERE {bad} ORDER BY rowid LIMIT {SHOWN}"
        )
    ]
    if total and not database.value("SELECT count(*) FROM documents"):
        raise Unreadable(f"No line holds a JSON object; line {shown[0].line}: {shown[0].reason}.")
    return Rejects(total, shown)


def _fault(text: str) -> str:
    """Why the line is not a JSON object."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return f"{error.msg} at column {error.colno}"
    except RecursionError:
        return "nested too deeply"
    return f"not an object but {_KINDS.get(type(value), 'null')}"


_KINDS: Final = {
    list: "an array",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "true or false",
}


def _load_document(database: Database, path: Path) -> list[str]:
    """Fill `documents` from a file that is one JSON document; returns what to tell about it."""
    notes = []
    inner = None
    if path.stat().st_size <= _STRICT:
        document = _parse(path)
        inner = _inner_list(document)
        if isinstance(document, list):
            others = sum(not isinstance(element, dict) for element in document)
            if others and others < len(document):
                notes.append(
                    f"{others:,} of {len(document):,} elements are not objects; they are left out."
                )
        elif not isinstance(document, dict):
            raise Unreadable("The file holds a single value; a table needs an array of objects.")
        del document
    try:
        database.rows(
            "CREATE TABLE documents AS SELECT row_number() OVER () - 1 AS place, json FROM "
            f"read_json_objects({literal(path)}, format='auto', maximum_object_size={_MAX_OBJECT})"
        )
        if inner is not None:
            notes.append(f"The rows are the elements of “{inner}”.")
            pointer = literal("/" + inner.replace("~", "~0").replace("/", "~1"))
            database.rows(
                "CREATE OR REPLACE TABLE documents AS SELECT row_number() OVER () - 1 AS place, json FROM "
                f"(SELECT unnest(json_extract(json, {pointer})::JSON[]) AS json FROM documents)"
            )
    except duckdb.Error as error:
        raise Unreadable(_plain(error)) from None
    return notes


def _parse(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except json.JSONDecodeError as error:
        raise Unreadable(
            f"This is not valid JSON: {error.msg} at line {error.lineno:,}, column {error.colno:,}."
        ) from None
    except RecursionError:
        raise Unreadable("The JSON is nested too deeply to be a table.") from None


def _inner_list(document: object) -> str | None:
    """The key of the only list of objects in an object such as `{"rows": […], "page": 1}`."""
    if not isinstance(document, dict):
        return None
    lists = [
        key
        for key, value in document.items()
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
    ]
    return lists[0] if len(lists) == 1 else None


def _plain(error: Exception) -> str:
    """DuckDB's complaint without the path of the file."""
    message = re.sub(r' in file "[^"]*"', "", str(error).strip().splitlines()[0])
    return f"This is not valid JSON: {message.partition(': ')[2] or message}"


def _keys(database: Database) -> list[str]:
    """Every key of every object, in the order in which they first appear."""
    return [
        str(row[0])
        for row in database.rows(
            "SELECT key, min(place) AS first, min(position) AS position FROM ("
            "SELECT place, unnest(keys) AS key, unnest(range(len(keys))) AS position "
            "FROM (SELECT place, json_keys(json) AS keys FROM documents WHERE json_type(json) = 'OBJECT')"
            ") GROUP BY key ORDER BY first, position, key"
        )
    ]


def _spread(database: Database, keys: list[str]) -> list[int]:
    """Fill `raw` with one column for each key; returns the numbers of the places that gave no row."""
    if keys:
        pointers = ", ".join(
            literal("/" + key.replace("~", "~0").replace("/", "~1")) for key in keys
        )
        picked = ", ".join(f"cells[{index + 1}] AS r{index}" for index in range(len(keys)))
        wanted = "json_type(json) = 'OBJECT'"
        inner = f"SELECT place, json_extract_string(json, [{pointers}]) AS cells"
    else:
        picked, wanted = "cells AS r0", "true"
        inner = "SELECT place, json ->> '$' AS cells"
    database.rows(
        f"CREATE TABLE raw AS SELECT {picked} FROM ({inner} FROM documents WHERE {wanted}) ORDER BY place"
    )
    missing = database.rows(
        f"SELECT n + 1 FROM range((SELECT coalesce(max(place) + 1, 0) FROM documents)) AS r(n) "
        f"WHERE n NOT IN (SELECT place FROM documents WHERE {wanted}) ORDER BY n LIMIT 100000"
    )
    return [int(row[0]) for row in missing]
