"""A portal where few come in by the item, and what was done there by it or by the chat itself."""

import pytest
from acting import DELETE
from app_page import opened, posted
from stage import ADD, OLGA, Stage

import handlers

# What a module takes whole.
__all__ = ["stage"]

CHAT_ADD, CHAT_DELETE = "im.chat.user.add", "im.chat.user.delete"
BY_CHAT = {"ru": "Добавить через чат", "en": "Add through the chat"}
INVITE_IVAN, IVAN_NAMED = "/invite [USER=12]Иван[/USER]", "[USER=12]Иван[/USER]"


@pytest.fixture
async def stage(stage: Stage) -> Stage:
    """A portal with untouched roles: Olga too looks at nothing but the queue, 7 and 15."""
    await stage.faults(user={"id": OLGA, "history": "self"})
    return stage


async def decide(stage: Stage, decision: str) -> None:
    """Let the administrator decide on the app's page whether people come in by the chat."""
    _, page = await opened(stage, 1)
    page = await posted(stage, page, view="settings")
    on = {f"on[{name}]": "1" for name in handlers.router.commands}
    await posted(stage, page, view="save", by_chat=decision, **on, **{"role[0]": "responsible"})


async def done(stage: Stage, *methods: str) -> list[tuple[str, int, str]]:
    """Give the changing calls that worked, whose they were, and about whom."""
    calls = await stage.calls(*(methods or (ADD, DELETE, CHAT_ADD, CHAT_DELETE)))
    assert all(one["auth"] == "user" for one in calls)
    return [
        (one["method"], one["user_id"], one["params"].get("USER_ID") or one["params"]["USERS"][0])
        for one in calls
        if one["error"] is None
    ]
