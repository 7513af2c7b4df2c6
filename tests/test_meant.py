"""Nobody else and nothing else than what is meant: another chat, a later page, a later moment."""

import pytest
from acting import DELETE, INVITE, added, changes, keyboard, press
from guests import time_passes
from stage import (
    ADD,
    ANNA,
    BOSS,
    CHAT,
    DRIVER,
    FINISHED,
    IVAN,
    OLGA,
    ON_SQLITE,
    OTHER_CHAT,
    UNBOUND,
    Stage,
)

from sandbox.model import Group, Line, User

pytestmark = ON_SQLITE

LEAD, SESSION = "imopenlines.crm.lead.create", "imopenlines.session.start"


@pytest.mark.parametrize(
    ("language", "words", "button"),
    [
        ("ru", "Чат [CHAT=9001]с клиентом[/CHAT] пока не", "Создать лид и повторить"),
        ("en", "The chat [CHAT=9001]the customer[/CHAT] isn't", "Create a lead and retry"),
    ],
)
async def test_a_lead_is_created_for_the_chat_that_is_meant(
    stage: Stage, language: str, words: str, button: str
) -> None:
    """Typed in another customer's chat, which has its own deal."""
    await stage.faults(events={"language": language})
    assert words in await stage.say(f"/invite --chat {UNBOUND} @15")

    await press(stage, button)

    came = added(ANNA, UNBOUND, 1209, "lead")
    assert await changes(stage) == [(LEAD, {"CHAT_ID": str(UNBOUND)}), came]


@pytest.mark.parametrize("command", ["/invite @15 --chat 9001 --dry", "/escalate --chat 9001 @15"])
async def test_whatever_needs_a_lead_has_it_created_for_that_chat(
    stage: Stage, command: str
) -> None:
    await stage.say(command)

    await press(stage, "Создать лид и повторить")

    assert (await changes(stage))[0] == (LEAD, {"CHAT_ID": str(UNBOUND)})


@pytest.mark.parametrize(
    ("language", "words", "button"),
    [
        ("ru", "участников чата [CHAT=8800]сделка № 288[/CHAT]", "Начать сессию и повторить"),
        ("en", "people in the chat [CHAT=8800]deal 288[/CHAT]", "Start a new session and retry"),
    ],
)
async def test_a_session_is_started_in_the_chat_that_is_meant(
    stage: Stage, language: str, words: str, button: str
) -> None:
    await stage.faults(events={"language": language})
    await stage.say(f"/invite deal 288 --chat {FINISHED} @15 --yes", chat=OTHER_CHAT)
    assert words in (await stage.told_privately())[-1]

    await press(stage, button)

    assert (await changes(stage))[1:] == [
        (SESSION, {"CHAT_ID": str(FINISHED)}),
        added(ANNA, FINISHED),
    ]


@pytest.mark.parametrize("whom", ["@owner", "@line"])
async def test_roles_are_those_of_the_chat_that_is_meant(stage: Stage, whom: str) -> None:
    """The other chat has another operator, and another line."""
    other = stage.portal.state.chats[OTHER_CHAT]
    other.owner, other.line_id, other.entity_id = DRIVER, 2, "telegrambot|2|877477|600"
    stage.portal.state.lines[2] = Line(2, "Продажи", [DRIVER])

    await stage.say(f"/invite {whom} --chat {OTHER_CHAT}")

    assert [call["params"]["USER_ID"] for call in await stage.calls(ADD)] == [str(DRIVER)]


def populate(stage: Stage, last_name: str, *numbers: int) -> None:
    """Give the portal more than a page of people: some of this name, the others of one like it."""
    for number in range(100, 155):
        name = last_name if number in numbers else f"Сидорова{number}"
        stage.portal.state.users[number] = User(
            number, "Олег", name, "M", "", [2], email=f"{number}@example.test"
        )


async def test_a_name_that_two_bear_on_two_pages_is_asked_about(stage: Stage) -> None:
    """The portal gives fifty people at a time: those who are only like it stand between."""
    populate(stage, "Сидоров", 100, 154)

    assert "найдено несколько человек" in await stage.say("/invite @Олег Сидоров")
    assert "найдено несколько человек" in await stage.say("/invite @Олег Сидоров @Анна Орлова")

    assert [call["params"]["USER_ID"] for call in await stage.calls(ADD)] == [str(ANNA)]


