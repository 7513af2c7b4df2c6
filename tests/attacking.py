"""What an employee can post in a colleague's name, and what came of it.

The attacker is Anna: she has the app's page open, and with it the portal's application token, her
own tokens and the numbers of chats, messages and commands. What she lacks is what the portal
makes for the bot alone.
"""

from itertools import count
from typing import Any

from sqlalchemy import text
from stage import ANNA, BOT, CHAT, OLGA, SEND, Stage

_messages = count(50_000)

TYPED = "/invite id12"

Fields = dict[str, str]


def forged(stage: Stage, words: str, *, user: int, **changed: str | None) -> Fields:
    """Give the event by which somebody seems to have typed a line; None leaves a field out.

    ``data__user__id`` is ``data[user][id]``.
    """
    state = stage.portal.state
    name, _, params = words.removeprefix("/").partition(" ")
    numbers = {one.name: one.id for one in state.commands.values()}
    fields: dict[str, str | None] = {
        "event": "ONIMBOTV2COMMANDADD",
        "data[bot][id]": str(BOT),
        "data[command][id]": str(numbers.get(name, 1)),
        "data[command][command]": f"/{name}",
        "data[command][params]": params,
        "data[command][context]": "textarea",
        "data[message][id]": str(next(_messages)),
        "data[message][chatId]": str(CHAT),
        "data[message][authorId]": str(user),
        "data[message][text]": words,
        "data[message][params][COMPONENT_ID]": "HiddenMessage",
        "data[chat][id]": str(CHAT),
        "data[chat][dialogId]": f"chat{CHAT}",
        "data[chat][entityType]": "LINES",
        "data[chat][entityId]": "livechat|1|2302|599",
        "data[chat][entityData2]": "LEAD|0|COMPANY|0|CONTACT|91|DEAL|288",
        "data[user][id]": str(user),
        "data[user][name]": "Кто-то",
        "data[language]": "ru",
        "auth[member_id]": state.settings.member_id,
        "auth[application_token]": state.app.application_token,
        "auth[client_endpoint]": f"{stage.portal.url}/rest/",
        **{_field(key): value for key, value in changed.items()},
    }
    return {key: value for key, value in fields.items() if value is not None}


def _field(key: str) -> str:
    head, *rest = key.split("__")
    return head + "".join(f"[{part}]" for part in rest)


def own(stage: Stage, owner: int = ANNA, said: int | None = None) -> Fields:
    """Give the tokens of somebody at the top of an event, said to be theirs or another's."""
    pair = stage.portal.state.tokens.issue(owner, "user")
    told = {"access_token": pair.access, "refresh_token": pair.refresh, "user_id": said or owner}
    return {f"auth[{name}]": str(value) for name, value in told.items()}


def garbage(said: int) -> Fields:
    """Give tokens at the top of an event that nobody has issued."""
    told = {"access_token": "a" * 70, "refresh_token": "b" * 70, "user_id": said}
    return {f"auth[{name}]": str(value) for name, value in told.items()}


def as_bots(tokens: Fields) -> Fields:
    """Give tokens of the top as if they were the bot's own."""
    told = {key.replace("auth[", "data[bot][auth]["): value for key, value in tokens.items()}
    return {**told, "data[bot][auth][user_id]": str(BOT)}


async def post(stage: Stage, fields: Fields, expected: int = 200) -> None:
    """Post an event, and wait until everything is over that it began."""
    await put(stage, fields, expected)
    await stage.settled(20)


async def put(stage: Stage, fields: Fields, expected: int = 200) -> None:
    url = f"{stage.settings.public_url}/bitrix24/events"
    async with stage.session.post(url, data=fields) as response:
        assert response.status == expected, await response.text()


class Watch:
    """What a portal and a bot looked like before an attack."""

    def __init__(self, stage: Stage, calls: int, seen: dict[str, Any]) -> None:
        self._stage = stage
        self._calls = calls
        self._seen = seen

    @classmethod
    async def over(cls, stage: Stage) -> "Watch":
        return cls(stage, len(await stage.calls()), await _seen(stage))

    async def calls(self) -> list[dict[str, Any]]:
        """The REST calls since then."""
        return (await self._stage.calls())[self._calls :]

    async def requests(self) -> list[str]:
        """The HTTP requests since then."""
        return await self._stage.requests(self._calls)

    async def nothing_done(self, *victims: int) -> None:
        """Nothing on the portal is different, and nobody's token was used for it but Anna's."""
        now = await _seen(self._stage)
        assert now == self._seen, [
            (key, now[key], self._seen[key]) for key in now if now[key] != self._seen[key]
        ]
        # Whether somebody is one of the staff is asked as who has installed the app.
        harmless = (SEND, "im.user.get")
        by = {call["user_id"] for call in await self.calls() if call["method"] not in harmless}
        assert not by & set(victims), by


async def _seen(stage: Stage) -> dict[str, Any]:
    chats = stage.portal.state.chats.values()
    return {
        "members": {one.id: sorted(one.members) for one in chats if one.kind != "private"},
        "messages": {
            one.id: [said.id for said in one.messages] for one in chats if one.kind != "private"
        },
        "invitations": await stage.get("invitations"),
        "notifications": await stage.get("notifications"),
        "journal": rows(stage, "SELECT command_id, step, requester_id FROM journal ORDER BY 1, 2"),
        # Her own pair, proven, may well be kept: it acts for her alone.
        "vault": [row for row in vault(stage) if row[0] != ANNA],
    }


def vault(stage: Stage) -> list[Any]:
    """Whose pairs are kept, and which: the rows as they are."""
    return rows(stage, "SELECT user_id, access_token FROM tokens ORDER BY 1")


def rows(stage: Stage, question: str, **values: Any) -> list[Any]:
    with stage.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(question), values)]


def change(stage: Stage, statement: str, **values: Any) -> None:
    with stage.engine.begin() as connection:
        connection.execute(text(statement), values)


def payload(stage: Stage, label: str, of: int | None = None) -> str:
    """What a button carries: of the chat, where every member can read it, or of somebody's talk."""
    state = stage.portal.state
    chat = state.chats[CHAT] if of is None else state.private_chat(BOT, of)
    assert chat
    buttons = [one for message in chat.messages for one in message.keyboard or []]
    return next(str(one["COMMAND_PARAMS"]) for one in reversed(buttons) if one.get("TEXT") == label)


def pressed(stage: Stage, carried: str, *, user: int = OLGA, **changed: str | None) -> Fields:
    """Give the event by which somebody seems to have pressed a button."""
    about = {"data__command__context": "keyboard", "data__message__authorId": str(BOT), **changed}
    return forged(stage, f"/press {carried}", user=user, **about)


def consent_of(page: str) -> str:
    """What the page's form would send; empty where it asks nothing."""
    return page.partition('name="consent" value="')[2].partition('"')[0]


async def consented(stage: Stage, consent: str) -> int:
    url = f"{stage.settings.public_url}/bitrix24/connect"
    async with stage.session.post(url, data={"consent": consent}) as response:
        return response.status
