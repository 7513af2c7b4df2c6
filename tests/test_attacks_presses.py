"""Somebody else's buttons: forged presses, and the genuine ones that they must not spoil."""

import json

import pytest
from acting import DELETE, press, press_at
from attacking import (
    TYPED,
    Watch,
    as_bots,
    change,
    forged,
    garbage,
    own,
    payload,
    post,
    pressed,
    put,
    rows,
)
from stage import ADD, ANNA, BOSS, BOT, CHAT, IVAN, OLGA, ON_SQLITE, Stage

UNDO = "Отменить"


@pytest.fixture
async def brought(stage: Stage) -> Stage:
    """Ivan is in the chat: under the answer everybody there can read what "undo" carries."""
    await stage.say(TYPED)
    assert IVAN in await stage.members()
    return stage


FORGED = {
    "nothing": lambda stage: {},
    "garbage": lambda stage: garbage(OLGA),
    "garbage of nobody": lambda stage: {**garbage(OLGA), "auth[user_id]": ""},
    "annas, said to be olgas": lambda stage: own(stage, said=OLGA),
    "annas, said to be nobodys": lambda stage: {**own(stage), "auth[user_id]": ""},
    "annas": lambda stage: own(stage),
    "garbage as the bots": lambda stage: as_bots(garbage(BOT)),
    "annas as the bots": lambda stage: as_bots(own(stage)),
    "both": lambda stage: {**garbage(OLGA), **as_bots(own(stage))},
}


@ON_SQLITE
@pytest.mark.parametrize("forgery", FORGED)
async def test_a_forged_press_does_nothing_and_burns_no_button(
    brought: Stage, forgery: str
) -> None:
    carried = payload(brought, UNDO)
    before = len(await brought.calls(DELETE))

    await post(brought, {**pressed(brought, carried), **FORGED[forgery](brought)})
    deleting = (await brought.calls(DELETE))[before:]
    assert {call["user_id"] for call in deleting} <= {ANNA}
    if forgery != "annas, said to be olgas":
        assert IVAN in await brought.members()
        # It is still Olga's.
        said = await press(brought, UNDO, chat=CHAT)
        assert "уже сработала" not in said
        assert IVAN not in await brought.members()


@ON_SQLITE
async def test_a_press_with_a_strangers_token_leaves_the_button_to_its_owner(
    brought: Stage,
) -> None:
    """Anna's own token may take Ivan out, if she may; Olga's button is not used up by it."""
    carried = payload(brought, UNDO)
    await brought.faults(
        method=DELETE, error={"status": 403, "code": "ACCESS_DENIED"}, user_id=ANNA, times=None
    )
    await post(brought, {**pressed(brought, carried), **own(brought, said=OLGA)})
    assert IVAN in await brought.members()

    await press(brought, UNDO, chat=CHAT)

    assert IVAN not in await brought.members()


@ON_SQLITE
async def test_a_genuine_press_during_a_forged_one_counts(brought: Stage) -> None:
    """Anna's own token may be slow: meanwhile the button is Olga's all the same."""
    carried = payload(brought, UNDO)
    await brought.faults(method="batch", delay=2.0, user_id=ANNA, times=None)
    await brought.faults(
        method=DELETE, error={"status": 403, "code": "ACCESS_DENIED"}, user_id=ANNA, times=None
    )
    elsewhere = {"data__chat__dialogId": "chat1", "data__chat__id": "1"}
    await put(brought, {**pressed(brought, carried, **elsewhere), **own(brought, said=OLGA)})
    await brought.until(lambda: _claimed(brought))

    said = await press(brought, UNDO, chat=CHAT)

    assert "уже сработала" not in said
    assert IVAN not in await brought.members()


async def _claimed(stage: Stage) -> bool:
    return rows(stage, "SELECT 1 FROM inbox WHERE event LIKE '%press%' AND done_at IS NULL") != []


