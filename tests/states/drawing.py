"""What the machine of these tests draws: requests that collide often, and how the manager takes them."""

from __future__ import annotations

from hypothesis import strategies as st

from state.values import Operation
from tests.states.build import drop, patch, put, swap
from tests.states.model import Op

IDS = st.sampled_from(["s1", "s1", "s2", "deep/s3"])
KINDS = st.sampled_from(
    [
        ("weak", "merge"),
        ("weak", "last_write"),
        ("strong", "reject"),
        ("strong", "merge"),
        ("eventual", "merge"),
    ]
)
VALUES = st.sampled_from([0, 1, 2, 0.5, "群", None, [], [1, "x"], [1]])
LEAVES = st.sampled_from(["/a", "/b", "/o/x", "/o/y"])
OBJECTS = st.dictionaries(st.sampled_from("xy"), VALUES, max_size=2)
OPS: st.SearchStrategy[Op] = st.one_of(
    st.tuples(st.just("set"), LEAVES, VALUES),
    st.tuples(st.just("set"), st.just("/o"), OBJECTS),
    st.tuples(st.just("delete"), st.sampled_from(["/a", "/b", "/o", "/o/x"])),
    st.tuples(st.just("merge"), st.just("/o"), OBJECTS),
)
SWAPS: st.SearchStrategy[Op] = st.one_of(
    st.tuples(st.just("cas"), LEAVES, VALUES, st.just("value"), VALUES),
    st.tuples(st.just("cas"), LEAVES, VALUES, st.just("absent"), st.none()),
    st.tuples(st.just("cas"), LEAVES, VALUES, st.just("version"), st.integers(1, 9)),
)
REQUESTS = st.one_of(st.lists(OPS, min_size=1, max_size=2), st.lists(SWAPS, min_size=1, max_size=1))
DOCUMENTS = st.fixed_dictionaries({}, optional={"a": VALUES, "b": VALUES, "o": OBJECTS})
#: How many versions behind the head a writer is; None: it does not say.
BEHIND = st.sampled_from([None, 0, 0, 1, 1, 2, 3, 5, -1])


def operation(op: Op) -> Operation:
    """As the manager takes it."""
    match op:
        case ("set", path, value):
            return put(path, value)
        case ("delete", path):
            return drop(path)
        case ("merge", path, value):
            return patch(path, value)
        case (_, path, value, "value", expected):
            return swap(path, value, expect=expected)
        case (_, path, value, "absent", _):
            return swap(path, value, expect_absent=True)
        case (_, path, value, _, expected):
            return swap(path, value, expect_version=expected)
    raise AssertionError(op)
