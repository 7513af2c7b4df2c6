"""Forged commands by the dozen: the operators do not wait for them."""

import asyncio
from itertools import count

import pytest
from attacking import TYPED, as_bots, forged, garbage, put
from stage import BOSS, BOT, DRIVER, IVAN, ON_SQLITE, Stage

import bot.app


@ON_SQLITE
async def test_forged_commands_do_not_keep_the_operators_waiting(
    monkeypatch: pytest.MonkeyPatch, known: Stage
) -> None:
    """Sixty of them, each with tokens that the portal has to be asked about."""
    # Nobody waits in the end for what is left of them.
    monkeypatch.setattr(bot.app, "STOP_PATIENCE", 0.1)
    for number in range(60):
        fields = forged(known, TYPED, user=BOSS, data__chat__dialogId=f"chat{number + 1}")
        await put(known, {**fields, **garbage(BOSS), **as_bots(garbage(BOT)),
                          "data[bot][auth][access_token]": f"{number}" * 40})  # fmt: skip
    before = len(await known.requests())

    await known.type(TYPED)
    await known.joined(IVAN)

    # Those of the sixty take two each; on a slow machine more of them slip in between.
    assert len(await known.requests()) - before <= 30


async def test_forged_lines_do_not_hold_a_chat_up(known: Stage) -> None:
    """Lines of older messages, whose earlier lines never come: each new one waits for them.

    They go on coming, so whoever waits for them waits for ever.
    """
    words = f"/who\n/check id12\n{TYPED}"
    numbers = count(1)

    async def flood() -> None:
        while True:
            older = {"data__message__id": str(next(numbers)), "data__message__text": words}
            await put(known, forged(known, TYPED, user=BOSS, **older))
            await asyncio.sleep(0.4)

    before = known.stored()
    flooding = asyncio.create_task(flood())
    try:
        await known.until(lambda: _has_more(known, before))
        await known.type(f"/invite id{DRIVER}")
        await known.joined(DRIVER)
    finally:
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)


async def _has_more(stage: Stage, stored: int) -> bool:
    return stage.stored() > stored