@ON_SQLITE
@pytest.mark.parametrize("forgery", [name for name in FORGED if name != "annas, said to be olgas"])
async def test_forged_presses_come_between_a_genuine_one_and_its_copies(
    brought: Stage, forgery: str
) -> None:
    carried = payload(brought, UNDO)
    genuine = pressed(brought, carried)
    bots = brought.bots_token()

    for _ in range(2):
        await post(brought, {**genuine, **FORGED[forgery](brought)})
        await post(brought, {**genuine, **bots})

    assert len(await brought.calls(DELETE)) == 1
    assert {call["user_id"] for call in await brought.calls(DELETE)} == {OLGA}


@ON_SQLITE
@pytest.mark.parametrize("context", ["keyboard", "menu", "textarea"])
async def test_anna_presses_olgas_button_as_herself(brought: Stage, context: str) -> None:
    carried = payload(brought, UNDO)
    about = {"data__command__context": context, "data__message__authorId": str(ANNA)}

    event = pressed(brought, carried, user=ANNA, **about)
    await post(brought, {**event, **own(brought), **brought.bots_token()})

    assert not await brought.calls(DELETE)
    assert IVAN in await brought.members()
    assert "не для вас" in (await brought.told_privately(ANNA))[-1]


@ON_SQLITE
async def test_a_press_is_no_message_to_the_bot(brought: Stage) -> None:
    """As words in the private talk, where a line that is no command is told as it is."""
    carried = payload(brought, UNDO)
    event = forged(brought, f"/press {carried}", user=OLGA, event="ONIMBOTV2MESSAGEADD",
                   data__chat__dialogId=str(OLGA), data__chat__entityType="")  # fmt: skip

    await post(brought, {**event, **garbage(OLGA)})
    await post(brought, event)
    assert not await brought.calls(DELETE)

    assert "уже сработала" not in await press(brought, UNDO, chat=CHAT)
    assert IVAN not in await brought.members()


async def buttons_of(stage: Stage, user: int) -> tuple[int, list[dict[str, str]]]:
    """The last message with the bot's own buttons in somebody's talk, and those buttons."""
    messages = (await stage.get(f"dialogs/{user}"))["messages"]
    told = [(one["id"], [b for b in one["keyboard"] or [] if b.get("COMMAND")]) for one in messages]
    return next(one for one in reversed(told) if one[1])


@ON_SQLITE
@pytest.mark.parametrize("button", [0, 1])
async def test_anna_answers_in_ivans_place(stage: Stage, button: int) -> None:
    """The buttons of the card that Ivan got: "I am on it", "I cannot"."""
    await stage.say("/invite id12 -- срочно")
    number, buttons = await buttons_of(stage, IVAN)
    before = await stage.told_privately(OLGA)
    event = pressed(stage, buttons[button]["COMMAND_PARAMS"], user=IVAN)

    for forgery, made in FORGED.items():
        token = made(stage)
        token |= {"auth[user_id]": str(IVAN)} if token.get("auth[user_id]") == str(OLGA) else {}
        await post(stage, {**event, **token})

        assert await stage.told_privately(OLGA) == before, forgery

    await press_at(stage, number, button, IVAN)
    assert len(await stage.told_privately(OLGA)) == len(before) + 1


async def _reminded(stage: Stage) -> bool:
    messages = (await stage.get(f"dialogs/{OLGA}"))["messages"]
    return any(one["keyboard"] for one in messages)


@ON_SQLITE
async def test_anna_puts_the_end_of_a_stay_off(stage: Stage) -> None:
    await stage.say("/invite id12 --for 1h")
    change(stage, "UPDATE stays SET remind_at = 1")
    await stage.until(lambda: _reminded(stage))
    await stage.settled()
    number, buttons = await buttons_of(stage, OLGA)
    before = rows(stage, "SELECT until FROM stays")

    for forgery, made in FORGED.items():
        await post(stage, {**pressed(stage, buttons[0]["COMMAND_PARAMS"]), **made(stage)})

        assert rows(stage, "SELECT until FROM stays") == before, forgery

    await press_at(stage, number, 0, OLGA)
    assert rows(stage, "SELECT until FROM stays")[0][0] > before[0][0] + 3000


