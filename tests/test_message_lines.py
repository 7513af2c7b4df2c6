"""A message of several lines: which are commands, which are asked about, which are left out."""

import pytest
from acting import DELETE, added, changes, press
from lines import M
from stage import ANNA, IVAN, ON_SQLITE, Stage
from typed import BOTH, A, leave

pytestmark = ON_SQLITE


@BOTH
async def test_a_command_is_one_line_and_says_so(stage: Stage, language: str) -> None:
    await stage.faults(events={"language": language})
    words = {"ru": "⚠️ Команда занимает одну строку", "en": "⚠️ A command is one line"}

    for typed in (
        f"/invite {M}\n{A}", f"/invite {M}[BR]@Анна Орлова", f"/invite {M}\n\n и @Анна Орлова\n",
        f"/Invite {M}\n /invite @Анна Орлова",
    ):  # fmt: skip
        reply = await stage.say(typed)
        assert "✅" in reply
        assert words[language] in reply
        assert "@Анна Орлова" not in reply
        assert words[language] in (await stage.told_privately())[-1]
        assert (await changes(stage))[-1] == added(IVAN)
        leave(stage, IVAN)


async def test_what_is_left_out_is_told_also_where_nothing_is_done(stage: Stage) -> None:
    reply = await stage.say(f"/invite\n{M}")

    assert "Кого? Наберите @ и выберите коллегу" in reply
    assert "Команда занимает одну строку, дальше бот не читает." in reply
    assert not await changes(stage)


async def test_lines_that_are_commands_of_their_own_need_no_word(stage: Stage) -> None:
    fence = "-" * 54
    further = f"/Remove {M}\n/other x\n{fence}\nx\n{fence}"

    reply = await stage.say(f"Добрый день!\n/invite {M}\n{further}")

    assert "строку" not in reply
    assert len(await changes(stage)) == 2


@BOTH
async def test_a_misspelt_command_before_a_good_one_is_asked_about(
    monkeypatch: pytest.MonkeyPatch, stage: Stage, language: str
) -> None:
    # The portal makes no event of it: nobody is to wait for one.
    monkeypatch.setattr("bot.inbox.lanes.APART", 120.0)
    words = {"ru": ("Может быть, ", "Выполнить"), "en": ("Did you mean ", "Run it")}[language]
    await stage.faults(events={"language": language})

    reply = await stage.say(f"/invte {A}\nДобрый день!\n/remov {M}\n/other x\n/invite {M}")

    assert await changes(stage) == [added(IVAN)]
    assert f"{words[0]}[b]/invite @Анна Орлова[/b]?" in reply
    assert f"{words[0]}[b]/remove @Иван Петров[/b]?" in reply
    assert reply.count(words[0]) == 2
    assert f"{words[0]}[b]/invite" in (await stage.told_privately())[-1]
    await press(stage, f"{words[1]}: /remove")
    await press(stage, f"{words[1]}: /invite")
    assert (await changes(stage))[1:] == [(DELETE, added(IVAN)[1]), added(ANNA)]


async def test_a_misspelt_command_is_asked_about_once(stage: Stage) -> None:
    """Of several commands the first tells; of what stands behind one, that one tells."""
    reply = await stage.say(f"/invte {A}\n/invite {M}\n/rmove {A}\n/remove {M}\n/invit {A}\nа?")

    assert reply.count("Может быть, ") == 3
    assert reply.count("Команда занимает одну строку") == 1
    before = len(await stage.told_privately())
    await stage.whisper(f"/invte {A}\n/invite deal 288 {M}")
    await stage.settled()
    assert "\n".join((await stage.told_privately())[before:]).count("Может быть, ") == 1


async def test_a_private_talk_reads_what_is_said_after_a_quotation(stage: Stage) -> None:
    fence = "-" * 54
    quoted = f"{fence}\nАнна [сегодня, 14:05]\n/remov deal 288 {M}\n{fence}\n"

    for said, answer in (
        (f"/invite@switchboard в сделке 288 {M}", "✅"),
        (f"/invte {A}", "Может быть, [b]/invite @Анна Орлова[/b]?"),
        ("помощь", "Может быть, [b]/help[/b]?"),
        ("что это?", "Бот понимает только команды."),
        ("", ""), ("[code]/remov[/code]", ""),
    ):  # fmt: skip
        before = len(await stage.heard())
        await stage.whisper(quoted + said)
        await stage.settled()
        told = "\n".join((await stage.heard())[before:])
        assert (answer in told) if answer else told == "", said
