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
from sandbox import phpform
from sandbox.bucket import Bucket
from sandbox.clock import Clock

ADD = "imopenlines.crm.chat.user.add"
MEMBERS = "im.chat.user.list"
CUSTOMER = 599
MOST_IN_BATCH = 50

_MENTION = re.compile(r"\[USER=(\d{8})\]")

# What the bot asks for while it is installed.
_FIXED: dict[str, Any] = {
    "user.admin": True,
    "app.info": {"ID": 1, "CODE": "local.switchboard", "STATUS": "L", "INSTALLED": True},
    "imbot.v2.Bot.list": {"bots": []},
    "imbot.v2.Bot.register": {"bot": {"id": events.BOT, "code": "switchboard"}},
    "imbot.v2.Bot.update": {"bot": {"id": events.BOT, "code": "switchboard"}},
    "imbot.v2.Command.list": {"commands": []},
    "imbot.v2.Command.register": {"command": {"id": events.COMMAND}},
    "event.get": [],
    "event.bind": True,
    "placement.get": [],
    "placement.bind": True,
}

Answer = tuple[int, Any]


class Portal:
    """Answers as Bitrix24 does, and enters into the ledger what was done and said."""

    def __init__(
        self, ledger: Ledger, spread: events.Spread, bucket: tuple[float, float] | None = None
    ) -> None:
        self.ledger = ledger
        self._spread = spread
        self._bucket = bucket
        self._buckets: dict[str, Bucket] = {}
        self._latest: dict[tuple[int, int], int] = {}
        self.base = ""
        self.delay = 0.0
        self.requests = self.refused = self.notices = 0

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Answer one request."""
        status, answer = self._answer(path, body)
        return status, json.dumps(answer).encode()

    def _answer(self, path: str, body: bytes) -> Answer:
        if path.startswith("/oauth/token"):
            return 200, self._grant(path)
        self.requests += 1
        place, _, method = path.rpartition("/")
        if self._is_full(place):
            self.refused += 1
            return 503, {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}
        params = json.loads(body)
        if method == "batch":
            return 200, _enveloped(self._batch(params))
        return 200, _enveloped(self._call(method, params, params["auth"]))

    def _is_full(self, place: str) -> bool:
        if self._bucket is None:
            return False
        if place not in self._buckets:
            self._buckets[place] = Bucket(Clock(), *self._bucket)
        return not self._buckets[place].take()

    def _grant(self, path: str) -> dict[str, object]:
        [spent] = parse_qs(urlsplit(path).query)["refresh_token"]
        user, portal = events.owner(spent), events.portal_of(spent)
        grant = events.auth(self.base, portal, user)
        return {name: value for name, value in grant.items() if name != "application_token"}

    def _batch(self, params: dict[str, Any]) -> dict[str, Any]:
        results: dict[str, Any] = {}
        added: list[int] = []
        if len(params["cmd"]) > MOST_IN_BATCH:
            self.ledger.wrong["a batch that is too long"] += 1
        for name, command in params["cmd"].items():
            method, _, query = command.partition("?")
            values: Any = phpform.decode(query)
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
        match method:
            case "imopenlines.crm.chat.user.add":
                return self._add(params, events.owner(token))
            case "profile":
                return {"ID": str(events.owner(token)), "NAME": "", "LAST_NAME": ""}
            case "im.user.get":
                return {"id": events.owner(token), "active": True, "extranet": False, "bot": False,
                        "connector": False}  # fmt: skip
            case "im.chat.user.list":
                return [events.owner(token), CUSTOMER]
            case "imbot.v2.Command.answer":
                return self._said(params, events.owner(token))
            case "imbot.v2.Chat.Message.send":
                self.notices += 1
                return {"id": 1, "uuidMap": []}
        if method not in _FIXED:
            self.ledger.wrong[f"unexpected call of {method}"] += 1
        return _FIXED.get(method, True)

    def _add(self, params: dict[str, Any], user: int) -> int:
        number = int(params["USER_ID"]) - events.FIRST_PERSON
        origin = self._spread.origin(number)
        if not self.ledger.is_known(number) or int(params["CHAT_ID"]) != origin.chat:
            self.ledger.wrong["somebody was invited elsewhere"] += 1
        elif user != origin.requester:
            self.ledger.wrong["done with a token that is not the requester's"] += 1
        else:
            self._check_order(number, (origin.portal, origin.chat))
            self.ledger.act(number)
        return int(params["CHAT_ID"])

    def _check_order(self, number: int, chat: tuple[int, int]) -> None:
        if self._latest.get(chat, -1) > number:
            self.ledger.wrong["out of the order of its chat"] += 1
        self._latest[chat] = number

    def _said(self, params: dict[str, Any], user: int) -> dict[str, bool]:
        message = params["fields"]["message"]
        found = _MENTION.search(message)
        number = int(found[1]) - events.FIRST_PERSON if found else -1
        if not self.ledger.is_known(number) or "✅" not in message:
            self.ledger.wrong["another answer than success"] += 1
        elif (
            user not in (events.BOT, events.INSTALLER)
            or int(params["messageId"]) != events.FIRST_MESSAGE + number
        ):
            self.ledger.wrong["answered as another, or to another message"] += 1
        else:
            self.ledger.reply(number)
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
