"""What an operator types in a hurry, on a phone: it is understood, or one press away."""

from acting import DELETE, added, changes, keyboard, press
from stage import ADD, ANNA, CHAT, IVAN, OLGA, ON_SQLITE, RESPONSIBLE, Stage
from typed import BOTH, A, brings, leave

pytestmark = ON_SQLITE

RUN = {"ru": "Выполнить", "en": "Run it"}


async def offered(
    stage: Stage, typed: str, language: str = "ru", *, privately: bool = False
) -> str:
    """Type what is to change nothing yet, and give the command that the bot offers to run."""
    before = len(await changes(stage))
    told = await said(stage, typed, language, privately=privately)
    assert len(await changes(stage)) == before, typed
    assert RUN[language] in await labels(stage), told
    return told.rpartition("[b]/")[2].partition("[/b]")[0]


async def said(stage: Stage, typed: str, language: str, *, privately: bool) -> str:
    await stage.faults(events={"language": language})
    if not privately:
        return await stage.say(typed)
    before = len(await stage.told_privately())
    await stage.whisper(typed)
    await stage.settled()
    return "\n".join((await stage.told_privately())[before:])


async def labels(stage: Stage) -> list[str]:
    return [one["TEXT"] for one in (await keyboard(stage))[1]]


async def test_what_says_nothing_changes_nothing(stage: Stage) -> None:
    for typed in (
        f"пожалуйста {A}", f"{A} please", f"{A}, пожалуйста!", "@Анна пожалуйста", "@Анна, плиз",
        f"коллегу {A}", "user @Анна", f"the colleague {A}", f"{A} в этот чат", "@Анна to this chat",
        f"deal_288 {A}", f"deal=288 {A}", f"сделка/288 {A}", f"{A} --да", "сотрудник 15",
        "employee 15", "айди 15", "id1️⃣5️⃣", f"👋 {A}", f"{A}🙏🏽", f"{A} ❤️", "@Анна 🔥", "id15👍",
    ):  # fmt: skip
        await brings(stage, f"/invite {typed}", ANNA)


async def test_a_command_that_is_offered_is_one_that_can_be_run(stage: Stage) -> None:
    """Whatever else is missing in it is mended in the same offer."""
    for typed, meant in (
        (f"{A} 2 часа", "@Анна Орлова --на 2 часа"),
        (f"{A} 2h", "@Анна Орлова --for 2h"),
        (f"{A} полчаса", "@Анна Орлова --на полчаса"),
        (f"{A} на 2 часа нужен юрист", "@Анна Орлова --на 2 часа -- нужен юрист"),
        (f"{A} for 2h - urgent", "@Анна Орлова --for 2h -- urgent"),
        (f"{A} --during 2h", "@Анна Орлова --for 2h"),
        (f"{A} - 30 минут", "@Анна Орлова --на 30 минут"),
        (f"{A} — 30 минут", "@Анна Орлова --на 30 минут"),
        (f"{A} --2h", "@Анна Орлова --for 2h"),
        ("@Анна -- 2h", "@Анна --for 2h"),
        (f"{A} --duration=2h", "@Анна Орлова --for 2h"),
        (f"{A} срочно!", "@Анна Орлова -- срочно!"),
        (f"{A} -нужна помощь", "@Анна Орлова -- нужна помощь"),
        ("Анну срочно", "@Анну -- срочно"),
        (f"срочно! {A}", "@Анна Орлова -- срочно"),
        (f"{A} 🔥 срочно", "@Анна Орлова 🔥 -- срочно"),
        (f"сделкa 288 {A}", "сделка 288 @Анна Орлова"),
        (f"дeal 288 {A}", "deal 288 @Анна Орлова"),
        (f"{A} --fоr 2h", "@Анна Орлова --for 2h"),
        (f"{A} --for 2 чaсa", "@Анна Орлова --for 2 часа"),
        ("12", "id12"),
        ("id12, 15 и 3", "id12, id15 и id3"),
    ):
        assert await offered(stage, f"/invite {typed}") == f"invite {meant}", typed


