"""/invite, as operators type it."""

import pytest
from stage import (
    ADD,
    ANNA,
    ANSWER,
    BOT,
    CHAT,
    CUSTOMER,
    DINA,
    FINISHED,
    GROUP_CHAT,
    IVAN,
    LINK,
    OLGA,
    ON_SQLITE,
    SEND,
    UNBOUND,
    Stage,
)

INVITE_IVAN = "/invite [USER=12]Иван Петров[/USER]"


async def test_brings_a_colleague_in_as_the_requester(stage: Stage) -> None:
    reply = await stage.say(INVITE_IVAN)

    assert reply == "✅ [USER=12]Иван Петров[/USER] теперь в этом чате."
    assert IVAN in await stage.members()
    [call] = await stage.calls(ADD)
    assert (call["user_id"], call["auth"]) == (OLGA, "user")
    assert call["params"] == {
        "CRM_ENTITY_TYPE": "deal",
        "CRM_ENTITY": "288",
        "USER_ID": "12",
        "CHAT_ID": str(CHAT),
    }


@ON_SQLITE
async def test_answers_inside_the_chat_so_that_the_customer_sees_nothing(stage: Stage) -> None:
    await stage.say(INVITE_IVAN)

    answer = (await stage.chat())["messages"][-1]
    assert "теперь в этом чате" in answer["text"]
    assert answer["system"]
    assert not answer["to_customer"]
    [call] = await stage.calls(ANSWER)
    assert call["auth"] in ("bot", "app")


@ON_SQLITE
async def test_speaks_the_language_of_the_event(stage: Stage) -> None:
    await stage.faults(events={"language": "en"})

    assert await stage.say("/invite id12") == "✅ [USER=12][/USER] is now in this chat."


@ON_SQLITE
async def test_speaks_english_where_it_does_not_know_the_language(stage: Stage) -> None:
    await stage.faults(events={"language": "pl"})

    assert "is now in this chat" in await stage.say("/invite id12")


@ON_SQLITE
@pytest.mark.parametrize(
    "whom",
    [
        "[USER=12]Иван[/USER]",
        "[user=12]Иван[/user]",
        "[USER=12 REPLACE]Иван[/USER]",
        "[USER=12][/USER]",
        "[USER=12]Иван [юрист][/USER]",
        "id12",
        "ID12",
        "id:12",
        "user12",
        "#12",
        "@12",
        "  id12  ",
        "id12,",
        "id12 id12 [USER=12]Иван[/USER]",
        "\u200bid12\u00a0",
    ],
)
async def test_knows_a_person_by_mention_or_number(stage: Stage, whom: str) -> None:
    reply = await stage.say(f"/invite {whom}")

    assert "теперь в этом чате" in reply
    assert IVAN in await stage.members()
    assert len(await stage.calls(ADD)) == 1


@ON_SQLITE
@pytest.mark.parametrize("people", ["id12", "id12 id41 id15 id21 id3"])
async def test_costs_two_requests_however_many_people(stage: Stage, people: str) -> None:
    before = len(await stage.calls())

    await stage.say(f"/invite {people}")

    assert await stage.requests(since=before) == ["batch", ANSWER]


@ON_SQLITE
async def test_invites_several_at_once_and_says_who_was_here(stage: Stage) -> None:
    await stage.say("/invite id15")

    reply = await stage.say("/invite [USER=12]Иван Петров[/USER] [USER=15]Анна Орлова[/USER]")

    assert reply == (
        "✅ [USER=12]Иван Петров[/USER] теперь в этом чате. "
        "ℹ️ Уже в этом чате: [USER=15]Анна Орлова[/USER]."
    )


@ON_SQLITE
@pytest.mark.parametrize("older", [False, True])
async def test_says_privately_that_somebody_is_here_already(stage: Stage, older: bool) -> None:
    await stage.faults(older=older)
    await stage.say("/invite id15")
    in_chat = len((await stage.chat())["messages"])

    reply = await stage.say("/invite [USER=15]Анна[/USER]")

    assert reply == f"ℹ️ [USER=15]Анна[/USER] уже в чате {LINK} — делать ничего не нужно."
    assert reply in await stage.told_privately()
    assert len((await stage.chat())["messages"]) == in_chat + 1  # the command itself


@ON_SQLITE
async def test_one_bad_person_does_not_stop_the_others(stage: Stage) -> None:
    await stage.say("/invite [USER=12]Иван[/USER] [USER=33]Павел[/USER]")

    in_chat = (await stage.chat())["messages"][-1]["text"]
    assert "✅ [USER=12]Иван[/USER] теперь в этом чате. ⚠️ Не получилось: [USER=33]Павел" in in_chat
    assert IVAN in await stage.members()
    [private] = await stage.told_privately()
    assert private.startswith("🚫 [USER=33]Павел[/USER]: сотрудник уволен")


