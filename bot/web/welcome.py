"""What the bot's addresses are for, told to whoever opens one in a browser."""

from http import HTTPStatus

from aiohttp import web

from bot.bitrix24.scopes import WANTED
from bot.web.pages import Pages

# The fields of the app's card, and what belongs there.
_PATHS = {"handler": "app", "install": "install", "redirect": "oauth"}


class Welcome:
    """The page at the root; it tells what anybody may know."""

    def __init__(self, pages: Pages, public_url: str) -> None:
        self._pages = pages
        self._addresses = {name: f"{public_url}/bitrix24/{path}" for name, path in _PATHS.items()}

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show the addresses and the scopes."""
        return await self._pages.show(
            "welcome.html.j2",
            self._pages.preferred(request),
            addresses=self._addresses,
            scopes=WANTED,
        )

    async def explain(self, request: web.Request) -> web.StreamResponse:
        """Say to who opens an address that Bitrix24 alone posts to what it is for."""
        response = await self._pages.show(
            "notice.html.j2",
            self._pages.preferred(request),
            status=HTTPStatus.METHOD_NOT_ALLOWED,
            notice="posted_only",
        )
        response.headers["Allow"] = "POST"
        return response
