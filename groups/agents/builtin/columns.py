"""What the columns of a table hold, judged from their text: whole numbers, decimals, numbers, dates or text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from groups.agents.builtin.database import Database, literal

Kind = Literal["number", "date", "text"]

#: Rows looked at first; a kind that no such row suggests is not tried on the whole column.
HEAD: Final = 20_000
#: A column is of a kind when at least two thirds of its values are.
SHARE: Final = 2 / 3
_INTEGER: Final = r"[+-]?(0|[1-9][0-9]{0,17})"
_PLAIN: Final = r"[+-]?(0|[1-9][0-9]{0,17})?(\.[0-9]{0,9})?"
#: No leading zeros, for those are codes: postal codes, article numbers.
_NUMBER: Final = r"[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"
_GROUPED: Final = r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?"
_ISO: Final = r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}([T ].*)?"
#: Ways to write a date besides ISO 8601; the first of equals wins.
_DATES: Final = {
    "day/month/year": "%d/%m/%Y",
    "month/day/year": "%m/%d/%Y",
    "day.month.year": "%d.%m.%Y",
    "day-month-year": "%d-%m-%Y",
    "年月日": "%Y年%m月%d日",
}
_TIMES: Final = ("", " %H:%M", " %H:%M:%S")
_IDENTIFIER: Final = re.compile(
    r"(?i:(.*[_ .-])?(id|key|index|idx|no|nr|row|zip|postcode|phone))|.*[a-z]Id|.*(编号|序号|号码|电话)"
)
_MEASURE: Final = re.compile(
    r"amount|revenue|sales|turnover|total|income|value|cost|price|金额|销售|收入|总|价",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Column:
    """One column of a table; `sql` is its name in the relation `data`, `raw` the text it is read from."""

    name: str
    sql: str
    raw: str
    kind: Kind
    #: The type as people read it.
    label: str
    #: Empty cells, and cells that do not fit the kind.
    missing: int
    misfits: int
    #: The typed expression over the raw text.
    expression: str

    @property
    def is_identifier(self) -> bool:
        """Whether it numbers things, so that its sum means nothing. Judged by its name."""
        return self.kind == "number" and _IDENTIFIER.fullmatch(self.name.strip()) is not None

    @property
    def is_measure(self) -> bool:
        return self.kind == "number" and not self.is_identifier

    @property
    def is_amount(self) -> bool:
        """Whether its name says that it is what such a table is about."""
        return self.is_measure and _MEASURE.search(self.name) is not None


def judge(database: Database, relation: str, names: list[str], raw: list[str]) -> list[Column]:
    """The columns of `relation`, whose columns `raw` are text and are called `names` by people."""
    head = f"(SELECT * FROM {relation} LIMIT {HEAD})"
    columns = []
    for index, (name, text) in enumerate(zip(names, raw, strict=True)):
        options = _options(database, head, text)
        columns.append(_settle(database, relation, name, f"c{index}", text, options))
    return columns


def _filled(raw: str) -> str:
    """The text of the cell, NULL when it is blank."""
    return f"nullif(trim({raw}), '')"


def _clean(raw: str, grouped: bool) -> str:
    """The trimmed text, with thousands separators taken out of numbers that have them."""
    text = f"trim({raw})"
    if not grouped:
        return text
    return (
        f"CASE WHEN regexp_full_match({text}, {literal(_GROUPED)}) "
        f"THEN replace({text}, ',', '') ELSE {text} END"
    )


def _number(raw: str, grouped: bool, sql_type: str = "DOUBLE") -> str:
    text = _clean(raw, grouped)
    return (
        f"CASE WHEN regexp_full_match({text}, {literal(_NUMBER)}) "
        f"THEN TRY_CAST({text} AS {sql_type}) END"
    )


def _date(raw: str, style: str) -> str:
    if style == "":
        text = f"trim({raw})"
        return f"CASE WHEN regexp_full_match({text}, {literal(_ISO)}) THEN TRY_CAST({text} AS TIMESTAMP) END"
    formats = ", ".join(literal(_DATES[style] + time) for time in _TIMES)
    return f"try_strptime(trim({raw}), [{formats}])"


@dataclass(frozen=True)
class _Options:
    """Kinds a column may have, from a look at its head."""

    number: bool
    grouped: bool
    #: The way its dates are written; empty for ISO 8601, None for no dates.
    style: str | None


def _options(database: Database, head: str, raw: str) -> _Options:
    styles = ["", *_DATES]
    counts = ", ".join(f"count({_date(raw, style)})" for style in styles)
    filled, grouped, numbers, *dates = database.row(
        f"SELECT count({_filled(raw)}), "
        f"count_if(regexp_full_match(trim({raw}), {literal(_GROUPED)})), "
        f"count({_number(raw, True)}), {counts} FROM {head}"
    )
    # A head without values tells nothing: everything that costs little is then tried in full.
    best = max(range(len(styles)), key=lambda i: (dates[i], -i))
    is_date = dates[best] >= SHARE * filled if filled else True
    return _Options(
        number=numbers >= SHARE * filled,
        grouped=bool(grouped) or not filled,
        style=styles[best] if is_date else None,
    )


def _settle(
    database: Database, relation: str, name: str, sql: str, raw: str, options: _Options
) -> Column:
    """Decide on the whole column."""

    def column(kind: Kind, label: str, missing: int, misfits: int, expression: str) -> Column:
        return Column(name, sql, raw, kind, label, missing, misfits, expression)

    text = _clean(raw, options.grouped)
    number = _number(raw, options.grouped) if options.number else "NULL"
    date = _date(raw, options.style) if options.style is not None else "NULL"
    plain = f"regexp_full_match({text}, {literal(_PLAIN)})" if options.number else "false"
    rows, present, filled, numbers, integers, decimals, scale, dates, timed = database.row(
        f"SELECT count(*), count({raw}), count({_filled(raw)}), count({number}), "
        f"count_if({number} IS NOT NULL AND regexp_full_match({text}, {literal(_INTEGER)})), "
        f"count_if({number} IS NOT NULL AND {plain}), "
        f"max(CASE WHEN {plain} THEN length(split_part({text}, '.', 2)) END), "
        f"count({date}), count_if({date}::TIMESTAMP::TIME != TIME '00:00:00') FROM {relation}"
    )
    missing = rows - filled
    if filled and numbers >= SHARE * filled:
        label, sql_type = "number", "DOUBLE"
        if integers == numbers:
            label, sql_type = "integer", "BIGINT"
        elif decimals == numbers:
            label, sql_type = "decimal", f"DECIMAL(38, {scale})"
        expression = _number(raw, options.grouped, sql_type)
        return column("number", label, missing, filled - numbers, expression)
    if filled and dates >= SHARE * filled:
        label = "date and time" if timed else "date"
        if options.style:
            label += f" ({options.style})"
        return column("date", label, missing, filled - dates, date)
    label = "text" if filled else "empty"
    if present == filled:  # no blank cells: the text is good as it is
        return Column(name, raw, raw, "text", label, missing, 0, raw)
    blank = f"CASE WHEN trim({raw}) = '' THEN NULL ELSE {raw} END"
    return column("text", label, missing, 0, blank)


def typed(name: str, sql: str, raw: str, sql_type: str, missing: int) -> Column:
    """A column whose file says what it holds, as Parquet does."""
    base = sql_type.partition("(")[0]
    kind: Kind = "text"
    label, expression = base.lower(), raw
    if base.endswith("INT") or base in {"INTEGER", "UINTEGER"}:
        kind, label = "number", "integer"
    elif base == "DECIMAL" and not sql_type.endswith("]"):
        kind, label = "number", "decimal"
    elif base in {"DOUBLE", "FLOAT"}:
        # Not-a-number and infinities have no place in a sum; they count as misfits.
        kind, label = "number", "number"
        expression = f"CASE WHEN isfinite({raw}) THEN {raw}::DOUBLE END"
    elif base.startswith("TIMESTAMP") or base == "DATE":
        kind, label = "date", "date" if base == "DATE" else "date and time"
        expression = f"{raw}::TIMESTAMP"
    else:
        label = "text" if base == "VARCHAR" else label
        expression = f"{raw}::VARCHAR"
    return Column(name, sql, raw, kind, label, missing, 0, expression)