async def test_who_is_named_only_to_be_left_out_is_not_brought_in(stage: Stage) -> None:
    """A word between two names is a part of neither."""
    for word in (
        "не", "НЕ", "но не", "кроме", "или", "вместо", "без", "на",
        "not", "but not", "except", "or", "instead of", "for",
    ):  # fmt: skip
        for command in ("invite", "remove", "escalate", "group 15"):
            await stage.say(f"/{command} @Анна {word} @Роман")
            assert not await changes(stage), f"{command} {word}"
        assert "▸" in await stage.say(f"/invite @Анна {word} @Роман"), word


@BOTH
async def test_what_is_not_to_be_done_now_is_not_done(stage: Stage, language: str) -> None:
    """Neither at once, nor for that long instead, nor with that for a reason."""
    words = {"ru": "«{}» не подходит. Можно от 5 минут", "en": '"{}" does not fit. From 5 minutes'}
    for when in ("через 5 минут", "через час", "in 5 minutes", "in an hour", "by 6pm", "на 30"):
        told = await said(stage, f"/invite @Анна {when}", language, privately=False)
        assert words[language].format(when.removeprefix("на ")) in told
    for typed in (
        f"remove {A} через час", f"remove {A} не надо", f"invite {A} не надо",
        f"escalate {A} не отвечает", f"group 15 {A} не нужно",
    ):  # fmt: skip
        assert "▸" in await said(stage, f"/{typed}", language, privately=False), typed
    assert not await changes(stage)


async def test_one_then_the_other(stage: Stage) -> None:
    for word in ("а также", "и ещё", "плюс", "then", "and then", "also"):
        await brings(stage, f"/invite @Анна {word} @Роман", ANNA, RESPONSIBLE)
    assert "[USER=15]Анна Орлова[/USER] теперь" in await stage.say("/escalate @Анна, потом @Роман")


async def test_words_behind_a_name_are_no_part_of_it(stage: Stage) -> None:
    for typed, meant in (
        ("@Анна нужен юрист по договору", "@Анна -- нужен юрист по договору"),
        ("@Анна Орлова клиент злится", "@Анна Орлова -- клиент злится"),
        ("@Anna because the customer is angry", "@Anna -- because the customer is angry"),
        ("@анна и роман", "@анна и @роман"),
        (f"{A} и роман", "@Анна Орлова и @роман"),
        ("the head", "@head"),
    ):
        assert await offered(stage, f"/invite {typed}") == f"invite {meant}"
    roman = stage.portal.state.users[RESPONSIBLE]
    for roman.last_name, typed in (
        ("ван Дейк", "Роман ван Дейк"),
        ("Мамед оглы", "Роман Мамед оглы"),
        ("Соколов", "Роман соколов"),
        ("Соколов", "роман соколов"),
    ):
        await brings(stage, f"/invite @{typed}", RESPONSIBLE)


async def test_a_letter_or_two_are_nobodys_name(stage: Stage) -> None:
    """Only one colleague's name begins so: another one may come tomorrow."""
    for typed in ("@Р", "@Ро", "@Р.С."):
        assert "Может быть, Роман Соколов?" in await stage.say(f"/invite {typed}")
        assert not await changes(stage)
    stage.portal.state.users[RESPONSIBLE].name = "Ян"
    for typed in ("@Ян", "@Ян Соколов", "@Я. Соколов", "@Сок"):
        await brings(stage, f"/invite {typed}", RESPONSIBLE)


async def test_a_reason_may_be_called_one(stage: Stage) -> None:
    for typed in ("--reason срочно", "--reason=срочно", "—причина: срочно", "--comment срочно"):
        await brings(stage, f"/invite {A} {typed}", ANNA)
        assert "Причина: срочно" in (await stage.told_privately(ANNA))[-1]
    for typed in ("--dry-run", "--dryrun"):
        assert "Пока ничего не изменилось" in await stage.say(f"/invite {A} {typed}")


