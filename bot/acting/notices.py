"""Notifications from one person to another. Method: im.notify.personal.add."""

from dataclasses import dataclass

from bot.acting.journal import Step
from bot.acting.open_lines import MENDING, confirm
from bot.acting.requester import Requester
from bot.bitrix24.entities import Person
from bot.bitrix24.ownership import PROFILE


@dataclass(eq=False, slots=True)
class Notices:
    """Notifies people in the requester's name."""

    _requester: Requester

    async def send(self, to: Person, text: str) -> None:
        """Notify somebody; what others wrote in the text has been made plain before.

        Raises as ``Requester.change_one``, and ``Unanswered`` where the portal says neither yes
        nor no.
        """
        params = {"USER_ID": to.id, "MESSAGE": text}
        step = Step(MENDING, "im.notify.personal.add", params, to.id)
        confirm(await self._requester.change_one(step, PROFILE))
