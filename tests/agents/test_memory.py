"""Large tables go through memory, not into it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ROWS = 2_000_000
#: MB. In proportion to the product's 512 MB this stands for a file of 550 MB.
LIMIT = 96
#: MB beside DuckDB's share: Python, DuckDB itself, its buffers for reading. Does not grow with the file.
BESIDE = 130


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 105 MB whose amounts add up to 49.5 a row, and whose last row repeats the one before."""
    path = tmp_path_factory.mktemp("large") / "large.csv"
    with duckdb.connect() as connection:
        connection.execute(
            f"""COPY (
                SELECT id, date '2024-01-01' + (id % 700)::INT AS day,
                    ['north', 'south', 'east', 'west'][1 + id % 4] AS region,
                    id % 100 AS amount, 'note ' || hash(id) AS note
                FROM (SELECT least(i, {ROWS - 2}) AS id FROM range({ROWS}) t(i))
            ) TO '{path}' (HEADER)"""
        )
    return path


@pytest.mark.parametrize(
    ("skill", "said"),
    [
        ("collector", [f"**{ROWS:,} rows**", "**1 duplicate row**"]),
        # 20,000 times 0 + 1 + … + 99, and the last row is a 98 instead of a 99.
        ("processor", ["sum **98,999,999** over 2,000,000 values"]),
    ],
)
def test_a_table_larger_than_memory_is_worked_through(
    large: Path, skill: str, said: list[str]
) -> None:
    assert large.stat().st_size / 1024**2 > LIMIT
    done = subprocess.run(
        [sys.executable, "-m", "tests.agents.peak", str(large), skill, f"{LIMIT}MB"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=55,
    )
    answer = json.loads(done.stdout)
    for each in said:
        assert each in answer["text"]
    # Without the limit it takes 450 MB.
    assert answer["peak"] < LIMIT + BESIDE
