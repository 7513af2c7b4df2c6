"""Addresses that an app gives for its events and places."""

from urllib.parse import urlsplit

from sandbox.courier import is_http_url
from sandbox.errors import RestRefused


def is_public(url: str) -> bool:
    """Whether the host's name has a dot in it, as that of every public address has."""
    try:
        return (urlsplit(url).hostname or "").find(".") > 0
    except ValueError:
        return False


def is_handler(url: str) -> bool:
    """Whether the portal would send to that address."""
    return is_http_url(url) and is_public(url)


def check_handler(url: str) -> None:
    """Refuse an address as `event.bind` and `placement.bind` do."""
    if not is_public(url):
        raise RestRefused("ERROR_WRONG_HANDLER_URL", "Wrong handler URL")
    if urlsplit(url).scheme not in {"http", "https"}:
        raise RestRefused("ERROR_UNSUPPORTED_PROTOCOL", "Unsupported event handler protocol")
    if not is_http_url(url):
        raise RestRefused("ERROR_WRONG_HANDLER_URL", "Wrong handler URL")