@ON_SQLITE
async def test_twenty_people_are_one_request_and_one_answer_of_ten_lines(stage: Stage) -> None:
    before = len(await stage.calls())
    people = " ".join(f"id{number}" for number in [12, 41, 15, 21, 3, *range(1001, 1016)])

    await stage.say(f"/invite {people}")

    requests = await stage.requests(since=before)
    assert requests.count("batch") <= 2
    answer = (await stage.chat())["messages"][-1]["text"].removeprefix(
        "[USER=456]Switchboard[/USER]\n "
    )
    assert len(answer.split("\n")) == 10
    assert answer.endswith("… и ещё 11: о них — в личном чате")
    private = "\n".join(await stage.told_privately())
    fates = f"{answer}\n{private}"
    assert [one for one in people.split() if f"[USER={one[2:]}]" not in fates] == []
    assert f"👥 Остальные по вашей команде, в чате {LINK}:" in private


@ON_SQLITE
async def test_more_than_twenty_people_are_refused(stage: Stage) -> None:
    people = " ".join(f"id{number}" for number in range(1, 22))

    reply = await stage.say(f"/invite {people}")

    assert reply == "21 человек за раз — много (предел 20). Лучше пригласить в группу."
    assert not await stage.calls(ADD)


@ON_SQLITE
async def test_asks_the_portal_where_the_event_does_not_tell_the_binding(stage: Stage) -> None:
    await stage.faults(events={"without": ["entityData1", "entityData2", "entityData3"]})

    assert "теперь в этом чате" in await stage.say("/invite id12")
    [looked] = await stage.calls("imopenlines.dialog.get")
    assert looked["user_id"] == OLGA


@ON_SQLITE
@pytest.mark.parametrize(
    ("bindings", "item"),
    [
        ("LEAD|5|COMPANY|7|CONTACT|91|DEAL|288", ("deal", "288")),
        ("LEAD|0|COMPANY|0|CONTACT|91|DEAL|0", ("contact", "91")),
    ],
)
async def test_takes_the_first_item_the_chat_is_bound_to(
    stage: Stage, bindings: str, item: tuple[str, str]
) -> None:
    await stage.faults(chat={"id": CHAT, "entity_data_2": bindings})

    await stage.say("/invite id12")

    [call] = await stage.calls(ADD)
    assert (call["params"]["CRM_ENTITY_TYPE"], call["params"]["CRM_ENTITY"]) == item


@ON_SQLITE
async def test_a_chat_that_is_not_bound_is_refused_without_a_call(stage: Stage) -> None:
    reply = await stage.say("/invite id12", chat=UNBOUND)

    assert reply.startswith("⚠️ Чат [CHAT=9001]Гость - Поддержка[/CHAT] пока не привязан к CRM")
    assert not await stage.calls(ADD)


@ON_SQLITE
async def test_works_only_with_a_customer(stage: Stage) -> None:
    reply = await stage.say("/invite id12", chat=GROUP_CHAT)

    assert reply.startswith("Команда работает в чате с клиентом")
    assert not await stage.calls(ADD)


@ON_SQLITE
async def test_a_finished_dialog_is_named_so(stage: Stage) -> None:
    reply = await stage.say("/invite id12", chat=FINISHED)

    assert reply.startswith("⚠️ Диалог завершён (сделка № 288)")


@ON_SQLITE
async def test_a_dialog_that_waits_is_not_called_finished(stage: Stage) -> None:
    await stage.faults(chat={"id": CHAT, "status": 0})

    assert "диалог не активен" in await stage.say("/invite id12")


@ON_SQLITE
async def test_what_is_not_understood_is_not_guessed(stage: Stage) -> None:
    for typed, words in (
        ("/invite", "Кого? Наберите @ и выберите коллегу: [b]/invite @Иван Петров[/b]"),
        ("/invite help", "[b]/invite @коллега[/b] — позвать коллегу"),
        ("/invite ?", "[b]/invite @коллега[/b] — позвать коллегу"),
        ("/invite справка", "[b]/invite @коллега[/b] — позвать коллегу"),
        ("/invite [USER=all]Все[/USER]", "«@все» здесь нельзя. Назовите людей поимённо."),
        ("/invite id12 что-то", "/invite id12 ▸ что-то"),
        ("/invite [USER=12]Иван[/USER] ??", "/invite @Иван ▸ ??"),
        ("/invite id0", "▸ id0"),
        ("/invite id99999999999", "▸ id99999999999"),
    ):
        before, told = len(await stage.calls()), await stage.told_privately()

        reply = await stage.say(typed)

        assert words in reply, typed
        assert await stage.told_privately() == [*told, reply], typed
        assert await stage.requests(since=before) == [SEND], typed


