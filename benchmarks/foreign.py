"""What the peers speak: Slack's slash commands and Telegram's updates, and both servers' answers.

The same work in each: one call that does something, one that answers in the chat.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from urllib.parse import urlencode

from benchmarks.ledger import Ledger
from benchmarks.wire import post

SLACK_SECRET = b"8f742231b10e8888abcd99yyyzzz85a5"
TELEGRAM_SECRET = "a-secret-of-the-benchmarks"

FIRST = 10_000_000

_MARK = re.compile(rb"No(\d{8})")


def slack(host: str) -> Callable[[int], bytes]:
    """Make the maker of slash commands, signed as Slack signs them."""

    def request(number: int) -> bytes:
        now = str(int(time.time()))
        fields = {
            "token": "gIkuvaNzQIHg97ATvDxqgjtO", "team_id": "T0001", "team_domain": "example",
            "enterprise_id": "E0001", "enterprise_name": "Globular Construct Inc",
            "channel_id": "C2147483705", "channel_name": "test", "user_id": "U2147483697",
            "user_name": "olga", "command": "/invite", "text": f"Анна Орлова No{FIRST + number}",
            "response_url": "https://hooks.slack.com/commands/1234/5678",
            "trigger_id": "13345224609.738474920.8088930838d88f008e0", "api_app_id": "A123456",
        }  # fmt: skip
        body = urlencode(fields).encode()
        signed = hmac.new(SLACK_SECRET, f"v0:{now}:".encode() + body, hashlib.sha256)
        return post(
            "/slack/events",
            host,
            "application/x-www-form-urlencoded",
            body,
            f"X-Slack-Request-Timestamp: {now}",
            f"X-Slack-Signature: v0={signed.hexdigest()}",
        )

    return request


def telegram(host: str) -> Callable[[int], bytes]:
    """Make the maker of updates with a bot command in them."""

    def request(number: int) -> bytes:
        olga = {"id": 7, "first_name": "Ольга", "last_name": "Смирнова", "username": "olga"}
        update = {
            "update_id": FIRST + number,
            "message": {
                "message_id": FIRST + number,
                "from": {**olga, "is_bot": False, "language_code": "ru"},
                "chat": {**olga, "type": "private"},
                "date": int(time.time()),
                "text": f"/invite Анна Орлова No{FIRST + number}",
                "entities": [{"offset": 0, "length": 7, "type": "bot_command"}],
            },
        }
        secret = f"X-Telegram-Bot-Api-Secret-Token: {TELEGRAM_SECRET}"
        return post("/webhook", host, "application/json", json.dumps(update).encode(), secret)

    return request


class Foreign:
    """Answers as Slack and Telegram do, and enters into the ledger what was done and said."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.requests = self.refused = 0

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Answer one request."""
        self.requests += 1
        found = _MARK.search(body)
        number = int(found[1]) - FIRST if found else -1
        if self.ledger.is_known(number):
            is_act = b"C0000001" in body or b"777000777" in body
            (self.ledger.act if is_act else self.ledger.reply)(number)
        answer = _slack(path, number) if path.startswith("/api/") else _telegram(path, number)
        return 200, json.dumps(answer).encode()


def _slack(path: str, number: int) -> dict[str, object]:
    if path.endswith("auth.test"):
        about = {"team": "T", "user": "bot", "team_id": "T0001", "user_id": "U0001"}
        return {"ok": True, "url": "https://example.slack.com/", "bot_id": "B0001", **about}
    message = {"text": "x", "bot_id": "B0001", "type": "message", "ts": f"{number}.000100"}
    return {"ok": True, "channel": "C2147483705", "ts": f"{number}.000100", "message": message}


def _telegram(path: str, number: int) -> dict[str, object]:
    if path.endswith("getMe"):
        me = {"id": 123456789, "is_bot": True, "first_name": "bot", "username": "bot"}
        return {"ok": True, "result": me}
    if not path.endswith("sendMessage"):
        return {"ok": True, "result": True}
    bot = {"id": 123456789, "is_bot": True, "first_name": "bot", "username": "bot"}
    chat = {"id": 7, "first_name": "Ольга", "last_name": "Смирнова", "type": "private"}
    about = {"message_id": number, "from": bot, "chat": chat, "date": 1700000000, "text": "x"}
    return {"ok": True, "result": about}
