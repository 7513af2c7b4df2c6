"""How a portal answers, and how much may be under way to it."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from bot.bitrix24 import circuit
from bot.bitrix24.circuit import Answering, Circuits
from bot.bitrix24.errors import NoConnection

ILL, WELL, THIRD = "d" * 32, "e" * 32, "f" * 32


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_the_more_is_under_way_the_less_may_be_to_one_portal(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit, "MOST_REQUESTS", 16)
    circuits = Circuits()

    begun = [_begun(stack, circuits, portal) for portal in (ILL, WELL, THIRD)]

    assert begun == [8, 4, 2]


def test_portals_that_answer_slowly_leave_half_of_the_requests_to_others(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit, "MOST_REQUESTS", 16)
    monkeypatch.setattr(circuit, "OF_THE_SLOW", 8)
    monkeypatch.setattr(circuit, "SLOW", 0.0)
    circuits = Circuits()
    for portal in (ILL, THIRD):
        with circuits.guard(portal):
            pass

    assert circuits.answering(ILL) is Answering.SLOWLY
    assert [_begun(stack, circuits, portal) for portal in (ILL, THIRD)] == [4, 2]
    monkeypatch.setattr(circuit, "SLOW", 60.0)
    assert circuits.answering(WELL) is Answering.WELL
    assert _begun(stack, circuits, WELL) == 5


def test_a_portal_is_slow_while_it_owes_an_answer_and_well_after_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    circuits = Circuits()

    with circuits.guard(ILL):
        assert circuits.answering(ILL) is Answering.WELL
        monkeypatch.setattr(circuit, "SLOW", 0.0)
        assert circuits.answering(ILL) is Answering.SLOWLY
    monkeypatch.setattr(circuit, "SLOW", 60.0)
    assert circuits.answering(ILL) is Answering.SLOWLY
    with circuits.guard(ILL):
        pass
    assert circuits.answering(ILL) is Answering.WELL


def _begun(stack: ExitStack, circuits: Circuits, portal: str) -> int:
    """Begin requests that do not end until one is refused; give how many were not."""
    for count in range(100):
        try:
            stack.enter_context(circuits.guard(portal))
        except NoConnection:
            return count
    return 100
