"""The options of places in the messenger, checked as its `RegistrationValidator` does."""

from collections.abc import Callable, Mapping

from sandbox.rest.params import integer

Options = Mapping[str, object]

_MOST_ICON = 50
_CONTEXTS = {"ALL", "USER", "CHAT", "LINES", "CRM"}
_COLORS = {
    "RED", "GREEN", "MINT", "LIGHT_BLUE", "DARK_BLUE", "PURPLE", "AQUA", "PINK", "LIME", "BROWN",
    "AZURE", "KHAKI", "SAND", "ORANGE", "MARENGO", "GRAY", "GRAPHITE",
}  # fmt: skip


def wrong_option(place: str, options: Options) -> dict[str, object] | None:
    """What the portal answers to options it does not take; of several wrong ones, to the last."""
    errors = [error for check in _CHECKS.get(place, ()) if (error := check(options))]
    if not errors:
        return None
    name = errors[-1].partition("_ERROR_")[2]
    return {"error": errors[-1], "error_description": f"Field {name} is invalid."}


def _icon(options: Options) -> str:
    icon = options.get("iconName")
    if icon is None:
        return "EMPTY_ERROR_ICON_NAME"
    text = str(icon)
    named = any(letter in " -" or (letter.isascii() and letter.isalpha()) for letter in text)
    return "" if named and len(text) <= _MOST_ICON else "INVALID_ERROR_ICON_NAME"


def _extranet(options: Options) -> str:
    return "" if options.get("extranet", "N") in {"N", "Y"} else "INVALID_ERROR_EXTRANET"


def _context(options: Options) -> str:
    given = set(str(options.get("context", "ALL")).strip().split(";"))
    return "" if given <= _CONTEXTS else "INVALID_ERROR_CONTEXT"


def _role(options: Options) -> str:
    return "" if options.get("role", "USER") in {"USER", "ADMIN"} else "INVALID_ERROR_ROLE"


def _color(options: Options) -> str:
    return "" if options.get("color", "") in {"", *_COLORS} else "INVALID_ERROR_COLOR"


def _width(options: Options) -> str:
    return "INVALID_ERROR_WIDTH" if (integer(options.get("width")) or 0) < 0 else ""


def _height(options: Options) -> str:
    return "INVALID_ERROR_HEIGHT" if (integer(options.get("height")) or 0) < 0 else ""


_CHECKS: dict[str, tuple[Callable[[Options], str], ...]] = {
    "IM_TEXTAREA": (_icon, _extranet, _context, _role, _color, _width, _height),
    "IM_SIDEBAR": (_icon, _extranet, _context, _role, _color),
    "IM_NAVIGATION": (_icon, _extranet, _role),
    "IM_CONTEXT_MENU": (_extranet, _context, _role),
    "IM_SMILES_SELECTOR": (_extranet, _context, _role),
    "IMMOBILE_CONTEXT_MENU": (_extranet, _context, _role),
}
