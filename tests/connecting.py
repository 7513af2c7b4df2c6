"""The way to connect as a browser goes it: the bot's link, the portal's sign-in, and back."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import ClientResponse
from stage import OLGA, Stage


async def offered(stage: Stage, user: int = OLGA) -> str:
    """The link under the last private message that has one."""
    messages = (await stage.get(f"dialogs/{user}"))["messages"]
    links = [link for message in messages for link in links_of(message)]
    return links[-1]


def links_of(message: dict[str, Any]) -> list[str]:
    buttons = message["keyboard"] or []
    return [one["LINK"] for one in buttons if one.get("LINK")]


async def authorized(stage: Stage, link: str, visitor: int = OLGA) -> str:
    """Follow a link to the portal, sign in there, and give the address one is sent back to."""
    cookies = {"Cookie": f"sandbox_user={visitor}"}
    async with stage.session.get(link, allow_redirects=False) as response:
        assert response.status == 302, await response.text()
        address = response.headers["Location"]
    assert address.startswith(f"{stage.portal.url}/oauth/authorize/?")
    async with stage.session.get(address, headers=cookies, allow_redirects=False) as response:
        assert response.status == 302, await response.text()
        return response.headers["Location"]


async def opened(stage: Stage, url: str, languages: str = "ru-RU,ru;q=0.9") -> tuple[int, str]:
    headers = {"Accept-Language": languages}
    async with stage.session.get(url, headers=headers, allow_redirects=False) as response:
        return response.status, await words(response)


async def words(response: ClientResponse) -> str:
    return " ".join((await response.text()).split())


async def connected(stage: Stage, link: str, visitor: int = OLGA) -> tuple[int, str]:
    return await opened(stage, await authorized(stage, link, visitor))


def code_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["code"][0]


def state_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["state"][0]


def ticket_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["ticket"][0]
