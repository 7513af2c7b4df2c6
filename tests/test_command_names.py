"""A command is known however its name is spelled, also to the bot alone, or is asked about."""

from acting import added, changes, press
from lines import M
from sqlalchemy import text
from stage import BOT, CHAT, IVAN, ON_SQLITE, Stage
from typed import BOTH, brings

from handlers import router

EVERYWHERE = [name for name, one in router.commands.items() if one.everywhere]

pytestmark = ON_SQLITE


async def test_a_command_is_known_however_it_is_spelled(stage: Stage) -> None:
    for name in ("Invite", "INVITE", "/invite", "штмшеу", "Штмшеу", "ШТМШЕУ"):
        await brings(stage, f"/{name} {M}", IVAN)
    names = stage.count("SELECT count(*) FROM journal WHERE command = 'invite'")
    assert names == 6


async def test_other_spellings_are_hidden_and_do_not_crowd_the_portal(stage: Stage) -> None:
    commands = [one for one in stage.portal.state.commands.values() if not one.hidden]
    assert sorted(one.name for one in commands) == sorted(router.commands)
    assert len(stage.portal.state.commands) <= 5 * len(router.commands)
    for name in EVERYWHERE:
        assert "[b]/" in await stage.say(f"/{name.capitalize()} help")
        assert "[b]/" in await stage.say(f"/{name.upper()} ?")
    stage.portal.state.chats[CHAT].members.append(BOT)
    assert "[b]/help[/b]" in await stage.say("/Help help")


async def test_a_portal_may_refuse_a_spelling_but_no_command(stage: Stage) -> None:
    commands = stage.portal.state.commands
    for number in [number for number, one in commands.items() if not one.name.isascii()]:
        del commands[number]
    with stage.engine.begin() as connection:
        connection.execute(text("UPDATE portals SET registered = 'older'"))
    error = {"status": 400, "code": "COMMAND_NAME_INVALID", "description": "Latin letters only"}
    await stage.faults(method="imbot.v2.Command.register", error=error, times=None)

    assert await stage.install() == 200
    await brings(stage, f"/Invite {M}", IVAN)


async def test_a_private_talk_takes_what_the_portal_does_not(stage: Stage) -> None:
    for number, typed in enumerate((
        "/invite@switchboard ", "/INVITE@Switchboard_bot ", "/invite\u00a0", "\u200b/invite ",
        "/ invite ", "/invite: ", "/invite,", "/штмшеу ", "/Invite ",
    ), 1):  # fmt: skip
        await stage.whisper(f"{typed}deal 288 {M}")
        await stage.settled()
        assert await changes(stage) == number * [added(IVAN, chat=None)], typed


@BOTH
async def test_a_private_talk_asks_about_what_is_like_a_command(
    stage: Stage, language: str
) -> None:
    await stage.faults(events={"language": language})
    await stage.whisper(f"invte deal 288 {M}")
    await stage.settled()

    [told] = await stage.told_privately()
    words = {"ru": ("Может быть, ", "Выполнить"), "en": ("Did you mean ", "Run it")}[language]
    assert f"{words[0]}[b]/invite deal 288 @Иван Петров[/b]?" in told
    assert not await changes(stage)
    await press(stage, words[1])
    assert await changes(stage) == [added(IVAN, chat=None)]


async def test_help_is_found_by_every_spelling(stage: Stage) -> None:
    for word in ("invite", "/invite", "Invite", "штмшеу", "INVITE.", "пригласить", "invit"):
        await stage.whisper(f"/help {word}")
        await stage.settled()
    told = await stage.told_privately()
    assert len(told) == 7
    assert len(set(told)) == 1
    assert len(told[0].splitlines()) <= 4
