"""/who, /why, /check, /help, /language, and what an administrator has switched off."""

import re

import pytest
from acting import DELETE, INVITE
from app_page import opened
from escalating import decide
from stage import ADD, ANNA, CHAT, GROUP_CHAT, IVAN, OLGA, ON_SQLITE, UNBOUND, UNHURRIED, Stage

import handlers
from sandbox.model import Line


@ON_SQLITE
async def test_who_is_here(stage: Stage) -> None:
    await stage.say("/invite @15")

    reply = await stage.say("/who")

    assert reply == (
        "👥 Из коллег в чате [CHAT=8773]Клиент - Поддержка[/CHAT]: [USER=7]Ольга Смирнова[/USER], "
        "[USER=15]Анна Орлова[/USER]. Оператор диалога: [USER=7]Ольга Смирнова[/USER].\n"
        "CRM: сделка № 288 «Поставка оборудования», ответственный — [USER=21]Роман Соколов[/USER], "
        "наблюдатели: [USER=3]Борис Волков[/USER]. Доступ к карточке у них есть.\n"
        "Очередь линии: [USER=7]Ольга Смирнова[/USER], [USER=15]Анна Орлова[/USER]. "
        "Этих коллег оператор может позвать и с ролью по умолчанию."
    )
    assert reply in await stage.told_privately()
    assert "[/CHAT] не привязан к CRM" in await stage.say("/who", chat=UNBOUND)
    assert "Откройте нужный диалог" in await stage.say("/who", chat=GROUP_CHAT)


async def test_why_tells_more(stage: Stage) -> None:
    await stage.faults(user={"id": IVAN, "crm": False})
    await stage.say("/invite [USER=12]Иван[/USER]")

    reply = await stage.say("/why")

    assert "⛔ У сотрудника [USER=12]Иван Петров[/USER] нет доступа к элементу" in reply
    assert "[i]imopenlines.crm.chat.user.add · ACCESS_DENIED · Access denied!" in reply
    assert len(await stage.calls(ADD)) == 1


@ON_SQLITE
async def test_why_tells_of_all_who_were_refused_for_one_reason_at_once(stage: Stage) -> None:
    stage.portal.state.chats[CHAT].members.append(ANNA)
    await stage.type("/invite @12 @41", user=ANNA)
    await stage.settled()

    await stage.type("/why", user=ANNA)
    await stage.settled()

    why = (await stage.told_privately(ANNA))[-1]
    assert why.count("Решает ваша собственная роль в открытых линиях") == 1
    assert "[USER=12]Иван Петров[/USER], [USER=41]Иван Петров[/USER]" in why


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "words"), [("ru", "Группы № 999 нет"), ("en", "No group 999")]
)
async def test_why_nobody_was_invited_to_a_group(stage: Stage, language: str, words: str) -> None:
    await stage.faults(events={"language": language})
    await stage.say("/group 999 @15")

    why = await stage.say("/why")

    assert words in why
    assert why.endswith("[i]sonet_group.user.invite · Socialnetwork group not found[/i]")


async def test_why_without_a_refusal(stage: Stage) -> None:
    await stage.say("/invite @12")

    assert "ни в чём вам не отказывал" in await stage.say("/why")


@ON_SQLITE
async def test_check_in_the_private_talk(stage: Stage) -> None:
    await stage.whisper("/check")
    await stage.settled()

    [told] = await stage.told_privately()
    assert told.startswith(
        "✔ Бот действует от вашего имени: [USER=7]Ольга Смирнова[/USER], права у приложения есть, "
        "в открытых линиях работает, версия API — "
    )
    assert "✖" not in told


@ON_SQLITE
async def test_check_names_what_is_missing(stage: Stage) -> None:
    await stage.faults(scopes=["imbot", "imopenlines", "im", "user_basic", "department", "crm"])

    await stage.whisper("/check")
    await stage.settled()

    [told] = await stage.told_privately()
    assert "✖ Приложению не выданы права: sonet_group." in told


@ON_SQLITE
async def test_check_sees_what_the_administrator_has_to_mend(stage: Stage) -> None:
    commands = stage.portal.state.commands
    del commands[next(number for number, one in commands.items() if one.name == "undo")]

    await stage.whisper("/check")
    await stage.settled()

    [told] = await stage.told_privately()
    assert "✖ На портале не все команды бота." in told


@ON_SQLITE
async def test_help_about_one_command(stage: Stage) -> None:
    for typed in ("/help", "/help escalate", "/help /invite", "/help nothing"):
        await stage.whisper(typed)
    await stage.settled()

    everything, escalate, invite, nothing = await stage.told_privately()
    assert everything.count("\n[b]/") == len(handlers.router.commands)
    assert escalate.startswith("[b]/escalate сделка 288[/b]")
    assert invite.startswith("[b]/invite @коллега[/b]")
    assert nothing.startswith("Команды «/nothing» у бота нет.")


