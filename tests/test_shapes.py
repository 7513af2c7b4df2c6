"""Whatever shape a portal's answer has: the command ends in words, and they are true.

Every method that the bot calls is answered in half of the shapes, and the next one in the other
half; nothing is done by the portal then.
"""

import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from acting import DELETE, INVITE, keyboard
from installing import event_of, sent
from sqlalchemy import text
from stage import (
    ADD,
    ANSWER,
    CHAT,
    CLIENT_ID,
    CLIENT_SECRET,
    FINISHED,
    IVAN,
    OLGA,
    ON_SQLITE,
    SEND,
    UNBOUND,
    Stage,
)
from test_buttons import pressed

import bot.app
import bot.bitrix24.circuit
import bot.story.replies
from bot.bitrix24.documented import SHIPPED
from sandbox.server import Portal, running

RESULTS = [
    None, True, False, 0, 7, -1, 1.5, "", "abc", [], [None], [[]], ["x", 7], {}, {"a": None},
    [{"ID": [], "id": {}, "NAME": 5, "UF_HEAD": "x"}],
    {"1": {"ID": "x", "id": True, "CHAT_ID": [], "command": {}, "handler": []}},
]  # fmt: skip
BROKEN = [
    {"html": 200},
    {"html": 502},
    {"error": {"status": 400, "code": "", "description": ""}},
    {"error": {"status": 500, "code": "", "description": "Fatal error"}},
    {"error": {"status": 403, "code": "ACCESS_DENIED", "description": "Access denied."}},
]
SHAPES: list[dict[str, Any]] = [*({"result": one} for one in RESULTS), *BROKEN]
BREAKDOWN = ("В боте произошёл сбой", "inside the bot")
# By these a portal says that it has done what it was asked to.
YES = [{"result": True}, {"result": 7}]

IMPATIENT = pytest.mark.settings(retry_for=0.04, portal_bucket=10**6)

Scene = Callable[[Stage], Awaitable[str]]


def typed(words: str, **how: Any) -> Scene:
    return lambda stage: stage.say(words, **how)


def whispered(words: str) -> Scene:
    async def play(stage: Stage) -> str:
        before = await stage.heard()
        await stage.whisper(words)
        await stage.settled()
        return "\n".join((await stage.heard())[len(before) :])

    return play


async def finished(stage: Stage) -> str:
    told = {"status": 400, "code": "CHAT_NOT_IN_CRM", "description": "Chat not in CRM"}
    await stage.faults(method=ADD, error=told)
    return await stage.say("/invite id12")


async def refused_addition(stage: Stage) -> str:
    told = {"status": 400, "code": "WRONG_REQUEST", "description": "No access"}
    await stage.faults(method=ADD, error=told)
    return await stage.say("/invite id12")


async def escalated(stage: Stage) -> str:
    """Have Ivan called, and let his time pass."""
    await stage.say("/escalate id12")
    before = await stage.heard()
    with stage.engine.begin() as connection:
        connection.execute(text("UPDATE escalations SET until = 1, due_at = 1"))

    async def is_over() -> bool:
        return len(await stage.heard()) > len(before)

    await stage.until(is_over)
    return "\n".join((await stage.heard())[len(before) :])


ASKED: dict[str, Scene] = {
    "batch": typed("/invite id12"),
    "crm.item.get": typed("/escalate"),
    "department.get": typed("/invite @руководитель"),
    "im.chat.user.list": typed("/who"),
    "im.department.get": typed("/invite @Иван"),
    "im.dialog.messages.get": escalated,
    "im.user.get": refused_addition,
    "im.user.list.get": typed("/who"),
    "imbot.v2.Bot.get": whispered("/check"),
    "imbot.v2.Command.list": whispered("/check"),
    "imbot.v2.Revision.get": whispered("/check"),
    "event.get": whispered("/check"),
    "imopenlines.config.get": typed("/invite @линия"),
    "imopenlines.config.list.get": whispered("/check"),
    "imopenlines.crm.chat.get": finished,
    "imopenlines.crm.chat.getLastId": whispered("/invite in deal 288 id12"),
    "imopenlines.dialog.get": typed("/who"),
    "profile": whispered("/check"),
    "scope": whispered("/check"),
    "sonet_group.get": typed("/group «Юристы» id12"),
    "sonet_group.user.get": typed("/group 15 id12"),
    "user.get": typed("/invite petrov.law@example.test"),
    "user.search": typed("/invite @Анна Орлова"),
}


