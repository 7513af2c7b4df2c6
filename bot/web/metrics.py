"""GET /metrics: the figures, to whoever has the token."""

from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import SecretStr

from bot.errors import StoreUnavailable
from bot.store.cipher import same_secret
from bot.store.figures import SharedFigures


class Metrics:
    """Answers Prometheus. Without a token set there is nothing to ask for."""

    def __init__(self, token: SecretStr | None, figures: SharedFigures) -> None:
        self._token = token
        self._figures = figures

    async def show(self, request: web.Request) -> web.Response:
        """Answer 200 with the figures; 404 where they are off, 401 to a wrong token, 503."""
        if self._token is None:
            return web.Response(status=404, text="no figures: METRICS_TOKEN is not set\n")
        if not self._is_let_in(request, self._token):
            return web.Response(
                status=401,
                text="send the METRICS_TOKEN: Authorization: Bearer …\n",
                headers={hdrs.WWW_AUTHENTICATE: "Bearer"},
            )
        try:
            body = await self._figures.exposition()
        except StoreUnavailable:
            return web.Response(status=503, text="no database\n")
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})

    def _is_let_in(self, request: web.Request, token: SecretStr) -> bool:
        scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        return scheme.lower() == "bearer" and same_secret(SecretStr(given.strip()), token)
