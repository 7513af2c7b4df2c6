"""POST /bitrix24/install: a portal says that it has the app."""

import logging

from aiohttp import web

from bot.bitrix24 import form
from bot.bitrix24.errors import Bitrix24Error
from bot.bitrix24.events import Envelope, MalformedEvent
from bot.errors import StoreUnavailable
from bot.installation import Installation, Unproven
from bot.registration import Registration
from bot.web.requests import read_form

log = logging.getLogger(__name__)

RETRY_AFTER = {"Retry-After": "30"}


class Install:
    """The address that a portal tells of its installation."""

    def __init__(self, installation: Installation, registration: Registration) -> None:
        self._installation = installation
        self._registration = registration

    async def receive(self, request: web.Request) -> web.Response:
        """Admit a portal: 200, or 400, 403 and 503 with the reason in a line."""
        try:
            envelope = Envelope.read(await read_form(request))
        except (form.MalformedForm, MalformedEvent) as error:
            return web.Response(status=400, text=f"malformed event: {error}\n")
        if envelope.event.upper() != "ONAPPINSTALL":
            return web.Response(status=400, text="this address takes ONAPPINSTALL\n")
        try:
            portal = await self._installation.admit(envelope.auth)
            await self._registration.bring_up_to_date(portal)
        except Unproven as error:
            log.warning("an installation is refused: %s", error)
            return web.Response(status=403, text=f"installation not proven: {error}\n")
        except (Bitrix24Error, StoreUnavailable) as error:
            log.error("an installation could not be finished: %s", error)
            text = "the installation could not be finished, try again\n"
            return web.Response(status=503, text=text, headers=RETRY_AFTER)
        return web.Response(text="installed\n")