async def test_somebody_on_a_later_page_is_found(stage: Stage) -> None:
    populate(stage, "Сидор", 154)

    await stage.say("/invite @Олег Сидор")

    assert await changes(stage) == [added(154)]


async def test_a_group_on_a_later_page_is_found(stage: Stage) -> None:
    groups = stage.portal.state.groups
    for number in range(100, 155):
        names = {100: "Право и порядок", 154: "Право"}
        name = names.get(number, f"Авторское право {number}")
        groups[number] = Group(number, name, {OLGA: "A"})

    await stage.say("/group «Право» @15")

    assert [call["params"]["GROUP_ID"] for call in await stage.calls(INVITE)] == ["154"]


async def test_a_group_is_named_by_its_own_row(stage: Stage) -> None:
    """The portal passes a condition over, and gives the first of all groups."""
    row = {"ID": "16", "NAME": "Совсем другая", "OWNER_ID": "3"}
    await stage.faults(method="sonet_group.get", result=[row])

    reply = await stage.say("/group 15 @15")

    assert "Совсем другая" not in reply
    assert "№ 15" in reply


async def test_the_head_is_that_of_the_persons_own_department(stage: Stage) -> None:
    """The portal answers in an order of its own, and with a department nobody has asked for."""
    rows = [
        {"ID": "5", "NAME": "Право", "UF_HEAD": str(DRIVER)},
        {"ID": "2", "NAME": "Отдел поддержки", "PARENT": "1", "UF_HEAD": str(BOSS)},
    ]
    await stage.faults(method="department.get", result=rows)

    await stage.say("/invite @head")

    assert await changes(stage) == [added(BOSS)]


async def test_undo_brings_nobody_back_whom_a_colleague_took_out_again(stage: Stage) -> None:
    await stage.faults(user={"id": ANNA, "history": "any"})
    await stage.say("/invite @15 @41")
    await stage.say("/remove @41")
    await stage.say("/invite @41", user=ANNA)
    await stage.say("/remove @41", user=ANNA)

    reply = await stage.say("/undo")

    assert DRIVER not in await stage.members()
    assert reply.startswith("ℹ️ Ничего не изменилось. Не возвращаются, потому что их убрали снова:")
    await stage.faults(events={"language": "en"})
    again = await stage.say("/undo")
    assert "Taken out again since, so they do not come back: [USER=41]" in again


async def test_undo_takes_no_end_of_a_stay_back(stage: Stage) -> None:
    """Nobody has typed that end: the command before it is meant, and needs nothing any more."""
    await stage.say("/invite @15 --for 5m")
    await time_passes(stage, 400)

    async def is_gone() -> bool:
        return ANNA not in await stage.members()

    await stage.until(is_gone)
    await stage.settled()

    await stage.say("/undo")

    assert ANNA not in await stage.members()
    assert len(await stage.calls(ADD)) == 1


async def test_who_has_become_the_operator_before_a_press_is_asked_about(stage: Stage) -> None:
    await stage.say("/invite @15")
    await stage.say("/remove @15 --dry")
    stage.portal.state.chats[CHAT].owner = ANNA

    reply = await press(stage, (await keyboard(stage))[1][0]["TEXT"])

    assert "оператор диалога" in reply
    assert not await stage.calls(DELETE)


async def test_the_chat_that_the_portal_has_chosen_is_the_one_that_is_told(stage: Stage) -> None:
    """The customer has written elsewhere meanwhile: who is in the other chat tells nothing."""
    await stage.say("/invite @12", chat=OTHER_CHAT)
    await stage.faults(method="imopenlines.crm.chat.getLastId", result=OTHER_CHAT)

    await stage.whisper("/invite deal 288 @12")
    await stage.settled()

    assert IVAN in await stage.members(CHAT)
    reply = (await stage.told_privately())[-1]
    assert reply.startswith("✅")
    assert f"[CHAT={CHAT}]" in reply


async def test_whoever_has_a_role_twice_is_named_once(stage: Stage) -> None:
    stage.portal.state.crm["DEAL", 288].observers = [BOSS, BOSS]

    reply = await stage.say("/invite @observers")

    assert reply.count(f"[USER={BOSS}]") == 1
