"""What a portal lists, cut to a page."""

from collections.abc import Mapping
from typing import Any

# So many rows the portal's own lists have on a page.
PAGE = 50


def read_rows(found: object, most: int = PAGE) -> list[Mapping[str, Any]]:
    """Read the rows of a list, or of the map that PHP makes of one with gaps.

    There are so many at most; what is no row is left out.
    """
    rows = list(found.values()) if isinstance(found, Mapping) else found
    listed = rows[:most] if isinstance(rows, list) else []
    return [one for one in listed if isinstance(one, Mapping)]
