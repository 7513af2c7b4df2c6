"""A command that is typed, and whom it brings in."""

import pytest
from acting import added, changes
from stage import CHAT, Stage

A = "[USER=15]Анна Орлова[/USER]"

BOTH = pytest.mark.parametrize("language", ["ru", "en"])


async def brings(stage: Stage, typed: str, *people: int) -> None:
    """Type a command that brings in these people and nobody else; then they leave."""
    before = len(await changes(stage))
    reply = await stage.say(typed)
    assert "✅" in reply, f"{typed!r}: {reply}"
    assert (await changes(stage))[before:] == [added(one) for one in people], typed
    for one in people:
        leave(stage, one)


def leave(stage: Stage, person: int) -> None:
    stage.portal.state.chats[CHAT].members.remove(person)
