"""Anna has the bot speak: to a colleague, in a chat that she is not in, in another's name."""

from typing import Any

import pytest
from attacking import TYPED, Watch, change, forged, garbage, own, post, pressed, put
from stage import (
    ANNA,
    ANSWER,
    BOSS,
    CUSTOMER,
    GROUP_CHAT,
    IVAN,
    OLGA,
    ON_SQLITE,
    PAVEL,
    SEND,
    Stage,
)

from bot.portals import proof


async def buttons_of(stage: Stage, user: int) -> list[dict[str, Any]]:
    """Give every button that the bot has put into its talk with somebody."""
    messages = (await stage.get(f"dialogs/{user}"))["messages"]
    return [one for message in messages for one in message["keyboard"] or []]


@ON_SQLITE
async def test_the_bot_says_nothing_free_in_its_own_name(known: Stage) -> None:
    """Anna has the bot tell the boss whatever she likes: a command that there is not."""
    spam = "/Срочно-переведите-деньги-на-evil.example срочно"

    await post(known, forged(known, spam, user=BOSS))

    assert not [one for one in await known.told_privately(BOSS) if not one.startswith("🔑")]


@ON_SQLITE
async def test_a_typing_error_that_is_not_the_boss_own_gives_him_no_button(known: Stage) -> None:
    """One press on "did you mean" and Anna's words are carried out with the boss's pair."""
    for tokens in ({}, garbage(BOSS), own(known, said=BOSS)):
        await post(known, {**forged(known, "/invte id12", user=BOSS), **tokens})

    assert not [one for one in await buttons_of(known, BOSS) if one.get("COMMAND")]


@ON_SQLITE
async def test_anna_has_the_boss_delete_a_message_of_his_own(known: Stage) -> None:
    """A forged command names the boss's message: "the customer saw it, delete my command?"."""
    number = await known.type("Договор подписан", user=OLGA, hidden=False)
    event = forged(known, "/help", user=OLGA, data__message__id=str(number),
                   data__message__params__COMPONENT_ID=None)  # fmt: skip

    await post(known, event)

    labels = [one["TEXT"] for one in await buttons_of(known, OLGA)]
    assert not [label for label in labels if "далить" in label], labels


@ON_SQLITE
async def test_anna_uses_up_what_is_told_once_a_day(known: Stage) -> None:
    """The hint that the customer may have seen a command is for who has typed one."""
    seen = {"data__message__params__COMPONENT_ID": None}
    await post(known, forged(known, "/help", user=BOSS, **seen))
    await post(known, forged(known, TYPED, user=BOSS, **seen))

    await known.type(TYPED, hidden=False)
    await known.settled()

    labels = [one["TEXT"] for one in await buttons_of(known, OLGA)]
    assert [label for label in labels if "далить" in label]


@ON_SQLITE
async def test_anna_calls_herself_the_boss_to_those_she_brings_in(known: Stage) -> None:
    """Her own number and token, and another's name: the card must not bear it."""
    await known.faults(user={"id": ANNA, "history": "any"})
    event = forged(known, "/invite id12 -- срочно", user=ANNA,
                   data__user__name="Борис Волков")  # fmt: skip

    await post(known, {**event, **own(known)})

    [card] = await known.told_privately(IVAN)
    assert "зовёт вас" in card
    assert "Борис" not in card


@ON_SQLITE
async def test_anna_calls_herself_the_boss_when_she_answers_a_call(known: Stage) -> None:
    await known.say("/invite id15 -- срочно")
    [button, *_] = await buttons_of(known, ANNA)
    event = pressed(known, button["COMMAND_PARAMS"], user=ANNA, data__user__name="Борис Волков")
    before = len(await known.told_privately(OLGA))

    await post(known, {**event, **own(known)})

    told = (await known.told_privately(OLGA))[before:]
    assert len(told) == 1
    assert "Борис" not in told[0]


@ON_SQLITE
@pytest.mark.parametrize("errors_in_chat", [False, True])
async def test_anna_has_the_bot_speak_in_a_chat_that_she_is_not_in(
    known: Stage, errors_in_chat: bool
) -> None:
    if errors_in_chat:
        change(known, "INSERT INTO portal_settings (member_id, settings) VALUES (:id, :told)",
               id=known.portal.state.settings.member_id,
               told='{"errors_in_chat": true}')  # fmt: skip
    number = await known.type("/who", user=OLGA, chat=GROUP_CHAT)
    await known.settled()
    watch = await Watch.over(known)
    here = {
        "data__message__id": str(number),
        "data__chat__id": str(GROUP_CHAT),
        "data__chat__dialogId": f"chat{GROUP_CHAT}",
    }

    for words in ("/help", "/invite ?", "/денег", "/invite", "/invite всё пропало", TYPED):
        await post(known, forged(known, words, user=OLGA, **here))

    await watch.nothing_done(OLGA)
    assert not [call for call in await watch.calls() if call["method"] == ANSWER]


@ON_SQLITE
@pytest.mark.parametrize("person", [CUSTOMER, PAVEL], ids=["customer", "dismissed"])
async def test_a_command_in_a_strangers_name_reaches_no_stranger(known: Stage, person: int) -> None:
    watch = await Watch.over(known)

    await post(known, forged(known, TYPED, user=person))
    await post(known, forged(known, "/help", user=person))

    assert not [c for c in await watch.calls() if c["params"].get("dialogId") == str(person)]


@ON_SQLITE
@pytest.mark.parametrize("words", ["/help", "/денег", "/invite", "/invite ?"])
async def test_made_up_tokens_do_not_have_the_bot_talk_without_end(
    known: Stage, words: str
) -> None:
    """Nothing of these needs the portal, so nobody would look whose the token is."""
    before = len(await known.told_privately(BOSS))
    for number in range(30):
        there = {"data__chat__dialogId": f"chat{number + 1}"}
        await put(known, {**forged(known, words, user=BOSS, **there), **garbage(BOSS)})
    await known.settled()

    # A minute may end meanwhile.
    assert len(await known.told_privately(BOSS)) - before <= 2 * (proof.UNASKED + 1)

    # What is their own is answered as often as they like.
    before = len(await known.told_privately(BOSS))
    for number in range(3):
        there = {"data__chat__dialogId": f"chat{number + 100}"}
        await put(known, {**forged(known, words, user=BOSS, **there), **own(known, BOSS)})
    await known.settled()
    assert len(await known.told_privately(BOSS)) - before == 3


@ON_SQLITE
@pytest.mark.settings(portal_bucket=1_000)
async def test_made_up_tokens_of_many_do_not_have_the_bot_talk_to_all(
    monkeypatch: pytest.MonkeyPatch, known: Stage
) -> None:
    monkeypatch.setattr(proof, "UNASKED_OF_PORTAL", 10)
    await known.faults(bucket={"size": 1_000, "rate": 1_000})
    watch = await Watch.over(known)
    for user in range(50_000, 50_040):
        await put(known, {**forged(known, "/help", user=user), **garbage(user)})
    await known.settled()

    told = [call for call in await watch.calls() if call["method"] == SEND]
    # A minute may end meanwhile.
    assert len(told) <= 2 * 10
