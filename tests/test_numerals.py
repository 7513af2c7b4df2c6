"""Numbers as a portal writes them."""

from typing import Any

import pytest

from bot.bitrix24.entities import CrmItem, read_binding
from bot.bitrix24.numerals import LARGEST, read_number, read_numbers

LARGE = str(LARGEST)

STRANGE = (
    "²",
    "١٢",
    "-1",
    " 5",
    "5 ",
    "+5",
    "1_000",
    "1.0",
    "",
    "chat5",
    "9" * 5000,
    f"{LARGEST + 1}",
)


@pytest.mark.parametrize(
    ("written", "number"),
    [(12, 12), ("12", 12), ("007", 7), (0, 0), ("0", 0), (LARGEST, LARGEST), (LARGE, LARGEST)],
)
def test_reads_a_number_written_either_way(written: Any, number: int) -> None:
    assert read_number(written) == number


@pytest.mark.parametrize(
    "written", [*STRANGE, LARGEST + 1, -1, 1.0, True, False, None, [], {}, ["5"], b"5"]
)
def test_what_a_portal_would_not_write_is_no_number(written: Any) -> None:
    assert read_number(written) is None


@pytest.mark.parametrize(
    "written", [[7, "15", 7], {"1": 7, "3": "15", "4": 7}, [None, "7", 0, "0", "²", 15, True, "7"]]
)
def test_reads_a_list_of_ids_and_what_php_makes_of_one(written: Any) -> None:
    assert read_numbers(written) == (7, 15, 7)


@pytest.mark.parametrize("written", [None, "", "715", False, True, 7, [], {}])
def test_what_is_no_list_holds_no_ids(written: Any) -> None:
    assert read_numbers(written) == ()


def test_a_binding_is_read_by_its_numbers() -> None:
    bound = f"LEAD|²|COMPANY|{'9' * 5000}|CONTACT|091|DEAL|0"

    assert CrmItem.among(read_binding(bound)) == [CrmItem(type="contact", id=91)]
