"""What a portal's answer is taken for: the class of an error, the rows of a result."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.acting.crm import read_card
from bot.bitrix24 import batch
from bot.bitrix24.bots import supports_lines
from bot.bitrix24.calls import Call
from bot.bitrix24.dialogs import read_dialog
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import (
    Bitrix24Error,
    Busy,
    ExpiredToken,
    LostToken,
    Refused,
    TurnedAway,
    Unanswered,
    Unreachable,
    error_of,
)
from bot.bitrix24.people import read_account, read_accounts, read_person
from bot.bitrix24.rows import flag, row, rows, text
from bot.bitrix24.scopes import missing_scopes
from bot.commands.diagnosis import system_refusal
from handlers.check import _revision, _sees

DEAL = CrmItem(type="deal", id=288)


def error(code: object, description: object = "") -> dict[str, Any]:
    return {"error": code, "error_description": description}


CLASSES = {
    # Nothing happened: again, later.
    "the bucket is full": (503, error("QUERY_LIMIT_EXCEEDED"), Busy),
    "a bucket by another status": (429, error("QUERY_LIMIT_EXCEEDED"), Busy),
    "too many requests, whatever the code": (429, error(""), Busy),
    "a method has used up its time": (429, error("OPERATION_TIME_LIMIT"), Busy),
    "blocked by hand": (503, error("OVERLOAD_LIMIT"), Busy),
    "nobody could check the token": (401, error("CONNECTION_ERROR"), Unreachable),
    "the authorization server rests": (400, error("temporarily_unavailable"), Unreachable),
    "it rests, by another status": (503, error("temporarily_unavailable"), Unreachable),
    # Happened or not: look.
    "the portal broke down": (500, error("INTERNAL_SERVER_ERROR"), Unanswered),
    "it broke down in a batch": (400, error("INTERNAL_SERVER_ERROR"), Unanswered),
    "an unexpected answer": (500, error("ERROR_UNEXPECTED_ANSWER"), Unanswered),
    "no code at all": (500, error(""), Unanswered),
    "a code that no page names": (502, error("SOMETHING_NEW"), Unanswered),
    "a gateway's own JSON": (503, error("SERVICE_UNAVAILABLE"), TurnedAway),
    "a result with a status of its own": (500, {"result": True}, Unanswered),
    # Refused: why.
    "no right": (403, error("ACCESS_DENIED", "Access denied"), Refused),
    "an older module": (400, error("", "Socialnetwork group not found"), Refused),
    "a deleted portal": (403, error("PORTAL_DELETED"), Refused),
    "a deleted portal, by the documented status": (500, error("PORTAL_DELETED"), Refused),
    "consent is awaited": (401, error("METHOD_CONFIRM_WAITING"), Refused),
    "the app is gone": (401, error("APPLICATION_NOT_FOUND"), Refused),
    "a status and no error": (403, {"result": False}, Refused),
    # The token.
    "an expired token": (401, error("expired_token"), ExpiredToken),
    "an unknown token": (401, error("NO_AUTH_FOUND"), LostToken),
    "a revoked token": (401, error("invalid_token"), LostToken),
    "its owner has left": (401, error("authorization_error"), LostToken),
}


@pytest.mark.parametrize("case", CLASSES)
def test_an_error_has_the_class_that_says_what_may_be_done(case: str) -> None:
    status, answer, kind = CLASSES[case]

    assert type(error_of(answer, status)) is kind


@pytest.mark.parametrize(
    ("answer", "code", "description"),
    [
        (error("ACCESS_DENIED", "Access denied."), "ACCESS_DENIED", "Access denied"),
        (error("", "Method not found!"), "", "Method not found"),
        (error(None, None), "", ""),
        (error(100, ["no words"]), "100", ""),
        (error(" A\x00B\n\u2028C ", "Wrong\n<br>  ID.<br>"), "ABC", "Wrong ID"),
        (error({"code": "NOT_FOUND", "message": "No such item."}), "NOT_FOUND", "No such item"),
        (error([], {"a": 1}), "", ""),
        ("just words", "", "just words"),
        (["odd"], "", ""),
        (None, "", ""),
        (error("X" * 500, "Y" * 5000), "X" * 64, "Y" * 500),
    ],
)
def test_code_and_words_are_read_as_far_as_they_go(
    answer: object, code: str, description: str
) -> None:
    refused = error_of(answer)

    assert isinstance(refused, Refused)
    assert (refused.code, refused.description) == (code, description)


@pytest.mark.parametrize("at", ["abc", None, [], {}, "nan", float("inf"), 10**400, True])
def test_a_moment_that_is_none_is_not_told(at: object) -> None:
    busy = error_of({"error": "OPERATION_TIME_LIMIT", "time": {"operating_reset_at": at}}, 429)

    assert isinstance(busy, Busy)
    assert busy.until is None or busy.until <= time.time() + 600


@pytest.mark.parametrize("at", [4e9, "4000000000"])
def test_a_method_rests_ten_minutes_at_most(at: object) -> None:
    busy = error_of({"error": "OPERATION_TIME_LIMIT", "time": {"operating_reset_at": at}}, 429)

    assert isinstance(busy, Busy)
    assert busy.until == pytest.approx(time.time() + 600, abs=5)


@pytest.mark.parametrize("code", ["ACCESS_DENIED", "SOMETHING_NEW", ""])
def test_a_refusal_is_no_error_of_another_kind(code: str) -> None:
    """Where somebody catches ``Refused`` nothing slips in that has not been decided."""
    for kind in (Busy, Unreachable, Unanswered):
        assert not issubclass(kind, Refused)
    assert isinstance(error_of(error(code)), Refused)


# Whatever JSON may hold, and what a portal may give in place of a row.
SCALARS = (
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.text(max_size=9)
    | st.sampled_from(["12", "0", "Y", "N", "|||", "LEAD|5|DEAL|0", "NOT_FOUND"])
)  # fmt: skip
NAMES = st.sampled_from(
    ["ID", "id", "NAME", "name", "item", "bot", "rest", "title", "assignedById", "observers",
     "result", "result_error", "result_time", "me", "time", "code", "message", "error",
     "error_description", "operating_reset_at", "UF_DEPARTMENT", "active", "absent", "connector",
     "entity_data_1", "entity_data_2", "isSupportOpenline", "departments", "LAST_NAME"]
)  # fmt: skip
SHAPES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=12,
)


@given(SHAPES)
def test_any_shape_is_read_or_let_be(shape: Any) -> None:
    assert all(isinstance(one, dict) for one in rows(shape))
    assert isinstance(row(shape, "item"), dict)
    assert isinstance(text(shape), str)
    assert flag(shape) in (True, False)
    for one in rows(shape):
        assert (found := read_person(one)) is None or found.id > 0
    assert all(number > 0 for number in read_accounts(shape))
    assert (seen := read_account(shape, 12)) is None or seen.person.id == 12
    assert isinstance(read_card(DEAL, shape).responsible_id, int)
    assert missing_scopes(shape) is None or isinstance(missing_scopes(shape), tuple)
    assert _revision(shape) is None or _revision(shape) >= 0
    assert supports_lines(shape) in (True, False, None)
    assert _sees(8773, shape) in (True, None)
    assert all(item.id > 0 for item in read_dialog(8773, shape).items)


@given(SHAPES, st.integers(200, 599))
def test_any_answer_is_an_error_of_a_known_class(shape: Any, status: int) -> None:
    for answer in (shape, {"error": shape}, {"error": "", "error_description": shape}):
        told = error_of(answer, status, shape)
        assert isinstance(told, Refused | Busy | Unreachable | Unanswered)
        if isinstance(told, Refused):
            assert system_refusal(told, "1A2B")


@given(SHAPES)
def test_any_batch_is_read_or_called_unanswered(shape: Any) -> None:
    calls = {"me": Call("profile"), "item": Call("scope")}
    try:
        found = batch.read(shape, calls)
        several = [Call("profile"), batch.build(calls)]
        names = batch.merge(several).params["cmd"]
        parts = batch.split(batch.read(shape, names), several)
    except Unanswered:
        return
    assert found.keys() == calls.keys()
    assert len(parts) == 2
    assert parts[1].keys() == calls.keys()
    for one in found.values():
        assert not isinstance(one, Exception) or isinstance(one, Bitrix24Error)


@pytest.mark.parametrize(
    ("found", "ids"),
    [
        ([{"ID": "5"}, None, 7, {"ID": "x"}, {"ID": 9}], [5, 9]),
        ({"3": {"ID": "5"}, "9": {"ID": "9"}, "next": 50}, [5, 9]),
        ([None], []),
        (True, []),
        ("abc", []),
        ({}, []),
    ],
)
def test_rows_that_can_be_read_are_taken_and_others_skipped(found: Any, ids: list[int]) -> None:
    assert [one.id for row_ in rows(found) if (one := read_person(row_))] == ids


@pytest.mark.parametrize(
    ("data_2", "data_1", "item"),
    [
        ("|||", "Y|DEAL|288|N|N|5", DEAL),
        ("", "Y|DEAL|288", DEAL),
        ("DEAL", "Y|DEAL|288", DEAL),
        ("DEAL|x", "Y|DEAL|288", DEAL),
        ("LEAD|0|DEAL|0", "Y|DEAL|288", None),
        ("|||", "N|NONE|0", None),
        ("|||", "|||", None),
        ("LEAD|0|COMPANY|0|CONTACT|0|DEAL|288", "Y|LEAD|5", DEAL),
    ],
)
def test_a_binding_that_cannot_be_read_leaves_it_to_the_other(
    data_2: str, data_1: str, item: CrmItem | None
) -> None:
    assert CrmItem.bound(data_2, data_1) == item


@pytest.mark.parametrize(
    ("told", "active", "stranger"),
    [(True, True, True), (False, False, False), ("Y", True, True), ("N", False, False),
     ("0", False, False), (0, False, False), (None, True, False)],
)  # fmt: skip
def test_a_flag_is_read_however_it_is_written(told: Any, active: bool, stranger: bool) -> None:
    seen = read_account({"name": "Ann", "active": told, "bot": told, "absent": True}, 12)

    assert seen is not None
    assert (seen.person, seen.active, seen.bot) == (Person(id=12, name="Ann"), active, stranger)
    assert seen.absent_until == ""
