"""The calculator, windows on attachments, and SQL over attached tables."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from groups.agents.tools import tables
from groups.agents.tools.calculator import Incalculable, calculate
from groups.agents.tools.windows import window
from tests.tools.world import box, use


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0.1 + 0.2", "0.3"),
        ("2**100", "1267650600228229401496703205376"),
        ("round(2.675, 2)", "2.68"),
        ("12345678901234567890.123456789 * 10", "123456789012345678901.23456789"),
        ("sqrt(16) ^ 2 % 7", "2"),
        ("2 * 3^2", "18"),
        ("1/3", "≈ 0.33333333333333333333333333333333333333333333333333"),
        ("mean(1, 2, 6)", "3"),
    ],
)
def test_arithmetic_is_exact(expression: str, value: str) -> None:
    assert calculate(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('id')",
        "9**9**9",
        "1e999999999",
        "exp(1e9)",
        "(" * 300,
        "-" * 1999 + "1",
        "[0]*10**9",
        "'a'*10**9",
        "10**2000*10**2000*10**2000*10**2000*10**2000",
        "ln(-1)",
        "1/0",
        "x" * 3000,
        "lambda: 1",
        "0**-1",
    ],
)
def test_hostile_expressions_end_at_once_in_words(expression: str) -> None:
    began = time.monotonic()
    try:
        assert calculate(expression) == "-1"  # the long row of signs is arithmetic
    except Incalculable as error:
        assert str(error)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("utf-8", "Grüße, 世界! 🚢 " * 900),
        ("utf-8-sig", "Grüße, 世界! " * 900),
        ("utf-16", "Grüße, 世界! 🚢 " * 900),
        ("gb18030", "港口里有很多船，我们数一数。" * 900),
        ("cp1252", "Über Köln fährt das Schiff nach Zürich. " * 300),
    ],
)
@pytest.mark.parametrize("length", [7, 1000])
def test_windows_add_up_to_the_whole_text(
    tmp_path: Path, codec: str, text: str, length: int
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(codec))
    found, offset, size = "", 0, 1
    while offset < size and len(found) < 3000:
        piece, offset, size, _codec = window(path, offset, length)
        found += piece
    assert found and text.startswith(found)


async def test_attachments_are_listed_and_read_by_name_only(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("Nine ships.")
    (tmp_path / "secret.txt").write_text("key")
    toolbox = box("attachment.list", "attachment.read", files=[tmp_path / "note.txt"])
    assert "note.txt" in (await use(toolbox, "attachment.list"))[1]
    ok, told = await use(toolbox, "attachment.read", name="note.txt", offset=5, length=5)
    assert ok and told.endswith("\nships") and "Go on with offset 10" in told
    for name in (str(tmp_path / "secret.txt"), "../secret.txt", "secret.txt"):
        ok, told = await use(toolbox, "attachment.read", name=name)
        assert not ok and "This run has 'note.txt'" in told


@pytest.fixture
def sheets(tmp_path: Path) -> list[Path]:
    csv, other = tmp_path / "Ships 2024.csv", tmp_path / "crew.json"
    csv.write_bytes("name;tons\nMöwe;1.5\nAal;3\nKai;10\n".encode("cp1252"))
    other.write_text('[{"who": "Ann", "ship": "Aal"}, {"who": "Bo", "ship": "Kai"}]')
    return [csv, other]


async def test_tables_are_asked_by_sql(sheets: list[Path]) -> None:
    toolbox = box("table.query", files=sheets)
    [spec] = await toolbox.specs()
    assert 'Tables: "ships_2024", "crew".' in spec.description
    sql = "SELECT who, tons FROM crew JOIN ships_2024 ON ship = name ORDER BY tons DESC;"
    ok, told = await use(toolbox, "table.query", sql=sql)
    assert ok, told
    assert json.loads(told)["rows"] == [["Bo", 10], ["Ann", 3]]
    ok, told = await use(toolbox, "table.query", sql="SELECT range FROM range(5000)")
    assert len(json.loads(told)["rows"]) == tables.ROWS and "aggregate" in told


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/stars-never'",
        "ATTACH '/tmp/stars-never.db'",
        "SELECT 1; SELECT 2",
        "SELECT * FROM 'http://127.0.0.1:9/a.csv'",
        "SELECT list_sum(range(1000000000))",
        "INSTALL httpfs",
    ],
)
async def test_sql_reaches_nothing_else_and_no_further(sheets: list[Path], sql: str) -> None:
    ok, told = await use(box("table.query", files=sheets), "table.query", sql=sql)
    assert not ok
    assert "Tables: ships_2024, crew." in told or "more memory" in told


async def test_times_with_a_zone_are_refused_without_a_traceback(sheets: list[Path]) -> None:
    sql = "SELECT TIMESTAMPTZ '2024-01-01 00:00:00+00' AS day"
    ok, told = await use(box("table.query", files=sheets), "table.query", sql=sql)
    assert not ok and "cast them" in told and "File" not in told
    cast = f"SELECT day::TIMESTAMP FROM ({sql})"
    ok, told = await use(box("table.query", files=sheets), "table.query", sql=cast)
    assert ok and json.loads(told)["rows"] == [["2024-01-01 00:00:00"]]


async def test_a_query_that_never_ends_is_ended(sheets: list[Path]) -> None:
    grant: dict[str, Any] = {"tool": "table.query", "timeout": 1.5}
    sql = "SELECT count(*) FROM range(100000000) a, range(100000000) b"
    began = time.monotonic()
    ok, told = await use(box(grant, files=sheets), "table.query", sql=sql)
    assert not ok and "took longer than 1.5 s" in told
    assert time.monotonic() - began < 5
