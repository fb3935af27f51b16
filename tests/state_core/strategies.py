"""JSON values for hypothesis: few keys and values, so that documents meet often, and odd ones among them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from state.jsonvalue import MAX_INT

KEYS = st.sampled_from(["a", "b", "c", "-", "0", "1", "", "a/b", "~", "\ue000", "😀", "é"])
TEXTS = st.sampled_from(["", "x", "1.0", "a: 2.0,", "1e5", "\u2028", "\x7f\x1f\n", "\ue000", "😀"])
NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.integers(-MAX_INT, MAX_INT),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 1.0, 2.0**53, 2**53 + 1, 1e16, 1e21, 1e22, 1e-7, 5e-324, 0.1]),
)
CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, st.text(CHARACTERS, max_size=4))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=4)
#: With few different values, so that two sides often write alike.
SMALL = st.recursive(
    st.sampled_from([None, True, 1, 1.0, 2, "x"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["a", "b", "-", "0"]), inner, max_size=3),
    ),
    max_leaves=6,
)
SMALL_DOCUMENTS = st.dictionaries(st.sampled_from(["a", "b", "-", "0"]), SMALL, max_size=3)


def deep(levels: int) -> Any:
    """A value of so many nested arrays."""
    value: Any = "bottom"
    for _ in range(levels):
        value = [value]
    return value
