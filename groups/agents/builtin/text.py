"""Plain language, English and Chinese: sentences, words, figures and dates, by simple rules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

#: Chinese ideographs.
_HAN: Final = r"㐀-䶿一-鿿"
_ABBREVIATIONS: Final = frozenset(
    {"dr", "mr", "mrs", "ms", "prof", "st", "vs", "etc", "no", "fig", "al", "inc", "ltd", "co"}
    | {"approx", "dept", "est", "jr", "sr", "e.g", "i.e", "cf"}
)
_BREAK: Final = re.compile(
    r"(?<=[.!?])[\"'”’)]*\s+|(?<=[。！？；!?])(?=\S)|\n\s*\n|\n(?=\s*(?:[-*•#>|]|\d+[.)]))"
)
_WORD: Final = re.compile(rf"[^\W\d_][\w'’-]*|[{_HAN}]+")
_HAN_RUN: Final = re.compile(rf"[{_HAN}]+")
_STOP_WORDS: Final = """
    about above after again against all also and any are because been before being below
    between both but can could did does doing done down during each else even ever every few
    for from further get gets got had has have having her here hers him his how however into
    its just let like make many may might more most much must nor not now off often once one
    only other our out over own per please put quite rather same see shall she should since
    some such than that the their them then there these they this those through too two
    under until upon use used using very via was were what when where whether which while
    who whom why will with within without would yes yet you your
"""
_STOP: Final = frozenset(_STOP_WORDS.split())
#: Characters that bind Chinese words together rather than being part of one.
_HAN_STOP: Final = frozenset(
    "的了和是在我有这那个们他她它也都就与及或被把对从到为以于而其之上下不很要会可能着过请吧吗呢"
)
_MONTH: Final = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
    r"Sep(?:t(?:ember)?)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_DATE: Final = re.compile(
    rf"\d{{4}}年\d{{1,2}}月(?:\d{{1,2}}[日号])?|\d{{1,2}}月\d{{1,2}}[日号]"
    rf"|(?<!\d)\d{{4}}[-/]\d{{1,2}}[-/]\d{{1,2}}(?!\d)|(?<!\d)\d{{1,2}}[./]\d{{1,2}}[./]\d{{4}}(?!\d)"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH}\.?(?:,?\s+\d{{4}})?\b|\b{_MONTH}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\s+\d{{4}}\b)?"
    rf"|\b{_MONTH}\.?\s+\d{{4}}\b"
)
_FIGURE: Final = re.compile(
    r"(?<![A-Za-z0-9_.])[$€£¥￥]?\s?[+-]?\d+(?:,\d{3})*(?:\.\d+)?"
    r"(?:\s?(?:%|‰|％|[kMG]?B\b|k[gm]\b|[cm]m\b|ms\b|million\b|billion\b|thousand\b|percent\b|hours?\b|days?\b|"
    r"weeks?\b|months?\b|years?\b|minutes?\b|seconds?\b|euros?\b|dollars?\b|USD\b|EUR\b|CNY\b|元|万元?|亿元?|人|个|天|年|月|小时|分钟|次|件))?"
)


def sentences(text: str) -> list[str]:
    """The sentences of `text`, without the white space around them."""
    found: list[str] = []
    for piece in _BREAK.split(text):
        sentence = " ".join(piece.split())
        if not sentence:
            continue
        last = found[-1].rsplit(maxsplit=1)[-1].rstrip(".").lstrip("(").lower() if found else ""
        if found and found[-1].endswith(".") and last in _ABBREVIATIONS:
            found[-1] += " " + sentence
        else:
            found.append(sentence)
    return found


def words(text: str) -> list[str]:
    """The content words in lower case; Chinese, written without spaces, gives its pairs of characters."""
    found: list[str] = []
    for word in _WORD.findall(text):
        for run in _HAN_RUN.findall(word):
            found += [
                run[i : i + 2] for i in range(len(run) - 1) if not _HAN_STOP & set(run[i : i + 2])
            ]
        lower = _HAN_RUN.sub("", word).lower().replace("’", "'").removesuffix("'s").strip("'-")
        if len(lower) > 2 and lower not in _STOP:
            found.append(lower)
    return found


def keywords(counts: Counter[str], limit: int) -> list[tuple[str, int]]:
    """The most frequent words with their counts; ties in the order of first occurrence.

    Where a Chinese pair is always part of another as frequent, both are kept: without a dictionary
    there is no telling which is the word.
    """
    return counts.most_common(limit)


def key_sentences(found: list[str], counts: Counter[str], limit: int) -> list[str]:
    """The sentences richest in frequent words, in the order of the text (after Luhn, 1958).

    A sentence scores the mean frequency of its content words, over at least five, so that a
    two-word sentence does not win by being short.
    """

    def score(sentence: str) -> float:
        content = set(words(sentence))
        return sum(counts[word] for word in content) / max(5, len(content))

    unique = list(
        dict.fromkeys(s for s in found if 15 <= len(s) <= 600 or re.search(f"[{_HAN}]{{6}}", s))
    )
    best = sorted(range(len(unique)), key=lambda i: (-score(unique[i]), i))[:limit]
    return [unique[i] for i in sorted(best)]


def dates(text: str) -> list[str]:
    """Dates as they are written, each once, in the order of the text."""
    return _unique(found.group() for found in _DATE.finditer(text))


def figures(text: str) -> list[str]:
    """Numbers with their signs and units, each once; dates and list numbers are left out."""
    plain = re.sub(r"(?m)^\s*\d+[.)、]\s", " ", _DATE.sub(" ", text))
    return _unique(found.group().strip() for found in _FIGURE.finditer(plain))


def _unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))
