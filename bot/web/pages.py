"""The bot's HTML: rendered here, escaped, and sent so that nobody else can frame or script it."""

import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any

from aiohttp import web
from babel import Locale
from babel.dates import format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.wording.rendering import TEMPLATES, code_of, day, plural

DIRECTORY = TEMPLATES / "pages"
DEFAULT_LANGUAGE = "en"

_NOBODY = "'none'"

# Control characters, and what turns the direction of writing: with these in it, somebody's name
# or command would look like another one, and so would what stands beside it.
_STEERING = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)


class Pages:
    """The pages, in the languages that there are words in."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(DIRECTORY),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_shown,
            enable_async=True,
            auto_reload=False,
        )
        self.languages = sorted(path.parent.name for path in DIRECTORY.glob("*/words.j2"))

    def language(self, *wishes: str) -> str:
        """Choose the first language that there are words in."""
        codes = map(code_of, wishes)
        return next((code for code in codes if code in self.languages), DEFAULT_LANGUAGE)

    def preferred(self, request: web.Request) -> str:
        """Choose the language that a browser asks for."""
        wishes = request.headers.get("Accept-Language", "")
        return self.language(*(wish.partition(";")[0] for wish in wishes.split(",")))

    async def show(
        self,
        name: str,
        language: str,
        *,
        status: int = 200,
        framed_by: str = "",
        scripted: bool = False,
        **values: Any,
    ) -> web.Response:
        """Render a page. ``framed_by`` is the one origin that may show it in a frame.

        Without ``scripted`` no script runs in it.
        """
        nonce = secrets.token_urlsafe(16)
        template = self._environment.get_template(name)
        shown = self._values(language, nonce, {**values, "scripted": scripted})
        text = await template.render_async(shown)
        headers = _headers(nonce, framed_by, scripted=scripted)
        return web.Response(status=status, text=text, content_type="text/html", headers=headers)

    async def notice(
        self, notice: str, language: str, status: int, framed_by: str = "", code: str = ""
    ) -> web.Response:
        """Show nothing but one of the notices: why not, and what to do."""
        return await self.show(
            "notice.html.j2",
            language,
            status=status,
            framed_by=framed_by,
            notice=notice,
            code=code,
        )

    async def words(self, language: str) -> Any:
        """Give the words of a language, for what is no page."""
        template = self._environment.get_template(f"{language}/words.j2")
        return await template.make_module_async(self._values(language, "", {}))

    async def terminal(self) -> Any:
        """Give the words for a terminal."""
        return await self._environment.get_template("terminal.j2").make_module_async()

    async def stream(
        self, request: web.Request, name: str, language: str, *, framed_by: str, **values: Any
    ) -> web.StreamResponse:
        """Send a page piece by piece, as its asynchronous values come.

        Whoever closes the page meanwhile does not stop that: all values are waited for.
        """
        nonce = secrets.token_urlsafe(16)
        headers = _headers(nonce, framed_by, scripted="script" in values)
        response = web.StreamResponse(headers=headers)
        response.content_type, response.charset = "text/html", "utf-8"
        await response.prepare(request)
        template = self._environment.get_template(name)
        async for piece in template.generate_async(self._values(language, nonce, values)):
            if piece:
                with suppress(ConnectionError):
                    await response.write(piece.encode())
        with suppress(ConnectionError):
            await response.write_eof()
        return response

    def _values(self, language: str, nonce: str, values: Mapping[str, Any]) -> dict[str, Any]:
        locale = Locale.parse(language)
        return {
            **values,
            "language": language,
            "nonce": nonce,
            "plural": partial(plural, language),
            "day": partial(day, language),
            "moment": partial(_moment, values.get("time_zone", UTC), locale),
            "as_iso": _as_iso,
        }


def _shown(value: Any) -> Any:
    """Give a value as a page may show it."""
    if isinstance(value, str) and _STEERING.search(value):
        return type(value)(_STEERING.sub("", value))
    return value


def _moment(zone: tzinfo, locale: Locale, seconds: float) -> str:
    """Word unix seconds for a reader in that zone."""
    # babel takes unix seconds as they are.
    return format_datetime(seconds, "d MMM y, HH:mm z", zone, locale)


def _as_iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _headers(nonce: str, framed_by: str, *, scripted: bool) -> dict[str, str]:
    # No address of ours holds a secret for longer than a redirect, and none is told to others.
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": _policy(nonce, framed_by, scripted=scripted),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }


def _policy(nonce: str, framed_by: str, *, scripted: bool) -> str:
    """Allow the page its own style and script, its own forms, and one frame around it."""
    scripts = f"'nonce-{nonce}'" if scripted else _NOBODY
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src 'nonce-{nonce}'",
            f"script-src {scripts}",
            "img-src data:",
            "form-action 'self'",
            "base-uri 'none'",
            f"frame-ancestors {framed_by or _NOBODY}",
        ]
    )
