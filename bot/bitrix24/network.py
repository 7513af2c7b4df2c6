"""Addresses that others write, and which of them a portal may have.

A bot on the internet is not to reach what lies behind it.
"""

import socket
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from aiohttp import AddrInfoType

# What only a network of one's own knows.
_OWN = (".local", ".localhost", ".internal", ".lan")


class NotPublic(OSError):
    """An address is none of the internet's."""


def parts_of(url: str) -> SplitResult:
    """Split an address; where it is none, nothing is in its parts."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def origin(url: str) -> str:
    """Cut an address down to scheme, host and port; empty if it is none."""
    parts = parts_of(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def is_own(host: str) -> bool:
    """Say whether this host is one of a network of one's own, as far as its name tells."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(_OWN)


def public_socket(address: AddrInfoType) -> socket.socket:
    """Make a socket for an address of the internet, whatever name led there.

    Raises ``NotPublic`` for any other.
    """
    family, kind, protocol, _, where = address
    if not ip_address(str(where[0]).partition("%")[0]).is_global:
        raise NotPublic("the address is not public")
    return socket.socket(family, kind, protocol)
