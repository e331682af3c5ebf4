"""A column is read as its values are one by one."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.upstream.columns import (
    column,
    ids,
    number_of,
    numbers,
    reference_of,
    references,
    texts,
)
from gateway.upstream.wire import id_of, text_of

VALUES: st.SearchStrategy[object] = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=4)
    | st.just([])
)
# Of one type, as nearly always, or of many.
COLUMNS: st.SearchStrategy[list[object]] = st.lists(VALUES, max_size=5) | st.one_of(
    *(
        st.lists(one, max_size=5)
        for one in (
            st.integers(-3, 2**64),
            st.floats(),
            st.text(st.characters(exclude_categories=[]), max_size=4),
        )
    )
)


@pytest.mark.parametrize(
    ("read", "read_one"),
    [(ids, id_of), (texts, text_of), (references, reference_of), (numbers, number_of)],
)
@given(values=COLUMNS)
@example(values=["a", " "])
@example(values=["a", "\ud800"])
@example(values=[1, 2**63])
@example(values=[1, 0])
@example(values=[-(2**80)])
@example(values=[1, 10**300])
@example(values=[1, -(10**300)])
@example(values=[1.5, float("inf")])
def test_all_are_read_as_each_is(read, read_one, values):
    """What reads one is the definition, also of which type it gives."""
    expected = [read_one(one) for one in values]

    actual = read(values)

    assert [(type(one), one) for one in actual] == [(type(one), one) for one in expected]


def test_absent_values_are_null():
    """An entry need not have the field."""
    assert column([{"a": 1}, {}], "a") == [1, None]