async def test_what_would_be_done_is_told_with_how_long(stage: Stage) -> None:
    words = "→ чат (сделка № 288) на 2 часа. Пока ничего не изменилось."
    assert words in await stage.say(f"/invite {A} --на 2 часа --пробно")


async def test_nothing_is_offered_that_cannot_be_run(stage: Stage) -> None:
    for typed in (f"{A} --force", f"{A} -y", f"{A} --fot", "сдлека @Анна"):
        assert "Может быть" not in await stage.say(f"/invite {typed}"), typed


async def test_half_of_a_unit_more(stage: Stage) -> None:
    for typed, words in (
        ("час с половиной", "1 час 30 минут"),
        ("an hour and a half", "1 час 30 минут"),
        ("2 с половиной часа", "2 часа 30 минут"),
        ("two and a half hours", "2 часа 30 минут"),
        ("½ часа", "30 минут"),
        ("2️⃣ часа", "2 часа"),
    ):
        assert f"на {words}. " in await stage.say(f"/invite {A} --for {typed}")
        leave(stage, ANNA)


async def test_a_record_named_among_words_is_no_part_of_the_reason(stage: Stage) -> None:
    """The reason of an escalation in this chat is not to name another customer's deal."""
    for typed, meant in (
        ("клиент уходит, сделка 301", "сделка 301 -- клиент уходит"),
        ("срочно сделка 301", "сделка 301 -- срочно"),
        ("Нужна помощь по сделке 301", "по сделке 301 -- Нужна помощь"),
        ("помогите: сделка 301, клиент ждёт", "сделка 301 -- помогите: клиент ждёт"),
        ("клиент уходит, чат 8774", "чат 8774 -- клиент уходит"),
    ):
        assert await offered(stage, f"/escalate {typed}") == f"escalate {meant}"
    meant = "invite @Анна Орлова сделка 301 -- нужен юрист"
    assert await offered(stage, f"/invite {A} нужен юрист, сделка 301") == meant


async def test_a_picture_that_says_no_is_asked_about(stage: Stage) -> None:
    for typed in (f"❌ {A}", f"🚫{A}", f"{A} 👎", "@Анна ➖ @Роман"):
        assert "▸" in await stage.say(f"/invite {typed}"), typed
    assert not await changes(stage)


async def test_a_reason_is_told_as_people_see_it(stage: Stage) -> None:
    await stage.say("/invite @Роман -- срочно, [USER=12]Иван Петров[/USER] занят 🔥")

    assert (await stage.told_privately(RESPONSIBLE))[-1].endswith(
        "Причина: срочно, @Иван Петров занят 🔥"
    )


async def test_whom_an_escalation_goes_to(stage: Stage) -> None:
    for typed, meant in (
        ("руководителю", "@руководителю"),
        ("на руководителя", "@руководителя"),
        ("deal 288 to the head", "deal 288 @head"),
        ("сделку 288 на Анну", "сделку 288 @Анну"),
        ("to Anna", "@Anna"),
    ):
        assert await offered(stage, f"/escalate {typed}") == f"escalate {meant}"
    assert "Борис Волков[/USER] теперь" in await stage.say("/escalate to @head")
    assert "Анна Орлова[/USER] теперь" in await stage.say(f"/escalate на {A} сделка 288")


@BOTH
async def test_whose_name_is_alike_is_one_press_away(stage: Stage, language: str) -> None:
    await stage.faults(events={"language": language})
    words = {"ru": "Может быть, Анна Орлова?", "en": "Did you mean Анна Орлова?"}[language]
    assert words in await stage.say("/invite @Анну Орлову --for 2h")
    assert not await stage.calls(ADD)
    assert await labels(stage) == ["Анна Орлова – Оператор, Отдел поддержки"]

    reply = await press(stage, "Анна Орлова – Оператор, Отдел поддержки")

    assert {"ru": "на 2 часа", "en": "for 2 hours"}[language] in reply
    assert await changes(stage) == [added(ANNA)]


