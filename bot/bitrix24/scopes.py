"""The permissions that the app needs, as Bitrix24 names them."""

from typing import Any

SCOPES = ("imbot", "imopenlines", "im", "crm", "department")

# One of each is enough.
EITHER = (("user", "user_basic", "user_brief"), ("sonet_group", "sonet"))

# What an administrator is asked to grant.
WANTED = (*SCOPES, *(names[0] for names in EITHER))


def missing_scopes(found: Any) -> tuple[str, ...]:
    """Give the rights that the app lacks, by an answer of ``scope``: none where it is none."""
    granted = {str(one) for one in found} if isinstance(found, list) else set()
    if not granted:
        return ()
    lacking = [one for one in SCOPES if one not in granted]
    return (*lacking, *(names[0] for names in EITHER if not granted & set(names)))
