"""Commands that wait until their requester lets the bot act for them."""

from dataclasses import dataclass

from bot.inbox.accepted import Accepted
from bot.inbox.engine import Engine
from bot.inbox.pending import Pending
from bot.story.buttons import Buttons, KeptButton


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that its requester is asked about; ``button``: the one that was pressed for it."""

    command: Accepted
    button: KeptButton | None


@dataclass(eq=False, slots=True)
class Waiting:
    """Takes up what has waited, and lets go of what has waited too long."""

    _pending: Pending
    _engine: Engine
    _buttons: Buttons

    async def take_up(self, member_id: str, user_id: int) -> int:
        """Have this person's commands run, each once, and tell how many there are."""
        lanes = await self._pending.unpark(member_id, user_id)
        for lane in lanes:
            await self._engine.attend(lane)
        return len(lanes)

    async def asked(self, member_id: str, user_id: int, wanted: int) -> list[Asked]:
        """List the commands that this person is asked about, the ``wanted`` one first."""
        commands = await self._pending.asked(member_id, user_id, wanted)
        return [Asked(one, await self._buttons.meant(one)) for one in commands]

    async def consent(self, member_id: str, user_id: int, command_id: int) -> bool:
        """Have a command run that this person means; ``False`` where it is over."""
        lane = await self._pending.consent(member_id, user_id, command_id)
        if lane is not None:
            await self._engine.attend(lane)
        return lane is not None

    async def sweep(self) -> None:
        """Finish what nobody has: commands too old, and those a dying process has left.

        Whoever did not connect in time was told for how long their command is kept.
        """
        await self._pending.give_up_parked()
        for member_id, user_id in await self._pending.parked_of_connected():
            await self.take_up(member_id, user_id)
