"""Twenty chats on a stand-in portal, and as many colleagues to invite as somebody wants."""

import dataclasses

from sandbox.model import User
from sandbox.server import Portal

CHATS = range(20_001, 20_021)
PEOPLE = 30_000


def populate(portal: Portal, commands: int, chats: range = CHATS) -> None:
    """Let the chats and colleagues be there, one to invite for each command."""
    state = portal.state
    model = state.chats[8773]
    for number in chats:
        state.chats[number] = dataclasses.replace(
            model, id=number, members=list(model.members), messages=[],
            entity_id=f"telegrambot|1|{number}|599", bindings=dict(model.bindings),
        )  # fmt: skip
    for number in range(PEOPLE, PEOPLE + commands):
        state.users[number] = User(number, "Гость", str(number), "M", "Эксперт", [5])
