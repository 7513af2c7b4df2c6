"""The words that commands are written with, in both languages."""

from bot.bitrix24.entities import ItemType, Role

HELP = frozenset({"help", "?", "помощь", "справка"})
PREPOSITIONS = frozenset({"in", "в"})
CHAT = frozenset({"chat", "чат", "чате"})
ME = frozenset({"me", "я"})
EVERYONE = frozenset({"all", "все", "everyone"})

ITEMS: dict[str, ItemType] = {
    "deal": "deal",
    "сделка": "deal",
    "сделку": "deal",
    "сделке": "deal",
    "сделки": "deal",
    "lead": "lead",
    "лид": "lead",
    "лида": "lead",
    "лиду": "lead",
    "лиде": "lead",
    "contact": "contact",
    "контакт": "contact",
    "контакта": "contact",
    "контакту": "contact",
    "контакте": "contact",
    "company": "company",
    "компания": "company",
    "компанию": "company",
    "компании": "company",
}

ROLES: dict[str, Role] = {
    "responsible": Role.RESPONSIBLE,
    "ответственный": Role.RESPONSIBLE,
    "observers": Role.OBSERVERS,
    "наблюдатели": Role.OBSERVERS,
    "head": Role.HEAD,
    "руководитель": Role.HEAD,
    "owner": Role.OWNER,
    "оператор": Role.OWNER,
    "line": Role.LINE,
    "линия": Role.LINE,
}

LANGUAGES = {"ru": "ru", "русский": "ru", "russian": "ru", "рус": "ru"} | {
    "en": "en",
    "english": "en",
    "английский": "en",
    "англ": "en",
}

# Seconds in a unit.
UNITS = {"m": 60, "м": 60, "h": 3600, "ч": 3600, "d": 86_400, "д": 86_400}

# What the keys of a Russian keyboard write when it is switched to English.
_KEYS = dict(
    zip("йцукенгшщзхъфывапролджэячсмитьбюё", "qwertyuiop[]asdfghjkl;'zxcvbnm,.`", strict=True)
)


def other_layout(word: str) -> str:
    """Give what the same keys would have written on the other keyboard layout."""
    return "".join(_KEYS.get(letter, letter) for letter in word.lower())
