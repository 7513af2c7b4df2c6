"""/invite, as operators type it."""

from stage import ADD, ANNA, ANSWER, CHAT, IVAN, OLGA, Stage


async def test_brings_a_colleague_in_as_the_requester(stage: Stage) -> None:
    reply = await stage.say("/invite [USER=12]Иван Петров[/USER]")

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
