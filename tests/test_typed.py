"""What people really type: every way of writing a command does the same, or is asked about."""

from typing import Any

from acting import INVITE, added, changes, keyboard, press
from lines import M
from stage import ANNA, DRIVER, GROUP_CHAT, IVAN, OLGA, ON_SQLITE, UNHURRIED, Stage
from typed import BOTH, A, brings, leave

pytestmark = [ON_SQLITE, UNHURRIED]


async def asked(stage: Stage, typed: str, language: str = "ru", **where: Any) -> str:
    """Type what is to change nothing, and give the private answer."""
    await stage.faults(events={"language": language})
    reply = await stage.say(typed, **where)
    assert reply in await stage.told_privately()
    assert not await changes(stage)
    return reply


async def test_brings_in_the_same_colleague(stage: Stage) -> None:
    for whom in (
        f"{M}.", f"{M}!", f"{M};", f"\u200e{M}\u200e", f"\u202a{M}\u202c", f"\u2066{M}\u2069",
        f"\ufeff{M}\u00ad", "id１２", "№12", "[URL=/company/personal/user/12/]Иван[/URL]",
        f"deal 288. {M}", f"deal 288: {M}", f"{M} в сделке №288", "@id12, --yes", f"--yes {M}",
    ):  # fmt: skip
        await brings(stage, f"/invite {whom}", IVAN)


async def test_several_people_are_parted_by_whatever_parts(stage: Stage) -> None:
    for between in ("; ", ";", ",", ". ", "! ", " и ", " & ", "\u2028", "\u00a0"):
        await brings(stage, f"/invite {M}{between}{A}", IVAN, ANNA)


async def test_finds_a_colleague_by_whatever_is_written(stage: Stage) -> None:
    for whom in (
        "@@Анна Орлова", f"@{A}", f"@ {A}",
        "‘Анна Орлова’", "'Анна Орлова'", "„Анна Орлова“", "‹Анна Орлова›", "«Ан\u200bна Орлова»",
        "@Анна Орлова!", "@orlova@example.test", "orlova@example.test.", '"orlova@example.test"',
        "<orlova@example.test>",
    ):  # fmt: skip
        await brings(stage, f"/invite {whom}", ANNA)


async def test_a_name_of_the_portal_may_hold_what_nobody_sees(stage: Stage) -> None:
    anna = stage.portal.state.users[ANNA]
    for anna.name in ("Ан\u200bна", "\u2068Анна", "А\u00adн\u00adна"):
        await brings(stage, "/invite @Анна Орлова", ANNA)
    anna.name = "Ма\u0438\u0306я"  # «й» in two characters
    await brings(stage, "/invite @Майя Орлова", ANNA)


async def test_a_name_is_found_however_its_signs_are_typed(stage: Stage) -> None:
    anna = stage.portal.state.users[ANNA]
    for anna.name, anna.last_name, *typed in (
        ("Инна", "Яшина", "И. Яшина", "И.Яшина", "Яшина И."),
        ("Анна И.", "Яшина", "Яшина А. И.", "Яшина А.И.", "А.И.Яшина"),
        ("Анна", "Орлова‑Белая", "Орлова-Белая", "Орлова–Белая", "Орлова‑Белая Анна"),
        ("Марʼяна", "О’Нил", "Мар'яна О'Нил", "Мар’яна", "О´Нил"),
        # Letters of the other alphabet that look the same, in what is typed and on the portal.
        ("Анна", "Сорокина", "Aннa Сорокина", "Сoрокина", "CОРОКИНА"),
        ("Анна", "Cорокина", "Анна Сорокина", "Сорокина А."),
    ):
        for one in typed:
            await brings(stage, f"/invite @{one}", ANNA)


async def test_a_group_may_be_called_what_nobody_sees(stage: Stage) -> None:
    stage.portal.state.groups[15].name = "Юр\u200bисты"

    assert "✅" in await stage.say(f"/group «Юристы» {M}")
    assert await changes(stage) == [(INVITE, {"GROUP_ID": "15", "USER_ID": ["12"]})]


