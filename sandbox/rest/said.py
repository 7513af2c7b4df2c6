"""What a bot says: the parts that answers and messages have in common."""

import json
from dataclasses import replace

from sandbox.errors import RestRefused
from sandbox.messaging import Draft
from sandbox.model import Bot
from sandbox.rest.params import Params
from sandbox.state import State

_MOST_ATTACH = 60_000


def attachment(fields: Params) -> object:
    """The attachment, if it is a list or a map and not too big."""
    attach = fields.raw("attach")
    if attach in (None, "", []):
        return None
    if not isinstance(attach, list | dict):
        raise RestRefused("ATTACH_ERROR", "Incorrect attach params")
    if len(json.dumps(attach, ensure_ascii=False)) > _MOST_ATTACH:
        raise RestRefused("ATTACH_OVERSIZE", "Attachment is too big")
    return attach


def named(state: State, bot: Bot, draft: Draft) -> Draft:
    """A system message of a bot begins with the bot's name, for it has no author."""
    if not draft.system:
        return draft
    name = state.users[bot.id].full_name
    return replace(draft, text=f"[b]{name}:[/b]\n{draft.text}")


def answered(state: State, bot: Bot, draft: Draft) -> Draft:
    """A system answer to a command begins with a mention of the bot, on a line of its own."""
    if not draft.system:
        return draft
    name = state.users[bot.id].full_name
    return replace(draft, text=f"[USER={bot.id}]{name}[/USER]\n {draft.text}")