@pytest.fixture
async def portal(ports: list[int]) -> AsyncIterator[Portal]:
    keys = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    async with running(port=ports[0], oauth_port=ports[1], bucket_size=10**6, **keys) as portal:
        yield portal


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes of patience are a moment here, in which no portal is given up."""
    monkeypatch.setattr(bot.story.replies, "PAUSE", 0.01)
    monkeypatch.setattr(bot.bitrix24.circuit, "FAILURES", 1000)


@pytest.fixture(autouse=True)
def no_breakdown(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is raised that nobody has decided about."""
    yield
    for record in caplog.get_records("call"):
        assert record.exc_info is None, record.exc_text
        assert record.levelno < logging.CRITICAL


def shapes_of(number: int) -> list[dict[str, Any]]:
    """Give a scene every other shape: those next to it in its table have the rest."""
    return SHAPES[number % 2 :: 2]


async def in_shapes(
    stage: Stage, method: str, play: Scene, shapes: list[dict[str, Any]]
) -> list[tuple[Any, str]]:
    """Play a scene once in each shape, in both languages in turn."""
    heard = []
    for shape, language in zip(shapes, itertools.cycle(["ru", "en"]), strict=False):
        await stage.faults(events={"language": language})
        await stage.faults(method=method, times=None, **shape)
        reply = await play(stage)
        await stage.faults(clear=True)
        assert reply.strip(), (method, shape)
        for odd in ("None", "{", "..", "USER=0", "[i] ·", *BREAKDOWN):
            assert odd not in reply, (method, shape, reply)
        heard.append((shape, reply))
    return heard


@ON_SQLITE
@IMPATIENT
@pytest.mark.parametrize(("number", "method"), list(enumerate(ASKED)))
async def test_a_question_answered_in_any_shape_ends_in_words(
    stage: Stage, number: int, method: str
) -> None:
    await in_shapes(stage, method, ASKED[method], shapes_of(number))


async def removed(stage: Stage) -> str:
    if IVAN not in await stage.members():
        stage.portal.state.chats[CHAT].members.append(IVAN)
    return await stage.say("/remove id12")


async def lead_created(stage: Stage) -> str:
    await stage.say("/invite id12", chat=UNBOUND)
    return await pressed_first(stage)


async def session_started(stage: Stage) -> str:
    await stage.say("/invite id12", chat=FINISHED)
    return await pressed_first(stage)


async def access_asked(stage: Stage) -> str:
    await stage.faults(user={"id": IVAN, "crm": False})
    await stage.say("/invite id12")
    return await pressed_first(stage)


async def undone(stage: Stage) -> str:
    """Have Ivan added, and then what was added taken back."""
    if IVAN in await stage.members():
        stage.portal.state.chats[CHAT].members.remove(IVAN)
    await stage.say("/invite id12")
    return await stage.say("/undo")


async def pressed_first(stage: Stage) -> str:
    """Press the first button of the last message that has any."""
    message, _ = await keyboard(stage)
    before = await stage.heard()
    assert await stage.post("presses", {"message_id": message, "button": 0, "user_id": OLGA})
    await stage.settled()
    return "\n".join((await stage.heard())[len(before) :])


async def added_by_chat(stage: Stage) -> str:
    await stage.say("/invite id12", chat=UNBOUND)
    _, buttons = await keyboard(stage)
    return await pressed(stage, buttons[-1]["COMMAND_PARAMS"])


CHANGED: dict[str, tuple[str, Scene]] = {
    "add": (ADD, typed("/invite id12")),
    "add, by an item": (ADD, whispered("/invite in deal 288 id12")),
    "escalate": (ADD, typed("/escalate id12 -- срочно")),
    "remove": (DELETE, removed),
    "undo": (DELETE, undone),
    "add by the chat": ("im.chat.user.add", added_by_chat),
    "remove by the chat": ("im.chat.user.delete", typed("/remove id7 --yes", chat=UNBOUND)),
    "invite to a group": (INVITE, typed("/group 15 id12")),
    "create a lead": ("imopenlines.crm.lead.create", lead_created),
    "start a session": ("imopenlines.session.start", session_started),
    "ask for access": ("im.notify.personal.add", access_asked),
}


