"""python -m sandbox: a stand-in portal at a fixed address."""

import argparse
import asyncio
import sys
from urllib.parse import urljoin

from aiohttp import ClientError

from sandbox import lifecycle
from sandbox.courier import is_http_url
from sandbox.server import Portal, running
from sandbox.state import Settings

_ADMINISTRATOR = 1
_PAUSE = 1.0


def main() -> None:
    """Run until interrupted."""
    try:
        asyncio.run(_serve(_options()))
    except KeyboardInterrupt:
        print("stopped", flush=True)
    except OSError as error:
        sys.exit(
            f"The portal cannot listen: {error.strerror}. Choose others by --port, --oauth-port."
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("sandbox", description="A stand-in Bitrix24 portal.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=8090, help="0: a free one")
    parser.add_argument("--oauth-port", type=_port, default=8091, help="0: a free one")
    parser.add_argument("--member-id", default=Settings.member_id)
    parser.add_argument("--client-id", default=Settings.client_id)
    parser.add_argument("--client-secret", default=Settings.client_secret)
    parser.add_argument(
        "--handler", nargs="*", default=[], metavar="URL", type=_address,
        help="install the app there at once; its page and redirect address lie beside it",
    )  # fmt: skip
    return parser.parse_args()


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) < 65_536):
        raise argparse.ArgumentTypeError(f"not a port: {text}")
    return int(text)


def _address(text: str) -> str:
    if not is_http_url(text):
        raise argparse.ArgumentTypeError(f"not an http address: {text}")
    return text


async def _serve(options: argparse.Namespace) -> None:
    async with running(
        host=options.host,
        port=options.port,
        oauth_port=options.oauth_port,
        member_id=options.member_id,
        client_id=options.client_id,
        client_secret=options.client_secret,
    ) as portal:
        print(f"portal {portal.url}", flush=True)
        print(f"oauth {portal.oauth_url}", flush=True)
        for handler in options.handler:
            await _install(portal, handler)
        await asyncio.Event().wait()


async def _install(portal: Portal, handler: str) -> None:
    """Install as soon as the handler answers; it may start later than the portal."""
    app = portal.state.app
    app.install_url = handler
    app.app_url, app.redirect_url = urljoin(handler, "app"), urljoin(handler, "oauth")
    payload = lifecycle.install(portal.state, app, _ADMINISTRATOR)
    while True:
        try:
            status = await portal.courier.post_now(handler, payload)
        except (ClientError, TimeoutError, OSError):
            await asyncio.sleep(_PAUSE)
        else:
            print(f"installed {handler} {status}", flush=True)
            return


if __name__ == "__main__":
    main()
