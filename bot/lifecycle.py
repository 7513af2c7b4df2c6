"""What becomes of a portal after its installation: new versions, and the end."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from bot.bitrix24.errors import Bitrix24Error
from bot.bitrix24.events import Envelope
from bot.errors import StoreUnavailable
from bot.installation import Installation, Unproven
from bot.registration import LIFECYCLE_EVENTS, UNINSTALL, UPDATE, Registration
from bot.store.portals import Portal, Portals
from bot.store.tokens import Tokens

log = logging.getLogger(__name__)

# Nobody looks at a page for ten minutes.
REPAIR_PATIENCE = 60.0


class Lifecycle:
    """Hears of what happens to the app in a portal."""

    def __init__(
        self,
        installation: Installation,
        registration: Registration,
        portals: Portals,
        tokens: Tokens,
    ) -> None:
        self._installation = installation
        self._registration = registration
        self._portals = portals
        self._tokens = tokens
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to tell portals of this version of the bot; nobody waits for it."""
        self._begin(self._registration.bring_all_up_to_date(), "all portals")

    async def stop(self) -> None:
        """Leave the rest to the next process."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def reintroduced(self, envelope: Envelope) -> Portal | None:
        """Give the portal of an update whose application token nobody knows yet, if it proves.

        The token may be a new one (page: on-app-update.md), so that the old proves nothing:
        the pair that comes along has to, as at the installation.
        """
        if envelope.event.upper() != UPDATE or not envelope.auth.member_id:
            return None
        if await self._portals.find(envelope.auth.member_id) is None:
            return None
        try:
            return await self._installation.admit(envelope.auth)
        except Unproven as error:
            log.warning("an update is refused: %s", error)
            return None
        except Bitrix24Error:
            raise StoreUnavailable("nobody could be asked about an update") from None

    async def hear(self, envelope: Envelope, portal: Portal) -> bool:
        """Take an event of a portal that has proven itself; ``False`` if it is of another kind."""
        kind = envelope.event.upper()
        if kind == UPDATE:
            await self._update(portal)
        elif kind == UNINSTALL:
            await self._leave(portal, clean=str(envelope.data.get("CLEAN", "")) == "1")
        return kind in LIFECYCLE_EVENTS

    async def adopt(self, portal: Portal, administrator: int) -> None:
        """Have an administrator at the app's page stand in for an installer whose token is gone."""
        if await self._tokens.find(portal.member_id, portal.installer_id) is None:
            await self._portals.installed_by(portal.member_id, administrator)
            log.info("portal %s has another installer", portal.member_id)
            await self._update(portal)

    async def repair(self, portal: Portal, administrator: int) -> Portal:
        """Register everything anew, as this administrator. Raises ``Bitrix24Error``."""
        await self._portals.installed_by(portal.member_id, administrator)
        async with asyncio.timeout(REPAIR_PATIENCE):
            async for step in self._registration.steps(replace(portal, installer_id=administrator)):
                log.info("portal %s: %s", portal.member_id, step)
        return await self._portals.fresh(portal.member_id) or portal

    async def _update(self, portal: Portal) -> None:
        # The portal has dropped its handlers. Stored first: if this process dies, the next one
        # finds it when it starts.
        await self._portals.outdated(portal.member_id)
        fresh = await self._portals.fresh(portal.member_id)
        if fresh is not None:
            self._begin(self._registration.bring_up_to_date(fresh), portal.member_id)

    async def _leave(self, portal: Portal, *, clean: bool) -> None:
        await self._tokens.forget_portal(portal.member_id)
        await self._portals.remove(portal.member_id, with_everything=clean)
        log.info("portal %s has left", portal.member_id)

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(_quietly(work, name), name=f"lifecycle of {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _quietly(work: Coroutine[Any, Any, None], name: str) -> None:
    try:
        await work
    except (Bitrix24Error, StoreUnavailable) as error:
        log.error("the bot is not brought up to date at %s: %s", name, error)