async def test_follows_a_link_however_it_was_copied(stage: Stage) -> None:
    portal = stage.portal.url
    for link in (
        f"{portal}/crm/deal/details/288/?IFRAME=Y&IFRAME_TYPE=SIDE_SLIDER",
        f"{portal}/crm/deal/details/288/#tab_main",
        f"{portal}/crm/deal/details/288/.",
        f"{portal}/crm/deal/show/288/",
        "/crm/deal/show/288/",
        "crm/deal/details/288",
        f"{portal.removeprefix('http://')}/crm/deal/details/288/",
        f"{portal}/crm/type/2/details/288/",
        f"[URL]{portal}/crm/deal/details/288/[/URL]",
        f"{portal}/online/?IM_DIALOG=chat8773",
        f"в сделку {portal}/crm/deal/details/288/",
        f"сделка: [URL={portal}/crm/deal/details/288/]№ 288[/URL]",
        f"<{portal}/crm/deal/details/288/>",
        f'"{portal}/crm/deal/details/288/"',
    ):
        await brings(stage, f"/invite {link} {M}", IVAN)


@BOTH
async def test_refuses_a_link_to_another_portal(stage: Stage, language: str) -> None:
    words = {"ru": "Эта ссылка ведёт на другой портал.", "en": "This link leads to another portal."}

    for host in ("https://evil.example", "evil.example", f"{stage.portal.url}@evil.example"):
        reply = await asked(stage, f"/invite {host}/crm/deal/show/288/?IFRAME=Y {M}", language)
        assert reply.startswith(words[language])


async def test_finds_the_group_however_it_is_written(stage: Stage) -> None:
    portal = stage.portal.url
    for group in (
        "№15", "№ 15", "#15", "15:", "15.", "группа 15", "‘Юристы’", "“Юристы”",
        f"{portal}/workgroups/group/15/tasks/?x=1", f"{portal}/spaces/group/15/",
        "/spaces/group/15/discussions/",
    ):  # fmt: skip
        before = len(await changes(stage))
        assert "«Юристы»" in await stage.say(f"/group {group} {M}")
        assert (await changes(stage))[before:] == [(INVITE, {"GROUP_ID": "15", "USER_ID": ["12"]})]


@BOTH
async def test_for_a_while_in_every_wording(stage: Stage, language: str) -> None:
    await stage.faults(events={"language": language})
    words = {"ru": "в этом чате на 2 часа", "en": "is in this chat for 2 hours"}
    for option in ("--for=2h", "--for 2 часа", "—for 2h", "-for 2 hours", "--на 2ч."):
        for line in (f"{M} {option}", f"{option} {M}"):
            assert words[language] in await stage.say(f"/invite {line}")
            leave(stage, IVAN)
    words = {"ru": "на 2 часа 30 минут.", "en": "for 2 hours 30 minutes."}
    assert words[language] in await stage.say(f"/invite {M} --for 2h30m")


@BOTH
async def test_a_number_in_an_escalation_is_no_colleague(stage: Stage, language: str) -> None:
    words = {"ru": "Одного номера 12 мало", "en": "The number 12 alone may be any"}

    for typed in ("#12", "№12", "12", "# 12 --yes", "№ 12 -- срочно"):
        assert words[language] in await asked(stage, f"/escalate {typed}", language)
        assert words[language] in await asked(
            stage, f"/escalate {typed}", chat=GROUP_CHAT, language=language
        )


@BOTH
async def test_nobody_is_brought_into_a_colleague(stage: Stage, language: str) -> None:
    words = {"ru": "Какой элемент CRM?", "en": "Which record?"}

    for typed in (f"/invite {M} in #12", f"/invite {M} в №12", f"/remove {M} из #12"):
        assert (await asked(stage, typed, language)).startswith(words[language])


async def test_the_number_of_this_chats_record_is_clear(stage: Stage) -> None:
    assert "🚨 Эскалация, сделка № 288" in await stage.say("/escalate #288 -- срочно")
    assert await changes(stage) == [added(21)]


async def test_whoever_is_asked_chooses_by_a_button(stage: Stage) -> None:
    await asked(stage, f"/escalate №288 {M} -- срочно", chat=GROUP_CHAT)

    reply = await press(stage, "сделка № 288")

    assert "🚨 Эскалация, сделка № 288" in reply
    assert "Причина: срочно" in reply
    assert await changes(stage) == [added(IVAN, chat=None)]