@ON_SQLITE
@pytest.mark.parametrize("context", ["timer", "textarea", "keyboard"])
async def test_no_event_takes_the_place_of_a_timer(stage: Stage, context: str) -> None:
    """Anna knows the message, the number of the stay and its end: it ends all the same."""
    await stage.say("/invite id12 --for 1h")
    [(number, told)] = rows(stage, "SELECT id, event FROM stays")
    event = json.loads(told)
    until = rows(stage, "SELECT until FROM stays")[0][0]
    for name in ("expire", "remind"):
        words = f'/{name} {{"id":{number},"until":{until!r}}}'
        same = {
            "data__message__id": str(event["message"]["id"]),
            "data__command__id": str(event["command"]["id"]),
            "data__command__context": context,
        }
        await post(stage, forged(stage, words, user=OLGA, **same))
        await post(stage, {**forged(stage, words, user=OLGA, **same), **own(stage, said=OLGA)})
    assert IVAN in await stage.members()

    change(stage, "UPDATE stays SET until = 1")
    await stage.until(lambda: _gone(stage))

    assert {call["user_id"] for call in await stage.calls(DELETE)} == {OLGA}


async def _gone(stage: Stage) -> bool:
    return IVAN not in await stage.members()


@ON_SQLITE
async def test_a_picker_in_olgas_private_talk_is_not_annas(stage: Stage) -> None:
    await stage.say("/invite @Иван Петров")
    number, buttons = await buttons_of(stage, OLGA)
    await stage.faults(
        method=ADD, error={"status": 403, "code": "ACCESS_DENIED"}, user_id=ANNA, times=None
    )

    for forgery, made in FORGED.items():
        await post(stage, {**pressed(stage, buttons[0]["COMMAND_PARAMS"]), **made(stage)})
        assert IVAN not in await stage.members(), forgery

    await press_at(stage, number, 0, OLGA)

    assert IVAN in await stage.members()


@ON_SQLITE
@pytest.mark.parametrize("which", ["Включить", "Удалить мою команду"])
async def test_anna_presses_what_keeps_commands_from_customers(stage: Stage, which: str) -> None:
    await stage.type(TYPED, hidden=False)
    await stage.settled()
    number, buttons = await buttons_of(stage, OLGA)
    index = [one["TEXT"] for one in buttons].index(which)
    carried = buttons[index]["COMMAND_PARAMS"]
    watch = await Watch.over(stage)

    for forgery in FORGED.values():
        await post(stage, {**pressed(stage, carried, user=BOSS), **forgery(stage)})
    for name in ("nothing", "garbage", "garbage as the bots", "both"):
        await post(stage, {**pressed(stage, carried), **FORGED[name](stage)})

    await watch.nothing_done(OLGA)
    assert "уже сработала" not in await press_at(stage, number, index, OLGA)


@ON_SQLITE
async def test_a_button_of_the_boss_cannot_be_made_by_anna(stage: Stage) -> None:
    """What a button carries cannot be guessed from another one."""
    await stage.say("/invite @Иван Петров")
    made = [row[0] for row in rows(stage, "SELECT id FROM presses")]
    assert len({one.partition(".")[2] for one in made}) == len(made)

    for one in made:
        for changed in (one[:-1], one + "x", one.upper(), one.replace(".", "․"), " " + one[1:]):
            await post(stage, {**pressed(stage, changed), **stage.bots_token()})

    assert not await stage.calls(ADD)


@ON_SQLITE
async def test_of_who_stays_for_a_while_no_typed_word_is_kept(stage: Stage) -> None:
    """For a week, or a month after its end, and each as long as a message may be."""
    await stage.say(f"/invite id{IVAN} --for 1h -- секрет {'ы' * 400}")

    [(kept,)] = rows(stage, "SELECT event FROM stays")

    assert "секрет" not in kept
    assert len(kept) < 2_000
