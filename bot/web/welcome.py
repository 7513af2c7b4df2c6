"""What belongs where in Bitrix24, for whoever opens the bot's addresses in a browser."""

from http import HTTPStatus

from aiohttp import web

from bot.bitrix24.scopes import OPTIONAL, WANTED
from bot.web.pages import Pages

# The addresses that the form of a local application takes.
_PATHS = {"handler": "app", "install": "install", "redirect": "oauth"}


class Welcome:
    """The page at the root, and what a browser reads at addresses for Bitrix24.

    They tell what anybody may know.
    """

    def __init__(self, pages: Pages, public_url: str) -> None:
        self._pages = pages
        self._home = f"{public_url}/"
        self._addresses = {name: f"{public_url}/bitrix24/{path}" for name, path in _PATHS.items()}

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show every field of the form, and what belongs there."""
        return await self._pages.show(
            "welcome.html.j2",
            self._pages.preferred(request),
            addresses=self._addresses,
            scopes=(*WANTED, *OPTIONAL),
        )

    async def field(self, which: str, request: web.Request) -> web.StreamResponse:
        """Say what one of the addresses in the form is for."""
        return await self._pages.show(
            "address.html.j2",
            self._pages.preferred(request),
            which=which,
            address=self._addresses[which],
            home=self._home,
        )

    async def explain(self, request: web.Request) -> web.StreamResponse:
        """Say to who opens an address that Bitrix24 alone posts to what it is for."""
        language = self._pages.preferred(request)
        response = await self._pages.notice("posted_only", language, HTTPStatus.METHOD_NOT_ALLOWED)
        response.headers["Allow"] = "POST"
        return response
