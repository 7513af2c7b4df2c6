"""GET /: what to enter in Bitrix24, for whoever has just put the bot somewhere."""

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