@ON_SQLITE
@pytest.mark.parametrize(
    ("number", "words"), [(CUSTOMER, "клиент чата [CHAT=8773]"), (BOT, "это бот, а не сотрудник")]
)
async def test_customers_and_bots_are_not_colleagues(stage: Stage, number: int, words: str) -> None:
    assert words in await stage.say(f"/invite id{number}")
    assert not await stage.calls(ADD)


@ON_SQLITE
@pytest.mark.parametrize("author", [CUSTOMER, DINA, BOT])
async def test_external_people_command_nothing(stage: Stage, author: int) -> None:
    await stage.post("faults", {"chat": {"id": CHAT, "silent": False}})
    before = len(await stage.calls())
    body = _event(stage, author)

    async with stage.session.post(f"{stage.settings.public_url}/bitrix24/events", data=body) as r:
        assert r.status == 200

    assert stage.stored() == 0
    assert len(await stage.calls()) == before
    assert await stage.heard() == []


def _event(stage: Stage, author: int) -> dict[str, str]:
    return {
        "event": "ONIMBOTV2COMMANDADD",
        "data[bot][id]": str(BOT),
        "data[command][id]": "1",
        "data[command][command]": "/invite",
        "data[command][params]": "id12",
        "data[command][context]": "textarea",
        "data[message][id]": "90311",
        "data[message][text]": "/invite id12",
        "data[chat][id]": str(CHAT),
        "data[chat][dialogId]": f"chat{CHAT}",
        "data[chat][entityType]": "LINES",
        "data[chat][entityData2]": "DEAL|288",
        "data[user][id]": str(author),
        "data[user][connector]": "1" if author == CUSTOMER else "0",
        "data[user][extranet]": "1" if author == DINA else "0",
        "data[user][bot]": "1" if author == BOT else "0",
        "data[language]": "ru",
        "auth[member_id]": stage.portal.state.settings.member_id,
        "auth[application_token]": stage.portal.state.settings.application_token,
        "auth[access_token]": "whatever",
        "auth[user_id]": str(author),
    }


@ON_SQLITE
async def test_a_name_with_markup_stays_text(stage: Stage) -> None:
    name = "[b]Жирный[/b] [url=https://evil.example]тут"

    await stage.say(f"/invite [USER=12]{name}[/USER]")

    said = (await stage.chat())["messages"][-1]["text"]
    assert "[\u2060url=https://evil.example]тут" in said
    assert "[url" not in said


async def test_every_line_of_a_message_is_a_command_of_its_own(stage: Stage) -> None:
    await stage.type("/invite id12\n/invite id15\n/invite id12")
    await stage.settled()

    assert [call["params"]["USER_ID"] for call in await stage.calls(ADD)] == ["12", "15"]
    assert len(await stage.heard()) == 2


async def test_the_same_delivery_runs_once(stage: Stage) -> None:
    await stage.faults(events={"copies": 3})

    await stage.say("/invite id12")

    assert len(await stage.calls(ADD)) == 1
    assert len(await stage.heard()) == 1


@ON_SQLITE
async def test_help_lists_the_commands(stage: Stage) -> None:
    await stage.whisper("/help")
    await stage.settled()

    [said] = await stage.told_privately()
    assert "[b]/invite[/b] @коллега — Позвать коллегу в этот чат" in said
    assert "[b]/help[/b]" in said


async def test_anna_is_another_requester(stage: Stage) -> None:
    await stage.say("/invite id15")

    await stage.say("/invite id12", user=ANNA)

    assert [call["user_id"] for call in await stage.calls(ADD)] == [OLGA, ANNA]


@ON_SQLITE
async def test_what_is_for_the_colleague_alone_is_not_said_in_the_chat(stage: Stage) -> None:
    closed = {"status": 403, "code": "ACCESS_DENIED", "description": ""}
    await stage.faults(method=SEND, error=closed, times=None)

    await stage.say("/invite id12 -- нужен юрист")

    said = [one["text"] for one in (await stage.chat())["messages"] if one["author_id"] != OLGA]
    assert [one for one in said if "нужен юрист" in one] == []
    assert stage.count("SELECT count(*) FROM inbox WHERE outcome = 'done'") == 1
