"""`make trace` follows a whole command."""

import asyncio
import re
import sys

from benchmarks.processes import ROOT


async def test_a_command_is_followed_from_its_event_to_the_note_that_it_is_done() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.trace", "--tree", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    told = (await process.communicate())[0].decode()

    assert process.returncode == 0
    handled, answered = told.index("handlers/invite.py"), told.rindex("bot/story/replies.py")
    arrived, noted = told.index("bot/web/events.py"), told.rindex("bot/inbox/inbox.py")
    assert arrived < handled < answered < noted
    figures = {name: int(count) for name, count in re.findall(r"^(\w.*?) +(\d+)$", told, re.M)}
    assert figures["named calls"] > figures["distinct functions"] > figures["files"]
    assert figures["files"] > figures["depth"] > figures["awaited commits"] > 0
