"""What the pages show of the bot's answers is what it answers."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from chats import Dialogue, as_seen, as_sent, dialogues
from pages import read
from stage import BOT, CHAT, FINISHED, OLGA, UNBOUND, Stage

PAGES = ("docs/operators.md", "docs/operators.ru.md")
SHOWN = [(read(name).language, one) for name in PAGES for one in dialogues(read(name))]


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Words are the same on every database."""
    shutil.copy(sqlite_template, tmp_path / "bot.db")
    return f"sqlite:///{tmp_path}/bot.db"


@pytest.mark.parametrize(("language", "shown"), SHOWN)
async def test_a_page_shows_what_the_bot_answers(
    stage: Stage, language: str, shown: Dialogue
) -> None:
    tokens = "none" if "not-connected" in shown.circumstances else "normal"
    await stage.faults(events={"language": language, "tokens": tokens})

    for line in shown.typed:
        before = await _told(stage)
        await stage.say(as_sent(line), chat=_chat(shown), hidden="seen" not in shown.circumstances)

    told = (await _told(stage))[len(before) :]
    assert "\n\n".join(as_seen(one, language) for one in told) == shown.answer


def _chat(shown: Dialogue) -> int:
    places = {"unbound": UNBOUND, "finished": FINISHED}
    return next((places[one] for one in shown.circumstances if one in places), CHAT)


async def _told(stage: Stage) -> list[dict[str, Any]]:
    """Everything that the bot has told Olga, wherever it did, the oldest first."""
    told = [*(await stage.chat())["messages"], *(await stage.get(f"dialogs/{OLGA}"))["messages"]]
    own = [one for one in told if one["author_id"] == BOT or "]Switchboard[" in one["text"]]
    return sorted(own, key=lambda one: one["id"])
