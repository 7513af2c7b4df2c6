"""The chats that one process runs: those of a portal that is down cost nothing to the others."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from running import DOWN, WELL, Process, one_line
from stage import OLGA

from bot.bitrix24.entities import CrmItem, Person
from bot.figures import Ending
from bot.inbox import admission, backlog
from bot.inbox.accepted import Accepted, End, portal_of
from bot.inbox.accepting import Accepting
from bot.inbox.backlog import Backlog, Room
from bot.inbox.escalations import Chain, Escalations
from bot.inbox.lanes import Lanes
from bot.inbox.pending import Pending
from bot.inbox.stays import Guests, Stays
from bot.store.database import Database, engine_for
from bot.store.migrate import migrate
from bot.story.timers import Timers

CHATS, EACH = 30, 3
SLOW = 0.05


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    engine = engine_for(f"sqlite:///{tmp_path}/switchboard.db")
    migrate(engine)
    database = Database(engine)
    process = Process(database)
    backlog = Backlog(database)
    process.engine = Lanes(process.inbox, backlog, process.dispatch, process.answering, slow=SLOW)
    yield process
    await process.engine.stop(0)
    await database.close()


async def test_of_a_portal_that_is_down_one_chat_tries_and_the_others_wait(
    process: Process,
) -> None:
    await process.store_many(DOWN, range(CHATS), EACH)
    await process.engine.start()
    await process.until(lambda: bool(process.running))

    for chat in range(3):
        await process.type(WELL, chat, 1)
        await process.type(DOWN, chat, 100)
    await process.until(lambda: process.answered(WELL) == 3)

    assert len(process.running) == 1
    assert process.answered(DOWN) == 0


async def test_what_was_stored_too_late_to_be_told_of_is_run(process: Process) -> None:
    await process.engine.start()
    await process.store(WELL, 1, 1)

    await process.until(lambda: process.answered(WELL) == 1)


async def test_what_has_come_since_the_last_look_is_not_looked_for(process: Process) -> None:
    await process.store(DOWN, 1, 1)
    seen = await process.inbox.newest()
    for portal, chat in ((DOWN, 1), (DOWN, 2), (WELL, 1)):
        await process.store(portal, chat, 2)

    assert await process.inbox.waiting_portals(seen) == [DOWN]
    assert await process.inbox.waiting_lanes(DOWN, "", 9, seen) == [f"{DOWN}/chat1"]
    assert await process.inbox.waiting_portals() == [DOWN, WELL]


async def test_when_the_portal_is_back_every_chat_is_taken_up_in_its_order(
    process: Process,
) -> None:
    await process.store_many(DOWN, range(CHATS), EACH)
    await process.engine.start()
    await process.until(lambda: bool(process.running))
    # To chats that wait, and to one that nothing was known of; the second came first.
    for chat in (0, 7, CHATS):
        await process.store(DOWN, chat, 101)
        await process.type(DOWN, chat, 100)

    process.come_back()
    await process.until(lambda: process.answered(DOWN) == CHATS * EACH + 6)

    assert all(ids == sorted(ids) for ids in process.done.values())
    assert await process.inbox.waiting_portals() == []


async def test_a_portal_that_goes_down_in_between_holds_only_what_comes_then(
    process: Process,
) -> None:
    process.resting.clear()
    await process.engine.start()
    await process.type(DOWN, 1, 1)
    await process.type(DOWN, 2, 1)
    await process.until(lambda: len(process.running) == 2)

    process.resting.add(DOWN)
    await process.type(DOWN, 1, 2)
    await process.type(DOWN, 3, 1)
    await process.engine.attend(f"{DOWN}/chat4")
    await process.until(lambda: len(process.running) == 2)
    process.come_back()

    await process.until(lambda: process.answered(DOWN) == 4)
    assert process.done[f"{DOWN}/chat1"] == [1001, 1002]


async def test_a_slow_chat_does_not_keep_a_portals_others_waiting(
    process: Process,
) -> None:
    process.resting.clear()
    await process.store_many(DOWN, range(CHATS), EACH)

    await process.engine.start()

    await process.until(lambda: len(process.running) == CHATS)


async def test_a_portal_with_many_chats_leaves_places_to_others(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "PLACES", 8)
    process.resting.clear()
    await process.engine.start()

    for chat in range(CHATS):
        await process.type(DOWN, chat, 1)
        await process.type(WELL, chat, 1)
    await process.until(lambda: process.answered(WELL) == CHATS)

    # Half of the places, and the one that each portal has.
    assert len(process.running) == 5
    process.come_back()
    await process.until(lambda: process.answered(DOWN) == CHATS)


async def test_slow_portals_have_a_few_places_each_and_a_quarter_together(
    process: Process,
) -> None:
    crowd = [f"{number:032x}" for number in range(12)]
    process.resting.clear()
    process.slow |= process.hanging
    await process.engine.start()
    for chat in range(CHATS):
        await process.type(DOWN, chat, 1)
        await process.type(WELL, chat, 1)
    await process.until(lambda: process.answered(WELL) == CHATS)
    alone = len(process.running)

    process.slow |= set(crowd)
    process.hanging |= set(crowd)
    for portal in crowd:
        await process.store_many(portal, range(CHATS), 1)
        for chat in range(CHATS):
            await process.engine.attend(f"{portal}/chat{chat}")
    for chat in range(CHATS):
        await process.type(WELL, chat, 2)
    await process.until(lambda: process.answered(WELL) == 2 * CHATS)

    assert alone == admission.FEW
    assert len(process.running) <= admission.OF_THE_SLOW + len(crowd) + 1
    assert {portal_of(lane) for lane in process.running} == {DOWN, *crowd}
    process.come_back()
    await process.until(lambda: sum(map(process.answered, [DOWN, *crowd])) == 13 * CHATS)


async def test_lines_that_another_process_has_stored_are_run_in_their_order(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["/who", "/undo", "/check"]
    ran: list[str] = []
    waits: list[str] = []
    lacks = process.inbox.lacks_lines

    async def run(command: Accepted) -> None:
        ran.append(command.event.command.command)
        await process.inbox.done(command.id, End(Ending.DONE))

    async def looked(command: Accepted, expected: int) -> bool:
        waits.append(command.event.command.command)
        return await lacks(command, expected)

    monkeypatch.setattr(process.inbox, "lacks_lines", looked)
    lanes = Lanes(process.inbox, Backlog(process.database), run, process.answering)

    for count, line in enumerate(reversed(lines), 1):
        accepted = await process.inbox.accept(one_line(WELL, line, "\n".join(lines)))
        assert accepted is not None
        await lanes.attend(accepted.lane)
        if count < len(lines):
            await process.until(lambda line=line: line in waits)

    await process.until(lambda: len(ran) == len(lines))
    assert ran == lines
    await lanes.stop(1)


async def test_what_is_taken_up_again_is_counted_off_once(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "REQUESTER_LIMIT", 1)
    counted = Backlog(process.database)
    parked, waiting = await process.store(DOWN, 1, 1), await process.store(DOWN, 2, 1)
    counted.added(parked)
    counted.added(waiting)

    await Pending(process.database, process.inbox).park(parked.id, 60)
    counted.done(parked)
    # It is taken up and set aside once more.
    counted.done(parked)

    assert await counted.room(waiting.event) is Room.TOO_MANY


async def test_what_has_come_due_counts_as_waiting(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "REQUESTER_LIMIT", 1)
    stays, counted = Stays(process.database), Backlog(process.database)
    event = one_line(DOWN, "/who", "/who")
    await stays.begin(1, event, Guests(chat_id=1, people=()), seconds=-1)

    before = await counted.room(event)
    await Timers([stays], Accepting(process.inbox, counted, process.engine)).look()

    assert (before, await counted.room(event)) == (Room.ENOUGH, Room.TOO_MANY)


@pytest.mark.parametrize("kind", [Stays, Escalations])
async def test_what_is_due_at_one_portal_does_not_wait_for_what_another_has(
    process: Process, kind: type[Stays | Escalations]
) -> None:
    """A thousand things were due there long before."""
    appointments = kind(process.database)
    portals = [*[DOWN] * 1_000, WELL]
    for number, portal in enumerate(portals):
        event = one_line(portal, "/who", "/who")
        overdue = number - len(portals)
        if isinstance(appointments, Stays):
            begun = appointments.begin(number + 1, event, Guests(chat_id=1, people=()), overdue)
        else:
            item, requester = CrmItem(type="deal", id=1), Person(id=OLGA)
            chain = Chain(requester=requester, item=item, chat_id=number, wait=overdue)
            begun = appointments.begin(number + 1, event, chain)
        await begun

    due = await appointments.due()

    assert WELL in {one.event.member_id for one in due}
    assert len(due) == 100
