"""Customers, guests and people who have left: no escalation calls them, and they call nobody."""

import pytest
from escalating import called, deciding, ends, in_chat, time_passes
from stage import ANNA, CHAT, CUSTOMER, DINA, IVAN, OLGA, ON_SQLITE, RESPONSIBLE, Stage

pytestmark = ON_SQLITE


@pytest.mark.parametrize("change", [{"active": False}, {"kind": "extranet"}])
async def test_a_requester_who_has_become_a_stranger_calls_nobody(
    stage: Stage, change: dict[str, object]
) -> None:
    await stage.say("/escalate")
    user = stage.portal.state.users[OLGA]
    for name, value in change.items():
        setattr(user, name, value)
    await time_passes(stage, 301)

    async def looked() -> bool:
        late = "SELECT count(*) FROM inbox WHERE event LIKE '%advance%' AND done_at IS NULL"
        some = "SELECT count(*) FROM inbox WHERE event LIKE '%advance%'"
        return bool(stage.count(some)) and not (stage.count(late) and stage.waiting())

    await stage.until(looked)
    await stage.settled()
    assert await called(stage) == [RESPONSIBLE]


@pytest.mark.parametrize("who", [CUSTOMER, DINA])
@pytest.mark.parametrize("setting", ["never", "always"])
async def test_no_card_reaches_the_customer_or_a_stranger(
    empty_stage: Stage, who: int, setting: str
) -> None:
    stage = empty_stage
    await deciding(stage, by_chat=setting)
    stage.portal.state.chats[CHAT].members.append(DINA)

    await stage.say(f"/escalate id{who} -- тайна")

    assert not await stage.told_privately(who)
    assert ends(stage) == []
    await in_chat(stage)
    if who == DINA:
        assert "не сотрудник портала" in (await stage.heard())[-1]


async def test_of_those_on_duty_only_colleagues_are_called(empty_stage: Stage) -> None:
    stage = empty_stage
    stage.portal.state.users[IVAN].active = False
    await deciding(
        stage, escalation=("duty",), duty=(IVAN, 987654, CUSTOMER, DINA, 456, OLGA, ANNA)
    )

    await stage.say("/escalate")

    assert not await stage.told_privately(CUSTOMER)
    assert not await stage.told_privately(DINA)
    assert ANNA in await stage.members()
    assert IVAN not in await stage.members()
