"""What a portal says of a token by itself: whose it is, and which app's."""

from typing import Any

from bot.bitrix24.calls import Call
from bot.bitrix24.people import read_person
from bot.bitrix24.rows import part, text

# None of them needs a permission. ``profile`` is read as a person, ``user.admin`` answers ``true``.
PROFILE, ADMIN, APP = Call("profile"), Call("user.admin"), Call("app.info")


def read_owner_id(profile: Any) -> int | None:
    """Read the user's id off the answer of ``profile``; ``None`` where it does not tell."""
    person = read_person(profile)
    return person.id if person else None


def read_app_code(info: Any) -> str:
    """Read what a portal calls the app off the answer of ``app.info``; empty if that is none."""
    number, code = text(part(info, "ID")), text(part(info, "CODE"))
    return f"{number}/{code}"[:255] if number or code else ""
