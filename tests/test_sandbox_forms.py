"""Forms as PHP writes and reads them."""

import pytest

from sandbox import phpform


def test_writes_flags_nulls_and_lists_as_php_does() -> None:
    body = phpform.encode(
        {"a": True, "b": False, "c": None, "d": [], "e": {}, "f": [1, 5], "g": {"x": {"y": "ё &"}}}
    )

    assert body == "a=1&b=0&c=&f%5B0%5D=1&f%5B1%5D=5&g%5Bx%5D%5By%5D=%D1%91+%26"


def test_reads_what_it_writes() -> None:
    fields = {"data": {"user": {"departments": ["1", "5"]}, "text": "[USER=12]Ann Lee[/USER]"}}

    assert phpform.decode(phpform.encode(fields)) == fields


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ("", {}),
        ("a", {"a": ""}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[7]=x", {"a": {"7": "x"}}),
        ("a[1]=x&a[]=y", {"a": {"1": "x", "2": "y"}}),
        ("a=1&a=2", {"a": "2"}),
        ("a[b=1", {"a[b": "1"}),
        ("[a]=1", {"[a]": "1"}),
    ],
)
def test_reads_odd_keys(body: str, fields: dict[str, object]) -> None:
    assert phpform.decode(body) == fields


@pytest.mark.parametrize(
    "body", ["a" + "[x]" * 30 + "=1", "a=1&a[b]=2", "&".join(["a=1"] * 10_001)]
)
def test_refuses_what_is_too_much(body: str) -> None:
    with pytest.raises(phpform.FormRefused):
        phpform.decode(body)