@ON_SQLITE
@IMPATIENT
@pytest.mark.parametrize(("number", "change"), list(enumerate(CHANGED)))
async def test_a_change_answered_in_any_shape_is_not_said_to_be_done(
    stage: Stage, number: int, change: str
) -> None:
    method, play = CHANGED[change]

    for shape, reply in await in_shapes(stage, method, play, shapes_of(number)):
        claims = "✅" in reply or "↩️" in reply or "🚨" in reply
        assert not claims or (shape in YES and change == "ask for access"), (shape, reply)


@ON_SQLITE
@IMPATIENT
@pytest.mark.parametrize(
    ("button", "method"),
    [(0, "imopenlines.session.mode.silent"), (1, "im.message.delete")],
)
async def test_a_command_is_not_said_to_be_hidden_when_nobody_knows(
    stage: Stage, button: int, method: str
) -> None:
    await stage.say("/who", hidden=False)
    _, buttons = await keyboard(stage)
    numbers = itertools.count(95_000)

    async def press(stage: Stage) -> str:
        with stage.engine.begin() as connection:
            connection.execute(text("UPDATE presses SET used_by = NULL"))
        payload = buttons[button]["COMMAND_PARAMS"]
        return await pressed(stage, payload, message=next(numbers))

    for shape, reply in await in_shapes(stage, method, press, SHAPES):
        assert (shape in YES) == reply.startswith(("🙈", "🗑")), (shape, reply)


@ON_SQLITE
@IMPATIENT
@pytest.mark.parametrize("method", [ANSWER, SEND])
async def test_a_reply_that_was_not_posted_goes_another_way(stage: Stage, method: str) -> None:
    play = typed("/invite id12" if method == ANSWER else "/who")

    for shape in SHAPES:
        # By these it is said, or may have been: a second time would be once too often.
        if shape in YES or "html" in shape or shape.get("error", {}).get("status") == 500:
            continue
        await stage.faults(method=method, times=None, **shape)
        reply = await play(stage)
        await stage.faults(clear=True)
        assert "[USER=12]" in reply or reply.startswith("👥"), shape


@ON_SQLITE
@IMPATIENT
async def test_an_answer_that_says_false_counts_as_not_said(stage: Stage) -> None:
    await stage.faults(method=ANSWER, result={"result": False})

    assert "теперь в этом чате" in await stage.say("/invite id12")

    [told] = await stage.told_privately()
    assert "теперь в этом чате" in told


INSTALLED = [
    "user.admin", "app.info", "imbot.v2.Bot.list", "imbot.v2.Bot.register", "imbot.v2.Bot.update",
    "imbot.v2.Command.list", "imbot.v2.Command.register", "imbot.v2.Command.update",
    "imbot.v2.Command.unregister", "event.get", "event.bind", "placement.get", "placement.bind",
    "placement.unbind",
]  # fmt: skip
WORDS = ("installed", "installation not proven", "the installation could not be finished")


@ON_SQLITE
@IMPATIENT
@pytest.mark.parametrize(("number", "method"), list(enumerate(INSTALLED)))
async def test_an_installation_answered_in_any_shape_ends_in_words(
    empty_stage: Stage, number: int, method: str
) -> None:
    for shape in shapes_of(number):
        await empty_stage.faults(method=method, times=None, **shape)
        status, told = await sent(empty_stage, event_of(empty_stage, 1, {}))
        await empty_stage.faults(clear=True)
        assert (status in (200, 403, 503), told.startswith(WORDS)) == (True, True), (shape, told)
        with empty_stage.engine.begin() as connection:
            connection.execute(text("UPDATE portals SET registered = ''"))


def test_no_method_is_left_out() -> None:
    changed = {method for method, _ in CHANGED.values()}
    hidden = {"imopenlines.session.mode.silent", "im.message.delete"}

    trail = {"crm.timeline.comment.add", "crm.timeline.comment.list"}  # by tests of its own
    tried = {*ASKED, *changed, *hidden, *trail, *INSTALLED, ANSWER, SEND}
    assert SHIPPED - {"im.department.managers.get"} <= tried
