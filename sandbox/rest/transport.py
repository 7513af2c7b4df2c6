"""Broken answers: connections that end, pages that are no JSON, redirects."""

from urllib.parse import urlsplit

from aiohttp import web

from sandbox.faults import MethodFault


def broken(request: web.Request, fault: MethodFault) -> web.Response | None:
    """The answer that takes the place of acting; None when the request is to be acted on."""
    if fault.kind == "html" and isinstance(fault.value, int):
        return _page(fault.value)
    if fault.kind == "redirect":
        return _moved(request, str(fault.value))
    if fault.kind == "drop" and fault.value == "before":
        return hang_up(request)
    return None


def hang_up(request: web.Request) -> web.Response:
    """Close the connection; the answer goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def cut_short(request: web.Request, status: int, body: bytes) -> web.StreamResponse:
    """Promise the whole body, send half of it and close the connection."""
    response = web.StreamResponse(status=status)
    response.content_type = "application/json"
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _page(status: int) -> web.Response:
    text = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
    return web.Response(status=status, text=text, content_type="text/html")


def _moved(request: web.Request, target: str) -> web.Response:
    # A renamed portal keeps the path; only a full address replaces it.
    if urlsplit(target).path in {"", "/"}:
        target = target.rstrip("/") + request.path_qs
    return web.Response(status=302, headers={"Location": target})
