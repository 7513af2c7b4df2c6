"""Events of a portal's life as anybody can post them, and what the bot finds when it looks."""

import asyncio

from attacking import forged
from installing import portals
from stage import ADMIN, Stage

EVENTS = ["ONAPPUNINSTALL", "ONAPPUPDATE", "ONIMBOTV2DELETE", "onappuninstall"]


def said(stage: Stage, event: str, **changed: str | None) -> dict[str, str]:
    """Give an event of the portal's life, as anybody can post it who knows the token."""
    fields = forged(stage, "/x", user=ADMIN, **{"event": event, "data__CLEAN": "1", **changed})
    return {key: value for key, value in fields.items() if not key.startswith("data[command")}


async def looked(stage: Stage) -> None:
    """Wait until the bot has looked whether it is so."""
    await stage.until(lambda: _has_looked(stage), patience=40)
    await stage.settled()


async def _has_looked(stage: Stage) -> bool:
    names = [task.get_name() for task in asyncio.all_tasks()]
    busy = [name for name in names if name.startswith("lifecycle of") and "said of" not in name]
    return not busy and not [one for one in portals(stage) if one.said]


async def quiet(stage: Stage) -> None:
    """Wait until the first look is over, whatever came of it."""
    member = stage.portal.state.settings.member_id

    async def over() -> bool:
        return f"lifecycle of {member}" not in {one.get_name() for one in asyncio.all_tasks()}

    await stage.until(over, patience=30)
