"""Buttons pressed by their words, and the changes that a scene has asked the portal for."""

from typing import Any

from stage import ADD, CHAT, OLGA, Stage

DELETE = "imopenlines.crm.chat.user.delete"
INVITE = "sonet_group.user.invite"
CHANGING = (
    ADD,
    DELETE,
    INVITE,
    "imopenlines.crm.lead.create",
    "imopenlines.session.start",
    "imopenlines.session.mode.silent",
    "im.message.delete",
    "im.notify.personal.add",
)
IVAN_NAMED = "[USER=12]Иван Петров[/USER]"


async def changes(stage: Stage) -> list[tuple[str, dict[str, Any]]]:
    """Give what was asked to change, having seen that a user's own token asked for it."""
    calls = await stage.calls(*CHANGING)
    assert all(call["auth"] == "user" for call in calls)
    return [(call["method"], call["params"]) for call in calls]


async def hide_addresses(stage: Stage) -> None:
    """Have the app not see e-mail addresses."""
    scopes = stage.portal.state.app.scopes
    await stage.faults(scopes=[*(one for one in scopes if "user" not in one), "user_brief"])


async def said(stage: Stage, words: str, user: int = OLGA) -> str:
    """Wait until somebody is told something with these words."""
    found: list[str] = []

    async def is_said() -> bool:
        found[:] = [one for one in await stage.told_privately(user) if words in one]
        return bool(found)

    await stage.until(is_said)
    return found[-1]


async def keyboard(stage: Stage, user: int = OLGA) -> tuple[int, list[dict[str, Any]]]:
    """Give the last message of the bot's with buttons that somebody has privately."""
    messages = (await stage.get(f"dialogs/{user}"))["messages"]
    return next((one["id"], one["keyboard"]) for one in reversed(messages) if one["keyboard"])


async def press(stage: Stage, label: str, *, user: int = OLGA, of: int = 0, chat: int = 0) -> str:
    """Press a button by its words, and give what the bot said to that."""
    if chat:
        messages = (await stage.chat(chat))["messages"]
        number, buttons = next(
            (one["id"], one["keyboard"]) for one in reversed(messages) if one["keyboard"]
        )
    else:
        number, buttons = await keyboard(stage, of or user)
    index = [button["TEXT"] for button in buttons].index(label)
    return await press_at(stage, number, index, user)


async def press_at(stage: Stage, message: int, button: int, user: int) -> str:
    """Press a button of any message by its place, and give what the bot said to that."""
    before = await stage.heard(user)
    body = {"message_id": message, "button": button, "user_id": user}
    assert (await stage.post("presses", body))["fired"]
    await stage.settled()
    return "\n".join((await stage.heard(user))[len(before) :])


def added(person: int, chat: int | None = CHAT, item: int = 288, type_: str = "deal") -> Any:
    """Name the change by which somebody comes into a chat, as `changes` gives it."""
    params = {"CRM_ENTITY_TYPE": type_, "CRM_ENTITY": str(item), "USER_ID": str(person)}
    return (ADD, params | ({"CHAT_ID": str(chat)} if chat else {}))