@ON_SQLITE
@pytest.mark.parametrize(
    ("decided", "told"),
    [("", "The bot doesn't know"), ("ru", "«del» бот не знает"), ("en", "The bot doesn't know")],
)
async def test_whoever_has_said_nothing_reads_the_portals_language(
    empty_stage: Stage, decided: str, told: str
) -> None:
    await decide(empty_stage, default_language=decided)
    assert await empty_stage.install() == 200
    await empty_stage.faults(events={"language": "en"})

    assert (await empty_stage.say("/escalate del 288")).startswith(told)


@ON_SQLITE
async def test_a_language_may_be_written_with_its_country(stage: Stage) -> None:
    for language, words in (("RU", "команды"), ("ru_RU", "команды"), ("en-GB", "commands")):
        await stage.faults(events={"language": language})
        assert words in await stage.say("/help")


@ON_SQLITE
async def test_a_page_tells_the_language_of_who_opens_it(stage: Stage) -> None:
    await opened(stage, OLGA, language="en")

    assert (await stage.say("/escalate del 288")).startswith("The bot doesn't know")
    assert "теперь в этом чате" in await stage.say("/invite id12")

    await opened(stage, OLGA, language="ru")
    assert (await stage.say("/escalate del 288")).startswith("«del» бот не знает")
    await stage.whisper("/language en")
    await stage.settled()
    assert (await stage.say("/escalate del 288")).startswith("The bot doesn't know")


async def test_a_language_is_told_chosen_and_refused(stage: Stage) -> None:
    for typed in ("/language", "/language en", "/language", "/language klingon", "/language рус"):
        await stage.whisper(typed)
        await stage.settled()

    told = await stage.told_privately()
    assert told[0].startswith("[b]/language ru[/b] — язык")
    assert told[1] == "✅ The bot writes to you in English now."
    assert told[2].startswith("[b]/language en[/b] sets")
    assert told[3].startswith('The bot doesn\'t speak "klingon".')
    assert told[4] == "✅ Теперь бот пишет вам по-русски."


async def test_what_is_switched_off(empty_stage: Stage) -> None:
    stage = empty_stage
    await decide(stage, commands_off=("invite",), errors_in_chat=True)
    assert await stage.install() == 200

    reply = await stage.say("/invite @12")
    await stage.whisper("/help")
    await stage.settled()

    assert reply.startswith("Администратор отключил команду [b]/invite[/b].")
    assert (await stage.chat())["messages"][-1]["system"]
    assert "/invite[/b] @" not in (await stage.told_privately())[-1]
    assert not await stage.calls(ADD)


@ON_SQLITE
@pytest.mark.parametrize("ask", ["help", "?", "справка"])
async def test_every_command_explains_itself(stage: Stage, ask: str) -> None:
    for command in ("remove", "escalate", "group", "undo", "who", "why"):
        before = len(await stage.calls())

        reply = await stage.say(f"/{command} {ask}")

        assert reply.startswith(f"[b]/{command}"), command
        assert len(await stage.requests(since=before)) == 1, command


@ON_SQLITE
async def test_removing_the_operator_is_confirmed(stage: Stage) -> None:
    await stage.say("/invite @15 @12")

    reply = await stage.say("/remove me @12", user=OLGA)

    assert "[USER=7][/USER] — оператор диалога в чате [CHAT=" in reply
    assert "✅ [USER=12][/USER] больше не в этом чате." in reply
    assert OLGA in await stage.members()
    await stage.say("/remove id7 --yes", user=ANNA)
    assert OLGA not in await stage.members()


async def test_three_commands_are_run_in_their_order(stage: Stage) -> None:
    await stage.type("/invite @12\n/remove @12\n/invite @15")
    await stage.settled()

    done = [one for one in await stage.get("memberships") if one["chat_id"] == CHAT]
    assert [(one["user_id"], one["joined"]) for one in done] == [
        (IVAN, True),
        (IVAN, False),
        (ANNA, True),
    ]
    assert len(await stage.heard()) == 3


@ON_SQLITE
@pytest.mark.parametrize(
    ("typed", "chat", "words"),
    [
        ("/group @12 -- помощь", 60, "Приглашение в группу «Юристы» отправлено"),
        ('/group "юрис" @12', CHAT, "Приглашение в группу «Юристы» отправлено"),
        ("/group 15 me", CHAT, "Уже в группе «Юристы»: "),
        ("/group 15 @9999", CHAT, "Приглашение в группу «Юристы» не отправлено: [USER=9999]"),
        ("/group 15 @9999 @12 @3", CHAT, "Приглашение не отправлено: [USER=9999]"),
        ("/group @12", CHAT, "В какую группу?"),
        ("/group abc @12", CHAT, "«abc» — не номер группы. Пример: [b]/group 15 @Иван[/b]\n"),
        ("/group Юристы @12", CHAT, "Название пишется в кавычках: [b]/group «Юристы» @12[/b]"),
        ("/group 15", CHAT, "Кого пригласить?"),
        ('/group "Нет такой" @12', CHAT, "Группы «Нет такой» нет или она вам недоступна"),
        ("/group 15 @12 --dry", CHAT, "Будет сделано: приглашение в группу"),
    ],
)
async def test_group_says_what_came_of_it(stage: Stage, typed: str, chat: int, words: str) -> None:
    assert words in await stage.say(typed, chat=chat)


