"""The permissions that the app needs, as Bitrix24 names them."""

from bot.bitrix24.numerals import listed
from bot.bitrix24.rows import text

SCOPES = ("imbot", "imopenlines", "im", "crm", "department")

# One of each is enough.
EITHER = (("user", "user_basic", "user_brief"), ("sonet_group", "sonet"))

# What the bot does without, where it is not granted: the tab in CRM cards.
OPTIONAL = ("placement",)

# What an administrator is asked to grant.
WANTED = (*SCOPES, *(names[0] for names in EITHER))


def missing_scopes(found: object) -> tuple[str, ...] | None:
    """Give the rights that the app lacks, by an answer of ``scope``; ``None`` where it is none."""
    granted = set(map(text, listed(found))) - {""}
    if not granted:
        return None
    lacking = [one for one in SCOPES if one not in granted]
    return (*lacking, *(names[0] for names in EITHER if not granted & set(names)))
