"""What a requester's role lets them do by the item: whom it keeps out, and what is told of it."""

import pytest
from by_chat import *  # noqa: F403  # a portal with untouched roles
from by_chat import INVITE_IVAN
from stage import ADD, ANNA, ANSWER, DRIVER, IVAN, OLGA, ON_SQLITE, RESPONSIBLE, Stage

from sandbox.model import Line

pytestmark = ON_SQLITE


async def test_a_colleague_of_the_queue_comes_in_with_two_requests(stage: Stage) -> None:
    before = len(await stage.calls())

    reply = await stage.say("/invite [USER=15]Анна[/USER]")

    assert reply == "✅ [USER=15]Анна[/USER] теперь в этом чате."
    assert await stage.requests(since=before) == ["batch", ANSWER]


@pytest.mark.parametrize(
    ("language", "words", "checked"),
    [("ru", "не на всех, а в очереди этой линии никого нет.", "«Поддержка»: в очереди никого."),
     ("en", "and nobody is in the Open Channel's queue.", '"Поддержка": nobody in the queue.')],
)  # fmt: skip
async def test_a_queue_without_anybody_is_told_as_one(
    stage: Stage, language: str, words: str, checked: str
) -> None:
    await stage.faults(events={"language": language})
    for line in stage.portal.state.lines.values():
        line.queue.clear()

    refusal = await stage.say(INVITE_IVAN)

    assert words in refusal
    assert {"ru": "добавит сотрудника в её очередь", "en": "adds them to its queue"}[language] in (
        refusal
    )
    assert checked in await stage.say("/check")


async def test_the_queue_is_told_of_one_line_among_many(stage: Stage) -> None:
    lines = stage.portal.state.lines
    support = lines.pop(1)
    lines.update({number: Line(number, f"Линия {number}", [3]) for number in range(2, 102)})
    lines[1] = support

    assert "«Поддержка»: [USER=7]Ольга Смирнова[/USER], [USER=15]" in await stage.say("/check")


@pytest.mark.parametrize("typed", ["/invite id12", "/escalate id12"])
async def test_nothing_is_said_of_a_queue_that_the_portal_does_not_show(
    stage: Stage, typed: str
) -> None:
    refused = {"status": 403, "code": "ACCESS_DENIED", "description": "no"}
    await stage.faults(method="imopenlines.config.get", error=refused, times=None)

    reply = await stage.say(typed)

    assert "а кто в очереди этой линии, Битрикс24 не показал" in reply


@pytest.mark.parametrize("outsider", [IVAN, DRIVER])
async def test_the_order_of_the_names_changes_nothing(stage: Stage, outsider: int) -> None:
    ends = []
    for typed in (f"/invite id{outsider} id15", f"/invite id15 id{outsider}"):
        reply = await stage.say(typed)
        members = await stage.members()
        assert ANNA in members
        is_in = outsider in members
        assert (f"[USER={outsider}][/USER] в очереди" in reply) is False
        assert ("Добавить нельзя" in reply) is not is_in
        ends.append((sorted(members), sorted(reply.replace(",", "").replace(".", "").split())))
        await stage.say("/undo")
        assert ANNA not in await stage.members()

    assert ends[0] == ends[1]


@pytest.mark.parametrize("typed", ["/invite id12 id15", "/invite id15 id41"])
@pytest.mark.parametrize(
    ("language", "reason", "of_the_queue"),
    [("ru", "закрыто, поэтому недоступна даже очередь линии", "добавит"),
     ("en", "is closed, so that even the Open Channel's queue is out of reach", "may edit")],
)  # fmt: skip
async def test_a_closed_view_of_history_is_told_alike_of_all(
    stage: Stage, typed: str, language: str, reason: str, of_the_queue: str
) -> None:
    """Who is refused although in the queue shows it: to add the others to it would not help."""
    await stage.faults(events={"language": language})
    await stage.faults(user={"id": OLGA, "history": "none"})

    reply = await stage.say(typed)

    assert reply.count(reason) == 1
    assert of_the_queue not in reply


async def test_only_who_was_refused_is_asked_for_again_alone(stage: Stage) -> None:
    await stage.faults(line={"id": 1, "queue": [OLGA, ANNA, RESPONSIBLE]})
    before = len(await stage.calls())

    reply = await stage.say("/invite id33 id21 id12 id15")

    assert {ANNA, RESPONSIBLE} <= set(await stage.members())
    assert IVAN not in await stage.members()
    assert "[USER=12][/USER]" in reply
    asked = [one["params"]["USER_ID"] for one in (await stage.calls(ADD))]
    assert asked == ["12", "15", "21", "33", "15", "21"]
    assert (await stage.requests(since=before))[:3] == ["batch"] * 3


async def test_what_was_asked_for_again_is_in_the_journal_and_undone(stage: Stage) -> None:
    await stage.say("/invite id12 id15")

    assert stage.count("SELECT count(*) FROM journal WHERE person_id = 15") == 2
    assert "Больше не в этом чате: [USER=15]Анна Орлова[/USER]." in await stage.say("/undo")


async def test_an_escalation_knows_of_all_that_the_view_of_history_is_closed(stage: Stage) -> None:
    await stage.faults(user={"id": OLGA, "history": "none"})

    reply = await stage.say("/escalate id12 id15")

    assert reply.count("закрыто, поэтому недоступна даже очередь линии") == 1
    assert "[USER=12]" in reply
    assert "[USER=15]" in reply
    assert "добавит" not in reply
