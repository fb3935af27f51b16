"""Every file format, and files that are broken: what is wrong is said, with its place; nothing crashes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groups.agents.base import AgentError
from groups.agents.builtin.markdown import number
from groups.agents.builtin.source import find, prepare
from groups.agents.builtin.thread import Stop
from tests.agents.kit import answer, attachment, cells, request, work

SKILLS = ("collector", "processor", "analyzer", "checker")
ROWS: list[dict[str, object]] = [
    {"name": "ann", "amount": 1.25, "day": "2026-01-01", "ok": True},
    {"name": "bo", "amount": 2.5, "day": "2026-01-02", "ok": None},
    {"name": "cy", "amount": None, "day": "2026-01-04", "ok": False},
]


def write(path: Path) -> Path:
    """The same three rows in the format of the suffix."""
    suffix = path.suffix
    if suffix in {".csv", ".tsv"}:
        comma = "," if suffix == ".csv" else "\t"
        lines = [comma.join("" if v is None else str(v) for v in row.values()) for row in ROWS]
        path.write_text("\n".join([comma.join(ROWS[0]), *lines]) + "\n")
    elif suffix == ".json":
        path.write_text(json.dumps(ROWS, indent=1))
    elif suffix in {".ndjson", ".jsonl"}:
        path.write_text("\n".join(json.dumps(row) for row in ROWS))
    else:
        path.with_suffix(".json").write_text(json.dumps(ROWS))
        duckdb.connect().execute(
            f"COPY (SELECT * FROM read_json('{path.with_suffix('.json')}')) TO '{path}' (FORMAT parquet)"
        )
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json", ".ndjson", ".jsonl", ".parquet"])
def test_every_format_gives_the_same_figures(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"x{suffix}")
    text = work(path, "collector")
    assert "**3 rows** and **4 columns**" in text
    assert "2 values missing: amount 1 (33.3%) and ok 1 (33.3%)" in text
    assert cells(text, f"x{suffix}: columns")[2]["Type"] == "date"
    (row,) = cells(work(path, "processor"), f"x{suffix}: statistics")
    assert (row["Count"], float(row["Sum"]), row["Mean"]) == ("2", 3.75, "1.875")
    for skill in ("analyzer", "checker"):
        assert "**Findings**" in work(path, skill)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators(separator: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"a{separator}b\n1{separator}x y\n2{separator}u v\n")
    assert "**2 rows** and **2 columns**" in work(path, "collector")


def test_malformed_rows_are_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('a,b,c\n1,2,3\n4,5\n\n"multi\nline",5,6\n7,8,9,10\n1,"x"y,2\n')
    text = work(path, "collector")
    assert "**2 rows** and **3 columns**" in text
    assert (
        "**3 rows could not be read**; the first is line 3: too few columns: 2 instead of 3" in text
    )
    table = cells(text, "x.csv: unreadable rows")
    assert [(row["Line"], row["Reason"][:8]) for row in table] == [
        ("3", "too few "),
        ("7", "too many"),
        ("8", "a quote "),
    ]


def test_many_malformed_rows_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + "1,2\n3\n" * 500)
    text = work(path, "collector")
    assert "**500 rows** and" in text and "**500 rows could not be read**" in text
    assert "… and 490 more" in text


def test_lines_are_right_after_blank_and_broken_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("name,n\n\na,1\nbroken\nb,2\n\nc,oops\nd,3\ne,4\n")
    assert "“oops” in line 7" in work(path, "collector")


def test_rows_are_counted_where_lines_are_uncertain(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('name,n\n"a\nb",1\nc,oops\nd,3\ne,4\n')
    assert "“oops” in row 2" in work(path, "collector")


def test_duplicate_and_missing_column_names(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,a,,a\n1,2,3,4\n")
    text = work(path, "collector")
    assert "“a” is used 3 times (columns 1, 2, 4)" in text
    assert "1 column without a name (column 3)" in text
    assert [row["Column"] for row in cells(text, "x.csv: columns")] == [
        "a",
        "a (2)",
        "column 3",
        "a (3)",
    ]


def test_no_header(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("1,2\n3,4\n")
    text = work(path, "collector")
    assert "holds values, not names" in text and "**2 rows**" in text
    assert cells(text, "x.csv: first rows")[0]["Line"] == "1"


@pytest.mark.parametrize("skill", SKILLS)
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json", ".ndjson", ".parquet"])
def test_empty_file(skill: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    path.touch()
    assert "The file is empty (0 bytes)." in work(path, skill)


@pytest.mark.parametrize("skill", SKILLS)
def test_header_only(skill: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n")
    text = work(path, skill)
    assert "no rows" in text


@pytest.mark.parametrize("content", ["\n\n\n", "   \n"])
def test_blank_file(content: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(content)
    assert "only blank lines" in work(path, "collector")


@pytest.mark.parametrize("skill", SKILLS)
def test_nul_bytes_are_named(skill: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,b\n1,x\0y\n2,z\n\0\0,3\n")
    text = work(path, skill)
    if skill in {"collector", "checker"}:
        assert "3 NUL bytes in the file (lines 2 and 4)" in text


@pytest.mark.parametrize(
    ("encoding", "label"),
    [
        ("utf-8-sig", "UTF-8 with byte order mark"),
        ("utf-16", "UTF-16"),
        ("gb18030", "GB18030"),
    ],
)
def test_encodings(encoding: str, label: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("城市,销售额\n北京,100\n上海,200\n", encoding=encoding)
    text = work(path, "collector")
    assert f"it was read as {label}" in text
    assert [row["Column"] for row in cells(text, "x.csv: columns")] == ["城市", "销售额"]
    assert "**销售额**: sum **300**" in work(path, "processor")


@pytest.mark.parametrize("text", ["Café,Málaga", "Zoë,Zürich", "Größe,Straße"])
def test_latin_1(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"name,city\n{text}\n", encoding="latin-1")
    found = work(path, "collector")
    assert "it was read as Latin-1 (Windows-1252)" in found
    assert text.split(",")[0] in found


def test_a_few_wrong_bytes_do_not_change_the_encoding(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes("名,n\n".encode() + "北京,1\n".encode() * 20 + b"\xff,2\n")
    text = work(path, "collector")
    assert "1 character could not be decoded as UTF-8 (line 22)" in text


@pytest.mark.parametrize("ending", ["\r\n", "\r", "mixed"])
def test_line_ends(ending: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    lines = ["name,n", "a,1", "b", "c,oops", "d,4", "e,5"]
    ends = ["\n", "\r\n"] * 3 if ending == "mixed" else [ending] * 6
    path.write_bytes("".join(x + y for x, y in zip(lines, ends, strict=True)).encode())
    text = work(path, "collector")
    assert "the first is line 3" in text and "“oops” in line 4" in text


def test_broken_json_is_placed(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('[{"a": 1},\n {"a": 2,}\n]')
    for skill in SKILLS:
        text = work(path, skill)
        assert "**x.json** cannot be read as a table. This is not valid JSON:" in text
        assert "at line 2, column" in text


@pytest.mark.parametrize(
    "content", ['{"a": 1', "[", '"text"', "3", "nonsense", "[1, 2, 3]", "[]", "{}"]
)
def test_odd_json_never_crashes(content: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    for skill in SKILLS:
        assert "x.json" in work(path, skill)


def test_json_objects_around_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"page": 1, "rows": [{"a": 1}, {"a": 2, "b/~c": "x"}]}))
    text = work(path, "collector")
    assert "The rows are the elements of “rows”." in text
    assert "**2 rows** and **2 columns**" in text
    path.write_text('{"a": 5, "b": {"c": 1}}')
    assert "**1 row** and **2 columns**" in work(path, "collector")


def test_broken_ndjson_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson"
    path.write_text('{"a": 1}\n{broken\n\n{"a": 2, "b": "x"}\n[1]\n{"a": 30}\n')
    text = work(path, "collector")
    assert "**3 rows** and **2 columns**" in text
    assert "**2 rows could not be read**; the first is line 2: Expecting property name" in text
    assert [row["Line"] for row in cells(text, "x.ndjson: unreadable rows")] == ["2", "5"]
    assert [row["Line"] for row in cells(text, "x.ndjson: first rows")] == ["1", "4", "6"]


def test_ndjson_without_any_object(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("one\ntwo\n")
    assert "No line holds a JSON object; line 1: Expecting value at column 1." in work(
        path, "collector"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not parquet", "does not begin with the mark PAR1"),
        (b"PAR1 and then nothing", "is cut off"),
        (b"PAR1 rubbish PAR1", "is damaged"),
    ],
)
def test_broken_parquet(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    assert said in work(path, "collector")


def test_a_vanished_file_fails_the_subtask(tmp_path: Path) -> None:
    for name in ("x.csv", "x.parquet", "x.txt"):
        with pytest.raises(AgentError, match="no longer there") as caught:
            work(tmp_path / name, "collector")
        assert not caught.value.transient


def test_names_that_look_like_sql_or_patterns(tmp_path: Path) -> None:
    for suffix in (".csv", ".json", ".ndjson", ".parquet"):
        source = write(tmp_path / f"plain{suffix}")
        odd = tmp_path / f"a'; DROP [x]*{suffix}"
        odd.write_bytes(source.read_bytes())
        assert "**3 rows**" in work(odd, "collector")


def test_column_names_that_look_like_sql(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('"a"" FROM data; --",row,c0,r1\n1,2,3,x\n4,5,6,y\n')
    for skill in SKILLS:
        assert "**Findings**" in work(path, skill)


def test_several_files_and_one_that_is_named(tmp_path: Path) -> None:
    files = tuple(attachment(write(tmp_path / name)) for name in ("one.csv", "two.json"))
    config = {"skill": "collector"}
    both = answer(request(config=config, attachments=files))
    assert "**one.csv** has" in both and "**two.json** has" in both
    one = answer(request(config=config, attachments=files, title="Profile two.json"))
    assert "one.csv" not in one and "**two.json** has" in one


def test_the_job_in_the_title_goes_before_the_skill(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv")
    assert "totals per day" in work(path, "digest", title="Totals of x.csv")
    assert "quality" in work(path, "collector", title="Quality of x.csv")


def test_files_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    path = tmp_path / "x.pdf"
    path.write_bytes(b"%PDF")
    assert "It cannot read x.pdf." in work(path, "digest")


def test_numbers_are_written_for_people() -> None:
    shown = [number(v) for v in (1234567, 0.1 + 0.2, 1234.5678, 1e-9, 2.5e20, -0.0, None, 1e6)]
    assert shown == ["1,234,567", "0.3", "1,234.57", "1e-09", "2.5e+20", "0", "–", "1,000,000"]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.binary(min_size=1, max_size=300), suffix=st.sampled_from([".csv", ".json", ".ndjson"])
)
def test_any_bytes_give_an_answer(data: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(data)
    assert "**Findings**" in work(path, "collector")


@given(
    pieces=st.lists(st.sampled_from(["a", "é", "\n", "\n", "�"]), max_size=30),
    end=st.sampled_from(["\n", "\r\n"]),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_places_across_chunks(
    pieces: list[str], end: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("groups.agents.builtin.source.CHUNK", 4)
    text = "".join(pieces)
    path = tmp_path / "x"
    path.write_bytes(text.replace("\n", end).encode())
    expected = [text[:i].count("\n") + 1 for i, sign in enumerate(text) if sign == "�"]
    assert find(path, "�".encode(), Stop()).lines == expected
    source = prepare(path, tmp_path, Stop())
    lines = text.split("\n")[:-1]
    blank = [n for n, line in enumerate(lines, 1) if line == ""]
    assert (source.blank.lines, source.blank.total) == (blank, len(blank))
    assert source.lines == len(text.splitlines())


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_blank_lines_are_counted_faster_than_one_by_one(end: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x"
    count = 8 * 1024 * 1024
    path.write_bytes(b"a" + end + end * count)
    begun = time.thread_time()
    source = prepare(path, tmp_path, Stop())
    # One by one it takes seconds, during which nobody can stop it.
    assert time.thread_time() - begun < 1.5
    assert (source.blank.total, source.lines) == (count, count + 1)
    assert source.blank.lines == list(range(2, 10_002))
