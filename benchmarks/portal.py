"""The portal under load: what the bot's calls are answered with, and which are noted.

All portals of a run are this one; the path of a call tells which is meant.
"""

import json
import re
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks import events
from benchmarks.ledger import Ledger

ADD = "imopenlines.crm.chat.user.add"
MEMBERS = "im.chat.user.list"
ANSWER = "imbot.v2.Command.answer"
CUSTOMER = 599

_MENTION = re.compile(r"\[USER=(\d{8})\]")

# What the bot asks for while it is installed.
_FIXED: dict[str, Any] = {
    "user.admin": True,
    "app.info": {"ID": 1, "CODE": "local.switchboard", "STATUS": "L", "INSTALLED": True},
    "imbot.v2.Bot.register": {"bot": {"id": events.BOT, "code": "switchboard"}},
    "imbot.v2.Bot.update": {"bot": {"id": events.BOT, "code": "switchboard"}},
    "imbot.v2.Command.list": {"commands": []},
    "imbot.v2.Command.register": {"command": {"id": events.COMMAND}},
    "event.get": [],
    "event.bind": True,
}

Answer = tuple[int, Any]


class Portal:
    """Answers as Bitrix24 does, and enters into the ledger what was done and said."""

    def __init__(self, ledger: Ledger, spread: events.Spread) -> None:
        self._ledger = ledger
        self._spread = spread
        self.base = ""

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Answer one request."""
        status, answer = self._answer(path, body)
        return status, json.dumps(answer).encode()

    def _answer(self, path: str, body: bytes) -> Answer:
        if path.startswith("/oauth/token"):
            return 200, self._grant(path)
        method = path.rpartition("/")[2]
        params = json.loads(body)
        if method == "batch":
            return 200, _enveloped(self._batch(params))
        return 200, _enveloped(self._call(method, params, params["auth"]))

    def _grant(self, path: str) -> dict[str, object]:
        [spent] = parse_qs(urlsplit(path).query)["refresh_token"]
        user, portal = events.owner(spent), events.portal_of(spent)
        grant = events.auth(self.base, portal, user)
        return {name: value for name, value in grant.items() if name != "application_token"}

    def _batch(self, params: dict[str, Any]) -> dict[str, Any]:
        results: dict[str, Any] = {}
        added: list[int] = []
        for name, command in params["cmd"].items():
            method, _, query = command.partition("?")
            values = {key: found[-1] for key, found in parse_qs(query).items()}
            result = self._call(method, values, params["auth"])
            if method == ADD:
                added.append(int(values["USER_ID"]))
            results[name] = [*result, *added] if method == MEMBERS else result
        times = dict.fromkeys(results, _TIME)
        return {
            "result": results,
            "result_error": [],
            "result_total": [],
            "result_next": [],
            "result_time": times,
        }

    def _call(self, method: str, params: dict[str, Any], token: str) -> Any:
        if method == ADD:
            return self._add(params, events.owner(token))
        if method == MEMBERS:
            return [events.owner(token), CUSTOMER]
        if method == ANSWER:
            return self._said(params, events.owner(token))
        if method not in _FIXED:
            self._ledger.wrong[f"unexpected call of {method}"] += 1
        return _FIXED.get(method, True)

    def _add(self, params: dict[str, Any], user: int) -> int:
        number = int(params["USER_ID"]) - events.FIRST_PERSON
        origin = self._spread.origin(number)
        if not self._ledger.is_known(number) or int(params["CHAT_ID"]) != origin.chat:
            self._ledger.wrong["somebody was invited elsewhere"] += 1
        elif user != origin.requester:
            self._ledger.wrong["done with a token that is not the requester's"] += 1
        else:
            self._ledger.act(number)
        return int(params["CHAT_ID"])

    def _said(self, params: dict[str, Any], user: int) -> dict[str, bool]:
        message = params["fields"]["message"]
        found = _MENTION.search(message)
        number = int(found[1]) - events.FIRST_PERSON if found else -1
        if not self._ledger.is_known(number) or "✅" not in message:
            self._ledger.wrong["another answer than success"] += 1
        elif user != events.BOT or params["messageId"] != events.FIRST_MESSAGE + number:
            self._ledger.wrong["answered as another, or to another message"] += 1
        else:
            self._ledger.reply(number)
        return {"result": True}


_STARTED = time.time()
_TIME = {
    "start": _STARTED,
    "finish": _STARTED + 0.012,
    "duration": 0.012,
    "processing": 0.011,
    "date_start": "2026-09-10T12:00:00+03:00",
    "date_finish": "2026-09-10T12:00:00+03:00",
    "operating_reset_at": int(_STARTED) + 600,
    "operating": 0.011,
}


def _enveloped(result: Any) -> dict[str, Any]:
    return {"result": result, "time": _TIME}
