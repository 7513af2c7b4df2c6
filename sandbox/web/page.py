"""The web chat's page and the files it is made of."""

from html import escape
from pathlib import Path

from aiohttp import web

from sandbox.keys import STATE
from sandbox.web.view import origins

STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


def add_routes(app: web.Application) -> None:
    """Put the page into an application."""
    app.router.add_get("/", index)
    app.router.add_get("/online/", index)  # with ?IM_DIALOG=chat…, as links lead to a chat
    app.router.add_get("/web/{name}", file)


async def index(request: web.Request) -> web.Response:
    """The page; frames in it, and forms sent into them, may be the app's only."""
    allowed = origins(request.app[STATE])
    response = _answer(STATIC / "index.html")
    told = f'data-origins="{escape(" ".join(allowed))}"'
    response.text = (STATIC / "index.html").read_text("utf-8").replace('data-origins=""', told)
    response.headers["Content-Security-Policy"] = policy(allowed)
    return response


async def file(request: web.Request) -> web.Response:
    """One of the page's files."""
    path = STATIC / request.match_info["name"]
    if path not in set(STATIC.iterdir()) or path.suffix not in _TYPES:
        raise web.HTTPNotFound
    return _answer(path)


def policy(app_origins: list[str]) -> str:
    """A content security policy under which nothing runs but the page's own files."""
    apps = " ".join(["'self'", *app_origins])
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            f"frame-src {apps}",
            f"form-action {apps}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _answer(path: Path) -> web.Response:
    return web.Response(
        body=path.read_bytes(),
        content_type=_TYPES[path.suffix],
        charset="utf-8",
        headers={
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        },
    )
