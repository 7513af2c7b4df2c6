"""What Bitrix24 posts to the bot when an operator types ``/invite`` of a mentioned colleague."""

import time
from dataclasses import dataclass

from sandbox import phpform

APPLICATION_TOKEN = "51856fefc120afa4b628cc82d3935cce"
BOT, COMMAND, INSTALLER = 456, 24, 1

# Ids with a fixed number of digits, so that a request is made by putting them in their places.
FIRST_PERSON = 10_000_000
FIRST_MESSAGE = 20_000_000
FIRST_CHAT = 30_000_000
FIRST_REQUESTER = 40_000_000

_NOW = int(time.time())


@dataclass(frozen=True, slots=True)
class Origin:
    """From whom, in which chat and of which portal a command is."""

    portal: int
    chat: int
    requester: int


@dataclass(frozen=True, slots=True)
class Spread:
    """How commands are spread over portals, chats of a portal, and people who type."""

    portals: int = 1
    chats: int = 1000
    requesters: int = 20

    def origin(self, number: int) -> Origin:
        """Say where the command of this number is typed."""
        return Origin(
            number % self.portals,
            FIRST_CHAT + number // self.portals % self.chats,
            FIRST_REQUESTER + number // self.portals % self.requesters,
        )


def member_id(portal: int) -> str:
    """Name a portal as the authorization server does."""
    return f"{portal:08d}3710f85df22e9377d6c4f755"


def token(user: int, number: int = 0) -> str:
    """Make an access token: every event brings another one, and its owner can be read off."""
    return f"{number:08x}0000071b006e2cf2{user:08d}a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3"


def owner(access_token: str) -> int:
    """Read the owner off a token."""
    return int(access_token[24:32])


def auth(base: str, portal: int, user: int, number: int = 0) -> dict[str, object]:
    """Make the ``auth`` map of an event or of the authorization server."""
    access = token(user, number)
    return {
        "access_token": access,
        "expires": _NOW + 3600,
        "expires_in": 3600,
        "scope": "crm,im,imbot,imopenlines,user",
        "domain": base.partition("://")[2],
        "server_endpoint": f"{base}/rest/",
        "status": "L",
        "client_endpoint": f"{base}/{portal}/rest/",
        "member_id": member_id(portal),
        "user_id": user,
        "refresh_token": f"{access[:-8]}{portal:08d}",
        "application_token": f"{APPLICATION_TOKEN}{portal:08d}",
    }


def portal_of(refresh_token: str) -> int:
    """Read the portal off a refresh token."""
    return int(refresh_token[-8:])


def installation(base: str, portal: int) -> str:
    """Make the form of ONAPPINSTALL."""
    data = {"VERSION": 1, "ACTIVE": "Y", "INSTALLED": "Y", "LANGUAGE_ID": "ru"}
    return phpform.encode(
        {
            "event": "ONAPPINSTALL",
            "event_handler_id": 218,
            "data": data,
            "ts": _NOW,
            "auth": auth(base, portal, INSTALLER),
        }
    )


class Commands:
    """Makes the form of one ONIMBOTV2COMMANDADD after another."""

    def __init__(self, base: str, spread: Spread) -> None:
        self._base = base
        self._spread = spread
        self._forms: dict[int, bytes] = {}

    def form(self, number: int) -> bytes:
        """Make the form of the command of this number."""
        origin = self._spread.origin(number)
        form = self._forms.get(origin.portal)
        if form is None:
            form = self._forms[origin.portal] = _form(self._base, origin.portal)
        return (
            form.replace(b"99999991", b"%d" % (FIRST_PERSON + number))
            .replace(b"99999992", b"%d" % (FIRST_MESSAGE + number))
            .replace(b"99999993", b"%d" % origin.chat)
            .replace(b"99999994", b"%d" % origin.requester)
            .replace(b"ffffffff", b"%08x" % number)
        )


def _form(base: str, portal: int) -> bytes:
    """Make the form with marks where the numbers belong; keys as in the v2 events page."""
    person, message, chat, requester = range(99_999_991, 99_999_995)
    words = f"[USER={person}]Анна Орлова[/USER]"
    bot = {**auth(base, portal, BOT), "client_id": "local.switchboard"}
    return phpform.encode(
        {
            "event": "ONIMBOTV2COMMANDADD",
            "event_handler_id": 219,
            "data": {
                "bot": {"id": BOT, "code": "switchboard", "auth": bot},
                "command": {
                    "id": COMMAND,
                    "command": "/invite",
                    "params": words,
                    "context": "textarea",
                },
                "message": {
                    "id": message,
                    "chatId": chat,
                    "authorId": requester,
                    "date": "2026-09-10T12:00:00+03:00",
                    "text": f"/invite {words}",
                    "isSystem": False,
                    "uuid": "",
                    "forward": None,
                    "params": {"COMPONENT_ID": "HiddenMessage"},
                    "viewedByOthers": False,
                },
                "chat": {
                    "id": chat,
                    "dialogId": f"chat{chat}",
                    "type": "lines",
                    "messageType": "L",
                    "name": "Клиент - Поддержка",
                    "owner": requester,
                    "avatar": "",
                    "color": "#1eb4aa",
                    "entityType": "LINES",
                    "entityId": "telegrambot|1|786792821|599",
                    "entityData1": f"Y|DEAL|288|N|N|512|{_NOW}|0|0|0",
                    "entityData2": "LEAD|0|COMPANY|0|CONTACT|91|DEAL|288",
                    "entityData3": "N",
                },
                "user": {
                    "id": requester,
                    "active": True,
                    "name": "Ольга Смирнова",
                    "firstName": "Ольга",
                    "lastName": "Смирнова",
                    "workPosition": "Оператор",
                    "color": "#df532d",
                    "avatar": "",
                    "gender": "F",
                    "birthday": "",
                    "extranet": False,
                    "bot": False,
                    "connector": False,
                    "externalAuthId": "default",
                    "status": "online",
                    "idle": False,
                    "lastActivityDate": False,
                    "absent": False,
                    "departments": [5],
                    "phones": False,
                    "type": "employee",
                },
                "language": "ru",
            },
            "ts": _NOW,
            "auth": {**auth(base, portal, requester, 0xFFFFFFFF)},
        }
    ).encode()
