"""The words and the signs that commands are written with, in both languages, as tables."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from itertools import chain

from bot.bitrix24.entities import ItemType, Role

# Signs, as classes of regular expressions.
HYPHENS = r"\-‐‑﹣"
DASHES = "‒–—―−⸺⸻﹘"
# What may end a part, as it ends a sentence.
STOPS = r".!?:…"
SEPARATORS = r"\s,;"
APOSTROPHES = "'‘’‚‛`´ʼʻʹ′"
_DOUBLE = '"“”„‟〝〞″'
# Which marks open a name, and which may close it.
QUOTES = ((_DOUBLE, _DOUBLE), ("«", "»"), ("‹", "›"), (APOSTROPHES, APOSTROPHES))
# What is neither seen nor a blank between words, although Unicode does not call it a format.
BLANKS = (
    r"\x00-\x1f\x7f-\x9f\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
)


def _words(table: Mapping[str, str]) -> dict[str, str]:
    """Read a table of meanings, each with the words for it."""
    return {word: meaning for meaning, words in table.items() for word in words.split()}


HELP = frozenset({"help", "h", "помощь", "справка"})
PREPOSITIONS = frozenset(
    {"in", "into", "to", "from", "for", "on", "about"}
    | {"в", "во", "из", "к", "по", "на", "для", "о"}
)
CONJUNCTIONS = frozenset(
    {"and", "then", "also", "plus", "и", "а", "также", "потом", "затем", "ещё", "еще", "плюс"}
    | {"+", "&"}
)
# What stands between two of whom one may not be meant.
CONTRARY = frozenset(
    {"not", "no", "nor", "or", "but", "except", "without", "instead", "vs"}
    | {"не", "ни", "нет", "или", "либо", "но", "кроме", "без", "вместо"}
)
# The last word of some names, though it is a small one.
SMALL_ENDINGS = frozenset({"оглы", "кызы", "угли", "оглу"})
SMALL_LETTERS = "a-zа-яё"
# What only makes a command polite, and changes nothing in it.
PLEASE = frozenset({"please", "pls", "plz", "пожалуйста", "плиз"})
# What may stand behind everything else, and says why.
REASON = frozenset({"reason", "message", "comment", "причина", "сообщение", "комментарий"})
URGENT = frozenset({"urgent", "urgently", "asap", "срочно", "горит"})
# What may stand before a number, besides «#» and «№».
NUMBER = frozenset({"number", "num", "no", "nr", "n", "номер"})
MARK = frozenset({"id", "ид", "айди"})
COLLEAGUE = frozenset(
    {"user", "employee", "colleague", "сотрудник", "сотрудника", "сотруднику"}
    | {"коллега", "коллегу", "коллеги", "пользователь", "пользователя"}
)
ID = MARK | COLLEAGUE
THIS = frozenset({"this", "этот", "этого", "этом", "этому"})
CHAT = frozenset({"chat", "чат", "чата", "чате", "чату"})
GROUP = frozenset({"group", "workgroup", "группа", "группы", "группе", "группу"})
ME = frozenset({"me", "myself", "я", "меня", "себя"})
EVERYONE = frozenset({"all", "everyone", "everybody", "все", "всех", "всем"})

_ITEMS: dict[ItemType, str] = {
    "deal": "deal сделка сделки сделке сделку сделкой",
    "lead": "lead лид лида лиду лидом лиде",
    "contact": "contact контакт контакта контакту контактом контакте",
    "company": "company компания компании компанию компанией",
}
ITEMS = {word: type_ for type_, words in _ITEMS.items() for word in words.split()}

_ROLES = {
    Role.RESPONSIBLE: "responsible ответственный ответственного ответственному",
    Role.OBSERVERS: "observers наблюдатели наблюдателей наблюдателям",
    Role.HEAD: "head руководитель руководителя руководителю",
    Role.OWNER: "owner оператор оператора оператору",
    Role.LINE: "line линия линию линии",
}
ROLES = {word: role for role, words in _ROLES.items() for word in words.split()}

LANGUAGES = _words(
    {"ru": "ru рус русский по-русски russian", "en": "en англ английский по-английски english"}
)

OPTIONS = _words(
    {
        "dry": "dry dryrun пробно",
        "yes": "yes да",
        "lasting": "for на",
        "wait": "wait ждать",
        "chat_id": "chat чат",
    }
)

_UNITS = {
    1: "s sec secs second seconds с сек секунда секунды секунду секунд",
    30: "полминуты",
    60: "m min mins minute minutes м мин минута минуты минуту минут",
    1800: "полчаса",
    3600: "h hr hrs hour hours ч час часа часов",
    86_400: "d day days д дн день дня дней сутки суток",
    604_800: "w week weeks нед неделя недели неделю",
}
# Seconds in a unit.
UNITS = {word: seconds for seconds, words in _UNITS.items() for word in words.split()}
# Those that are one of their kind where they stand alone: "на час", and not "на ч".
LONG_UNITS = frozenset(word for word in UNITS if len(word) > 2)
# What stands before a time of day or a date, which no option takes.
UNTIL = frozenset({"until", "till", "by", "after", "до", "через", "после"})
# What stands before whom an escalation goes to.
TOWARDS = frozenset({"to", "на", "к"})
# Half of a unit more, after the unit or before it.
AND_HALF = frozenset({"and a half", "с половиной"})

_AMOUNTS: dict[float, tuple[str, ...]] = {
    0.5: ("half a", "half an", "half", "пол", "½"),
    1: ("a", "an", "one", "один", "одну"),
    1.5: ("полтора", "полторы"),
    2: ("two", "два", "две"),
    3: ("three", "три"),
    4: ("four", "четыре"),
    5: ("five", "пять"),
    6: ("six", "шесть"),
    7: ("seven", "семь"),
    8: ("eight", "восемь"),
    9: ("nine", "девять"),
    10: ("ten", "десять"),
    15: ("fifteen", "пятнадцать"),
}
_TENS: dict[float, tuple[str, ...]] = {
    20: ("twenty", "двадцать"),
    30: ("thirty", "тридцать"),
    40: ("forty", "сорок"),
    50: ("fifty", "пятьдесят"),
    60: ("sixty", "шестьдесят"),
    70: ("seventy", "семьдесят"),
    80: ("eighty", "восемьдесят"),
    90: ("ninety", "девяносто"),
}
_ALONE = {said: amount for amount, words in {**_AMOUNTS, **_TENS}.items() for said in words}
# How many, as it is said before a unit.
AMOUNTS = _ALONE | {
    f"{ten}{between}{one}": tens + ones
    for tens, words in _TENS.items()
    for ten in words
    for one, ones in _ALONE.items()
    for between in (" ", "-")
    if ones in range(1, 10) and one.isascii() == ten.isascii() and one not in ("a", "an")
}

# What somebody may call a command, who then is asked whether they mean it.
COMMANDS = _words(
    {
        "invite": "add call пригласить пригласи добавить добавь позвать позови",
        "remove": "delete kick убрать убери удалить удали исключить",
        "escalate": "эскалация эскалировать",
        "group": "группа группу",
        "undo": "cancel отмена отменить отмени",
        "who": "кто",
        "why": "почему",
        "help": "start commands помощь справка команды",
        "check": "status проверка проверить проверь",
        "language": "lang язык",
    }
)

# The keys of a keyboard, as they write in Russian and in English.
_RUSSIAN, _ENGLISH = "йцукенгшщзхъфывапролджэячсмитьбюё", "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"
_TO_ENGLISH = str.maketrans(_RUSSIAN, _ENGLISH)
_TO_RUSSIAN = str.maketrans(_ENGLISH, _RUSSIAN)

_FULL_WIDTH = ord("！") - ord("!")
# Nothing in it only looks the same.
_USUAL = re.compile(r"[\x00-\x7fА-яЁё]*")
# Unicode's own composing takes quadratic time on a long run of accents.
_PIECES = re.compile(r"[\w\s\x00-\x7f]*[^\w\s\x00-\x7f]{0,64}")
# A digit as an emoji.
_KEYCAP = re.compile("([0-9#*])\ufe0f?\u20e3")
# Behind a sign the last two only choose how an emoji looks.
_INVISIBLE = re.compile(rf"(?!(?<=[^\w\s])[\ufe0e\ufe0f]|[\ufe0e\ufe0f]\u20e3)[{BLANKS}]")
_SAME = str.maketrans({"ё": "е", **dict.fromkeys(APOSTROPHES, "'"), **dict.fromkeys("‐‑﹣–", "-")})

# Latin letters that look like Russian ones, small or large, in a word that has Russian ones.
_MIXED = re.compile(r"\b(?=\w*[а-яё])\w*[a-z]\w*")
_LATIN, _CYRILLIC = "abcehkmoptxyi", "авсенкмортхуі"
_RUSSIAN_LOOK = str.maketrans(_LATIN[:-1], _CYRILLIC[:-1])
_LOOKS = tuple(
    str.maketrans(one + one.upper(), other + other.upper())
    for one, other in ((_LATIN, _CYRILLIC), (_CYRILLIC, _LATIN))
)
_TWO_ALPHABETS = re.compile(r"\b(?=\w*[a-z])(?=\w*[а-яёі])\w+", re.IGNORECASE)


def normalise(text: str) -> str:
    """Make the same what only looks the same.

    Format characters are dropped, letters composed; every digit and every sign has the width of
    ASCII, and every space is one blank.
    """
    if _USUAL.fullmatch(text):
        return " ".join(text.split())
    plain = text.translate({ord(sign): _plain(sign) for sign in set(text) if not sign.isascii()})
    plain = _KEYCAP.sub(r"\1", plain)
    composed = "".join(unicodedata.normalize("NFC", one) for one in _PIECES.findall(plain))
    return " ".join(composed.split())


# There is no end to the signs that strangers can send: the usual ones are remembered.
@lru_cache(maxsize=1024)
def _plain(sign: str) -> str:
    if unicodedata.category(sign) == "Cf":
        return ""
    if "！" <= sign <= "～":
        return chr(ord(sign) - _FULL_WIDTH)
    return str(unicodedata.decimal(sign, sign))


def key(name: str) -> str:
    """Write a name as names are compared."""
    small = normalise(name).casefold().translate(_SAME)
    return _MIXED.sub(lambda word: word[0].translate(_RUSSIAN_LOOK), small)


def lasting(text: str) -> str:
    """Give the option for how long, in the language that the time is written in."""
    return "for" if text.isascii() else "на"


def unmixed(text: str) -> str:
    """Write words with letters of two alphabets in the one that all their letters can be of."""
    return _TWO_ALPHABETS.sub(lambda word: _in_one_alphabet(word[0]), text)


def _in_one_alphabet(word: str) -> str:
    return next((one for one in map(word.translate, _LOOKS) if not _TWO_ALPHABETS.match(one)), word)


def invisible(text: str) -> str:
    """Name the first character of a text that is not seen: ``U+2800 BRAILLE PATTERN BLANK``."""
    found = _INVISIBLE.search(text)
    return f"U+{ord(found[0]):04X} {unicodedata.name(found[0], '')}".strip() if found else ""


def other_layout(word: str) -> str:
    """Give what the same keys would have written on the other keyboard layout."""
    small = word.lower()
    return small.translate(_TO_RUSSIAN if small.isascii() else _TO_ENGLISH)


def readings(word: str) -> tuple[str, str]:
    """Give a word in small letters, as it is and as the other keyboard would have written it."""
    small = word.casefold()
    return small, other_layout(small)


def near(word: str, known: Iterable[str], likeness: float = 0.7) -> str:
    """Find the known word that may have been meant; nothing where none is like it."""
    if len(word) > 40:
        return ""
    words = list(known)
    same = [one for one in readings(word) if one in words]
    like = (get_close_matches(one, words, 1, likeness) for one in readings(word))
    return next(chain(same, *like), "")


def spellings(name: str) -> list[str]:
    """Give what else a command's name is typed like: with capitals, on the other keyboard."""
    swapped = other_layout(name)
    return [name.capitalize(), name.upper(), swapped, swapped.capitalize(), swapped.upper()]
