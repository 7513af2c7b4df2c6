"""PHP-style forms, both ways."""

from contextlib import suppress
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bitrix24 import form

FORM = "application/x-www-form-urlencoded"
NAMES = st.text(st.characters(exclude_characters="[]", exclude_categories=("Cs",)), min_size=1)
TREES = st.recursive(
    st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(NAMES, TREES, max_size=5))
def test_what_is_encoded_is_decoded(tree: dict) -> None:
    assert form.decode(form.encode(tree).encode(), FORM) == tree


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_called_malformed(body: bytes) -> None:
    for content_type in (FORM, "application/json"):
        with suppress(form.MalformedForm):
            assert isinstance(form.decode(body, content_type), dict)


@given(st.lists(st.tuples(NAMES, st.text(st.characters(exclude_categories=("Cs",)))), max_size=8))
def test_flat_forms_read_as_everybody_reads_them(pairs: list[tuple[str, str]]) -> None:
    body = form.encode(dict(pairs))

    assert form.decode(body.encode(), FORM) == dict(parse_qsl(body, keep_blank_values=True))


def test_lists_keep_their_numbers_as_keys() -> None:
    assert form.decode(b"a[0]=x&a[7]=y&a[]=z", FORM) == {"a": {"0": "x", "7": "y", "2": "z"}}


def test_flags_and_nothing_are_written_as_php_does() -> None:
    assert form.encode({"a": True, "b": False, "c": None, "d": [], "e": [5, "x y"]}) == (
        "a=1&b=0&e%5B0%5D=5&e%5B1%5D=x+y"
    )


def test_many_parameters_are_refused_before_they_are_read() -> None:
    body = b"&".join(b"a[%d]=1" % number for number in range(form.MAX_PARAMETERS + 1))

    with pytest.raises(form.MalformedForm, match="more than"):
        form.decode(body, FORM)