async def test_whoever_is_alike_can_all_be_chosen(stage: Stage) -> None:
    await stage.say("/invite @Ивана Петрова, @Романа")
    ivan, driver, roman = await labels(stage)
    assert (ivan, driver) == ("Иван Петров – Юрист, Право", "Иван Петров – Водитель, Логистика")

    await press(stage, ivan)
    await press(stage, roman)

    assert await changes(stage) == [added(IVAN), added(RESPONSIBLE)]


async def test_a_misspelt_role_is_one_press_away(stage: Stage) -> None:
    await stage.say("/invite @ответственый")

    await press(stage, "@ответственный")

    assert await changes(stage) == [added(RESPONSIBLE)]


@BOTH
async def test_words_to_the_bot_alone_are_no_command(stage: Stage, language: str) -> None:
    words = {"ru": "Бот понимает только команды.", "en": "The bot understands commands only."}
    for typed in ("all good", "why is that", "кто ты", "Почему не работает", "group chat"):
        told = await said(stage, typed, language, privately=True)
        assert told.startswith(words[language]), typed
    for typed, meant in (
        ("Пригласи Анну в сделку 288", "invite @Анну в сделку 288"),
        ("invte Anna", "invite @Anna"),
        ("HELP!", "help"),
    ):
        assert await offered(stage, typed, language, privately=True) == meant


@BOTH
async def test_another_chat_of_the_same_record_is_told_from_this_one(
    stage: Stage, language: str
) -> None:
    words = {
        "ru": "не тот, что указан в команде: [CHAT=8774]чат № 8774[/CHAT]. Какой чат нужен?",
        "en": "is not the one that the command names: [CHAT=8774]chat 8774[/CHAT]. Whose chat",
    }[language]
    assert words in await said(stage, f"/invite сделка 288 чат 8774 {A}", language, privately=False)

    await press(stage, {"ru": "сделка № 288 (этот чат)", "en": "deal 288 (this chat)"}[language])

    assert await changes(stage) == [added(ANNA)]


@BOTH
async def test_a_chat_that_is_no_customers_is_named(stage: Stage, language: str) -> None:
    for chat in (55, 99999):
        words = {
            "ru": f"⛔ Чат № {chat} — не чат с клиентом (открытая линия), или он вам недоступен.",
            "en": f"⛔ Chat {chat} is not a customer's Open Channel chat, or you may not see it.",
        }[language]
        for command in ("invite", "remove", "escalate"):
            typed = f"/{command} {A} --chat {chat}"
            assert words in await said(stage, typed, language, privately=False)


async def test_help_of_everything_is_the_list(stage: Stage) -> None:
    for typed in ("/help all", "/help все"):
        assert "[b]/undo[/b]" in await said(stage, typed, "ru", privately=True)
    for typed in ("/invite -h", "/invite /?", "/invite /"):
        assert "[b]/invite @коллега[/b]" in await stage.say(typed)


async def test_a_group_without_quotation_marks_is_one_press_away(stage: Stage) -> None:
    for typed in ("Юристы", "группа Юристы", "в Юристы", "юристы:"):
        assert (await offered(stage, f"/group {typed} {A}")).endswith("ристы» @Анна Орлова")

    assert "✅ Приглашение в группу «Юристы»" in await press(stage, "Выполнить")


async def test_nobody_is_taken_out_for_a_while(stage: Stage) -> None:
    stage.portal.state.chats[CHAT].members.append(ANNA)

    reply = await stage.say(f"/remove {A} на 2 часа")

    assert "▸ на 2 часа" in reply
    assert not await stage.calls(DELETE)
    assert OLGA in await stage.members()
