"""PHP-style forms, both ways."""

from contextlib import suppress
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bitrix24 import form

FORM = "application/x-www-form-urlencoded"
NAMES = st.text(st.characters(exclude_characters="[]\0", exclude_categories=("Cs",)), min_size=1)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))
TREES = st.recursive(
    TEXTS,
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(NAMES, TREES, max_size=5))
def test_what_is_encoded_is_decoded(tree: dict) -> None:
    assert form.decode(form.encode(tree).encode(), FORM) == tree


KEYS = st.lists(st.sampled_from(["a", "b", "0", "", "[", "]", "[]", "[a]", "[0]", "%5B", "%00"]))
PAIRS = st.lists(st.tuples(KEYS.map("".join), st.sampled_from(["", "1", "%", "%ED%A0%80", "\0"])))
ESCAPES = ['{"a":', '"', "\\u0000", "\\ud800", "\\udc00", "}", "[", "]", ",", "NaN", "1e999"]


@given(PAIRS.map(lambda pairs: "&".join(f"{key}={value}" for key, value in pairs)))
def test_brackets_of_any_kind_are_read_or_called_malformed(body: str) -> None:
    with suppress(form.MalformedForm):
        assert_storable(form.decode(body.encode(), FORM))


@given(st.lists(st.sampled_from(ESCAPES) | st.text(max_size=3)).map("".join))
def test_json_of_any_kind_is_read_or_called_malformed(body: str) -> None:
    with suppress(form.MalformedForm):
        assert_storable(form.decode(body.encode(errors="surrogatepass"), "application/json"))


def assert_storable(tree: dict) -> None:
    """Every database takes it, and it is no deeper than it may be."""
    assert "%00" not in form.encode(tree)
    level: list = [tree]
    for _ in range(form.MAX_DEPTH + 1):
        level = [
            child for node in level if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]  # fmt: skip
    assert level == []


def test_what_no_database_takes_is_replaced() -> None:
    assert form.decode(b"a=x%00\0&%00=y", FORM) == {"a": "x\ufffd\ufffd", "\ufffd": "y"}
    assert form.decode(b'{"\\u0000": ["\\ud800", "\\ud83d\\ude00"]}', "application/json") == {
        "\ufffd": ["\ufffd", "😀"]
    }


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_called_malformed(body: bytes) -> None:
    for content_type in (FORM, "application/json"):
        with suppress(form.MalformedForm):
            assert_storable(form.decode(body, content_type))


@given(st.lists(st.tuples(NAMES, TEXTS), max_size=8))
def test_flat_forms_read_as_everybody_reads_them(pairs: list[tuple[str, str]]) -> None:
    body = form.encode(dict(pairs))

    assert form.decode(body.encode(), FORM) == dict(parse_qsl(body, keep_blank_values=True))


def test_lists_keep_their_numbers_as_keys() -> None:
    assert form.decode(b"a[0]=x&a[7]=y&a[]=z", FORM) == {"a": {"0": "x", "7": "y", "2": "z"}}


def test_flags_and_nothing_are_written_as_php_does() -> None:
    assert form.encode({"a": True, "b": False, "c": None, "d": [], "e": [5, "x y"]}) == (
        "a=1&b=0&e%5B0%5D=5&e%5B1%5D=x+y"
    )


@pytest.mark.parametrize("key", [b"k%d" + b"[a]" * 19, b"k%d" + b"[]" * 10])
def test_many_deep_parameters_are_refused(key: bytes) -> None:
    body = b"&".join(key % number + b"=1" for number in range(2_500))

    with pytest.raises(form.MalformedForm, match="keys of more than"):
        form.decode(body, FORM)


def test_much_json_is_refused_before_it_is_read() -> None:
    with pytest.raises(form.MalformedForm, match="JSON of more than"):
        form.decode(b'{"a":[' + b"[]," * form.MAX_PARTS + b"[]]}", "application/json")


def test_many_parameters_are_refused_before_they_are_read() -> None:
    body = b"&".join(b"a[%d]=1" % number for number in range(form.MAX_PARAMETERS + 1))

    with pytest.raises(form.MalformedForm, match="more than"):
        form.decode(body, FORM)