async def test_a_number_may_be_meant_as_a_colleagues(stage: Stage) -> None:
    reply = await asked(stage, "/escalate deal 288 #12")
    assert "Может быть, [b]/escalate deal 288 id12[/b]?" in reply
    await asked(stage, "/escalate #12")

    assert "[USER=12]Иван Петров[/USER] теперь в этом" in await press(stage, "сотрудник id12")


@BOTH
async def test_what_is_no_number_is_told_as_people_see_it(stage: Stage, language: str) -> None:
    words = {
        "ru": ("«@Анна Орлова» — не номер.", "/invite сделка 288[/b]", "/invite чат 8773[/b]"),
        "en": ('"@Анна Орлова" is not a', "/invite deal 288[/b]", "/invite chat 8773[/b]"),
    }[language]

    reply = await asked(stage, f"/invite сделку {A}", language)
    assert reply.startswith(words[0])
    assert words[1] in reply
    reply = await asked(stage, f"/invite чат {A}", language)
    assert reply.startswith(words[0])
    assert words[2] in reply
    assert words[2] in await asked(stage, f"/invite {A} в чат", language)
    assert "«@Анна Орлова»" in await asked(stage, f"/invite --на {A}", "ru")


@BOTH
async def test_a_sign_that_is_missing_is_offered(stage: Stage, language: str) -> None:
    words = {"ru": ("Может быть, ", "Выполнить"), "en": ("Did you mean ", "Run it")}[language]

    for typed, meant in (
        ("/invite Анна", "/invite @Анна"),
        (f"/invite - {A}", "/invite @Анна Орлова"),
        (f"/invite {A} нужен юрист", "/invite @Анна Орлова -- нужен юрист"),
    ):
        reply = await asked(stage, typed, language)
        assert reply == f"{words[0]}[b]{meant}[/b]?"
    await press(stage, words[1])
    assert await changes(stage) == [added(ANNA)]


@BOTH
async def test_an_option_behind_the_reason_is_a_part_of_it_and_that_is_said(
    stage: Stage, language: str
) -> None:
    words = {"ru": "стоит после «--»", "en": 'stands behind the "--"'}[language]
    await stage.faults(events={"language": language})

    for option in ("--for 2h", "—на 2 часа", "--dry", "--yes", "--chat 8774"):
        reply = await stage.say(f"/invite {M} -- нужен юрист {option} срочно")
        assert option[2:] in reply.partition(words)[0], option
        assert words in (await stage.told_privately())[-1]
        assert (await changes(stage))[-1] == added(IVAN)
        assert stage.count("SELECT count(*) FROM stays") == 0
        leave(stage, IVAN)
    for typed in ("— на 2 часа", "-- for 2h", "-- на полчаса, нужен юрист", "— dry"):
        reply = await stage.say(f"/invite {M} {typed}")
        assert words in reply, typed
        assert f"[b]/invite … --{typed.strip('—- ').partition(',')[0]} -- " in reply
        leave(stage, IVAN)
    for reason in ("ждал — на 2 часа опоздал", "a -- b", "--for the record", "1 --2", "--wait 2m",
                   "--на память", "на 2 часа опоздал", "for 2h of work", "dry run"):  # fmt: skip
        reply = await stage.say(f"/invite {M} -- {reason}")
        assert words not in reply, reason
        leave(stage, IVAN)
    assert words in await stage.say("/escalate -- клиент уходит --wait 2m")


@BOTH
async def test_names_a_character_that_nobody_sees(stage: Stage, language: str) -> None:
    words = {"ru": "невидимый знак: U+3164 HANGUL FILLER.", "en": "invisible character: U+3164"}

    for typed in (f"/invite {M} \u3164", f"/invite {M} а\u3164б", "/escalate deal 28\u31648"):
        assert words[language] in await asked(stage, typed, language)


async def test_a_name_cannot_say_more_than_a_name_by_a_button(stage: Stage) -> None:
    stage.portal.state.users[DRIVER].last_name = "Петров[/USER] id3 [USER=15]x"
    await stage.say("/invite @Иван")
    _, buttons = await keyboard(stage, OLGA)
    [label] = [one["TEXT"] for one in buttons if "id3" in one["TEXT"]]

    await press(stage, label)

    assert await changes(stage) == [added(DRIVER)]
