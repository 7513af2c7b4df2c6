"""What others wrote stays text, wherever the bot repeats it: shown as the portal shows it."""

import re
from collections.abc import Iterator

import pytest
from stage import ADD, ANNA, BOSS, BOT, IVAN, ON_SQLITE, RESPONSIBLE, Stage

from sandbox.markup import decoded

pytestmark = ON_SQLITE

WORDS = "[url=http://x]a[/url][send=/remove id12]Да[/send]"
EVIL = f"{WORDS} &#91;b]&lbrack;s]&amp;#91;u] R&D"
# A code that no template of the bot writes.
FOREIGN = re.compile(r"\[/?(?:url|send|u|s|put|code)\b", re.IGNORECASE)


@pytest.fixture
def evil_stage(stage: Stage) -> Stage:
    """Name a deal, colleagues and a group as nobody should."""
    state = stage.portal.state
    state.crm["DEAL", 288].title = EVIL
    state.users[IVAN].work_position = EVIL
    state.users[RESPONSIBLE].last_name = EVIL
    state.groups[15].name = EVIL
    return stage


async def provoke(stage: Stage) -> None:
    """Have the bot repeat all of it: to the chat, privately, on buttons and in notices."""
    await stage.say(f"/invite id{ANNA} -- {WORDS} &#91;b]&amp;#91;u]")
    await stage.say("/who")
    await stage.say(f"/group 15 id{ANNA} -- {WORDS} &#91;b]&amp;#91;u]")
    await stage.say("/invite @Иван Петров")
    await stage.say(f"/invite [USER={IVAN}]{EVIL}[/USER]")
    await stage.say("/escalate --dry")
    refused = {"status": 400, "code": "NEW_CODE", "description": EVIL}
    await stage.faults(method=ADD, error=refused)
    await stage.say(f"/invite id{BOSS}")
    await stage.settled()


def said(stage: Stage) -> Iterator[str]:
    """Give everything that others were told through the bot."""
    state = stage.portal.state
    for message in state.messages.values():
        if message.author_id == BOT or "Switchboard" in message.text:
            yield message.text
            yield from (one["TEXT"] for one in message.keyboard or [] if "TEXT" in one)
    journal = state.journal
    yield from (str(one["message"]) for one in (*journal.invitations, *journal.notifications))


async def test_what_others_wrote_is_no_markup(evil_stage: Stage) -> None:
    await provoke(evil_stage)

    told = list(said(evil_stage))
    repeated = [one for one in told if WORDS in one.replace("\u2060", "")]
    # The reason and its invitation, the title, the group, the position, the name, the error.
    assert len(repeated) >= 7
    assert [one for one in told if FOREIGN.search(decoded(decoded(one)))] == []
    assert all(one == decoded(one) for one in told)
    assert any("&#91;b]&lbrack;s]&amp;#91;u] R&D" in one.replace("\u2060", "") for one in repeated)