@ON_SQLITE
async def test_a_group_says_what_it_was_refused_for_and_gives_a_code(stage: Stage) -> None:
    error = {"status": 400, "code": "", "description": "Something New"}
    await stage.faults(method="sonet_group.user.invite", error=error)

    reply = await stage.say("/group 15 @12")

    assert reply.startswith("⚠️ Битрикс24 отказал: Something New. ")
    assert re.search(r"\n\[i\]код [0-9A-F]{4}\[/i\]$", reply)


@ON_SQLITE
@pytest.mark.parametrize(
    ("typed", "method"),
    [("/group 15 @12", INVITE), ("/undo", DELETE)],
)
async def test_every_change_is_refused_in_words_that_help(
    stage: Stage, typed: str, method: str
) -> None:
    await stage.say("/invite @12")
    error = {"status": 403, "code": "insufficient_scope", "description": "higher privileges"}
    await stage.faults(method=method, error=error)

    assert (await stage.say(typed)).startswith("⚠️ Приложению бота не выдано нужное право.")


@ON_SQLITE
@pytest.mark.parametrize(
    ("history", "typed", "words"),
    [
        ("self", "", "роль по умолчанию позволяет звать коллег из очереди линии. «Поддержка»: "
         "[USER=7]Ольга Смирнова[/USER], [USER=15]Анна Орлова[/USER]."),
        ("self", "/invite @12", "Вне очереди линии ваша роль позволяет позвать не каждого:"),
        ("none", "/invite @12", "Вне очереди линии ваша роль позволяет позвать не каждого:"),
        ("none", "/invite @12 @15", "Право «История диалогов — просмотр» вашей роли закрыто: "
         "недавно Битрикс24 отказал даже в коллеге из очереди линии."),
        ("any", "/invite @12", "Ваша роль недавно позволила позвать и коллегу не из очереди"),
        ("any", "/invite @12 @15", "Вашу роль в открытых линиях Битрикс24 боту не показывает"),
    ],
)  # fmt: skip
async def test_check_says_whom_the_role_can_bring_in(
    stage: Stage, history: str, typed: str, words: str
) -> None:
    await stage.faults(user={"id": OLGA, "history": history})
    if typed:
        await stage.say(typed)

    await stage.whisper("/check")
    await stage.settled()

    told = (await stage.told_privately())[-1]
    assert words in told
    assert ("вашей роли до «Любые» (Контакт-центр" in told) is ("недавно позволила" not in words)


@ON_SQLITE
@UNHURRIED
async def test_check_takes_what_was_let_in_or_refused_last(stage: Stage) -> None:
    for history, typed, words in (
        ("none", "/invite @15", "вашей роли закрыто"),
        ("self", "/invite @15", "роль по умолчанию позволяет"),
        ("self", "/invite @12", "позволяет позвать не каждого"),
        ("any", "/invite @12", "позволила позвать и коллегу не из очереди"),
        ("any", "/remove @15", "позволила позвать и коллегу не из очереди"),
        ("any", "/invite @15", "позволила позвать и коллегу не из очереди"),
        ("none", "/invite @41", "позволяет позвать не каждого"),
    ):
        await stage.faults(user={"id": OLGA, "history": history})
        await stage.say(typed)
        assert words in await stage.say("/check"), (history, typed)


@ON_SQLITE
async def test_check_mistakes_no_other_lines_queue_for_nobodys(stage: Stage) -> None:
    """Which line a chat was of is not noted: that a colleague of it came in tells nothing here."""
    stage.portal.state.lines[2] = Line(2, "Продажи", [IVAN])
    stage.portal.state.chats[8774].line_id = 2
    await stage.faults(user={"id": OLGA, "history": "self"})

    assert "✅" in await stage.say("/invite @12", chat=8774)
    assert "роль по умолчанию позволяет" in await stage.say("/check")
    assert "в очереди этой линии нет" in await stage.say("/invite @12")
    assert "роль по умолчанию позволяет" in await stage.say("/check")
    await stage.say("/invite @41")
    assert "позволяет позвать не каждого" in await stage.say("/check")


@ON_SQLITE
async def test_check_knows_administrators(stage: Stage) -> None:
    await stage.faults(user={"id": OLGA, "admin": True})
    await stage.faults(events={"language": "en"})

    await stage.whisper("/check")
    await stage.settled()

    [told] = await stage.told_privately()
    assert "You can bring in any colleague" in told


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "words"),
    [("ru", "★ — в очереди этой линии."), ("en", "★ – in this Open Channel's queue.")],
)
async def test_the_picker_shows_the_lines_queue_first(
    stage: Stage, language: str, words: str
) -> None:
    await stage.faults(line={"id": 1, "queue": [OLGA, 41]})
    await stage.faults(events={"language": language})

    assert words in await stage.say("/invite @Иван Петров")

    buttons = (await stage.get(f"dialogs/{OLGA}"))["messages"][-1]["keyboard"]
    assert [one["TEXT"][:13] for one in buttons] == ["★ Иван Петров", "Иван Петров –"]
