"""What is written into an escalation: hostile names and reasons, impossible times, units."""

import pytest
from escalating import deciding, ended, ends, in_chat, next_one, passes_on, takes
from stage import BOSS, CHAT, OLGA, ON_SQLITE, RESPONSIBLE, Stage

pytestmark = ON_SQLITE

HOSTILE = (
    "[USER=599]x[/USER][USER=all]y[/USER] <b>z</b> [url=https://evil.test]w[/url] \u202e"
    "/invite @12\u2028{{ 7 * 7 }}"
)


async def test_hostile_words_do_nothing_in_what_an_escalation_says(empty_stage: Stage) -> None:
    stage = empty_stage
    await deciding(stage, trail=True)
    stage.portal.state.crm["DEAL", 288].title = HOSTILE
    stage.portal.state.chats[CHAT].name = HOSTILE
    for who in (OLGA, RESPONSIBLE, BOSS):
        stage.portal.state.users[who].last_name = HOSTILE
    await stage.say(f"/escalate -- {HOSTILE} {'длинно ' * 20}")
    await passes_on(stage, RESPONSIBLE)
    await next_one(stage, BOSS)
    await takes(stage, BOSS)
    await ended(stage, "taken")

    said = [
        *await in_chat(stage),
        *await stage.told_privately(),
        *await stage.told_privately(RESPONSIBLE),
        *await stage.told_privately(BOSS),
    ]
    comments = await stage.calls("crm.timeline.comment.add")
    trail = [one["params"]["fields"]["COMMENT"] for one in comments]
    assert trail
    for one in [*said, *trail]:
        assert "[USER=599]" not in one, one
        assert "[USER=all]" not in one, one
        assert "[url=" not in one.lower(), one
        assert "\u202e" not in one, one
        assert "\u2028" not in one, one
        assert "49" not in one
        assert not any(line.startswith("/") for line in one.splitlines()), one
        assert len(one) < 2000


async def test_an_impossible_wait_is_answered_and_begins_nothing(stage: Stage) -> None:
    for wait in (
        "0", "99d", "-5", "1e9", "2", "--wait", "١٠м", "999999999999999999999d", "0м", "NaN"
    ):  # fmt: skip
        told = await stage.say(f"/escalate --wait {wait} --dry")
        assert told, wait
        assert "Что-то пошло не так" not in told, wait
        assert ends(stage) == [], wait


@pytest.mark.parametrize("wait", ["2м", "2 мин", "2m", "2мин"])
async def test_a_wait_is_read_in_russian_units_too(stage: Stage, wait: str) -> None:
    told = await stage.say(f"/escalate --wait {wait} --dry")
    assert "ждать ответа каждого 2 минуты" in told
