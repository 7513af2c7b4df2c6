"""What may be written how: each kind of part as a pattern. What the words mean is ``vocabulary``.

A pattern is matched at a place of a text that ``vocabulary.normalise`` has gone through.
"""

import re
from collections.abc import Collection

from bot.commands import vocabulary
from bot.commands.vocabulary import APOSTROPHES, DASHES, HYPHENS, SEPARATORS, STOPS


def _any(words: Collection[str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


def _quoted(opening: str, closing: str) -> str:
    # What stands before a letter, or before another of its kind, closes a part of the name at most.
    return rf"[{opening}]((?:[^{closing}]|[{closing}](?=[\w{closing}])){{1,255}})[{closing}]"


# What a link or an address may stand in.
OPENING, CLOSING = "(<\"«“„'‘", ")>\"»”“'’"
_LONG_DASH = rf"(?:[{HYPHENS}{DASHES}]{{2,3}}|[{DASHES}])"
# Pictures that phones offer in the place of words, but for those that say no.
_PICTURE = "(?![❌❎✖✗✘➖⛔🚫👎🙅])[\u2600-\u27bf\U0001f000-\U0001faff]"
# A part ends where the line does, at a separator or a picture, before markup or before a reason,
# perhaps with a full stop.
_END = rf"(?=[{STOPS}]{{0,9}}(?:[{SEPARATORS}\[]|{_PICTURE}|{_LONG_DASH} |$))"
_NUMBER = r"([1-9][0-9]{0,9})"
_SIGN = rf"(?: ?(?:[#№:]|(?:{_any(vocabulary.NUMBER | vocabulary.MARK)})\.?(?=[ 0-9#№:])))"
_ID = rf"(?:@?(?:{_any(vocabulary.ID)}){_SIGN}{{0,2}} ?|@|[#№] ?){_NUMBER}{_END}"
_ITEM_OR_CHAT = f"(?:{_any({*vocabulary.ITEMS, *vocabulary.CHAT})})"
_TARGET = f"(?:{_any({*vocabulary.ITEMS, *vocabulary.CHAT, *vocabulary.GROUP})})"
_NUMBERED = rf"{_SIGN}{{0,2}} ?[0-9]"
_BETWEEN_NAMES = rf"(?: ?[,;] ?| (?:{_any(vocabulary.CONJUNCTIONS)}) )"
_BEFORE = rf"(?:{_any(vocabulary.PREPOSITIONS)}) (?:the )?"
_COLLEAGUE = r"(?:@|\[USER=)"
# Words that say nothing of who, what or how long, as it is said beside a colleague.
_PLEASE = f"(?:{_any(vocabulary.PLEASE)})(?=[{SEPARATORS}{STOPS}]|$)"
_URGENT = rf"(?:{_any(vocabulary.URGENT)})(?=[{SEPARATORS}{STOPS}]|$)"
_THIS_CHAT = rf"(?:{_BEFORE})?(?:{_any(vocabulary.THIS)}) (?:{_any(vocabulary.CHAT)}){_END}"
# A preposition is one where a record, a chat or a link comes next.
_PREPOSITION = (
    rf"(?:{_BEFORE}|the )"
    rf"(?={_TARGET}\b|[^\W\d_]{{1,40}}{_NUMBERED}|[#№0-9]|https?:|/|\[CHAT=|\[URL)"
)
_UNIT = _any(vocabulary.UNITS)
_LASTING, _WAIT = (
    _any([name for name, part in vocabulary.OPTIONS.items() if part == wanted])
    for wanted in ("lasting", "wait")
)
_AND_HALF = f"(?: (?:{_any(vocabulary.AND_HALF)}))"
_DIGITS = r"[0-9]{1,5}(?:[.,][0-9]{1,2})?"
_WORDS = _any(vocabulary.AMOUNTS)
_SAID = rf"(?:{_DIGITS}{_AND_HALF}|(?:{_WORDS}){_AND_HALF}?)"
_AMOUNT = rf"{_SAID} |{_DIGITS} ?"
# How long, as it is said: a letter alone is a unit only after digits.
_TIME = rf"(?:(?:{_AMOUNT})(?:{_UNIT})|(?:{_any(vocabulary.LONG_UNITS)}))\b"
_SAID_LASTING, _SAID_WAIT = rf"(?:{_LASTING}) {_TIME}", rf"(?:{_WAIT}) {_TIME}"
_UNTIL = f"(?:{_any(vocabulary.UNTIL)}) "
_TO_GROUP = rf"(?:{_BEFORE})?(?:(?:{_any(vocabulary.GROUP)})(?![^\W\d_]):? ?)?"
_NAME = rf"[^\W\d_]\w{{0,39}}(?:[{APOSTROPHES}.{HYPHENS}–](?![{HYPHENS}–])\w{{1,39}}){{0,4}}\.?"
_CONTRARY = rf"(?-i:{_any({*vocabulary.CONTRARY, *map(str.upper, vocabulary.CONTRARY)})}) "
# What ends a name, though it is a word; with a full stop it is an initial.
_NO_NAME = (
    rf"(?:{_any(vocabulary.CONJUNCTIONS | vocabulary.ME)})(?!\.){_END}"
    rf"|{_PREPOSITION}|{_TARGET}{_NUMBERED}|{_ID}|{_SAID_LASTING}|{_SAID_WAIT}"
    rf"|{_THIS_CHAT}|{_PLEASE}|{_URGENT}"
    # With a capital letter somebody may be called so.
    rf"|(?-i:{_UNTIL}|(?:{_any(vocabulary.PREPOSITIONS)}) (?={_COLLEAGUE}|[{OPENING}]))"
    rf"|{_CONTRARY}"
)
_SMALL = rf"(?-i:[{vocabulary.SMALL_LETTERS}])"
# After a capital letter a small word is a part of the name where a large one follows, or where it
# is the second and the last: more of them are a sentence.
_FURTHER = (
    rf" (?!{_NO_NAME})(?:(?!{_SMALL}){_NAME}|{_NAME}(?= (?!{_SMALL}){_NAME})"
    rf"|(?:{_any(vocabulary.SMALL_ENDINGS)})\b)"
)
_SECOND = rf" (?!{_NO_NAME}){_NAME}(?! {_SMALL})"
_FULL_NAME = (
    rf"(?:(?={_SMALL}){_NAME}(?: (?!{_NO_NAME}){_NAME}){{0,3}}"
    rf"|(?!{_SMALL}){_NAME}(?:(?:{_FURTHER}){{1,3}}|{_SECOND})?)"
)
_AFTER_WORD = rf"(?:[-_=/.]|{_SIGN}{{0,2}} ?){_NUMBER}{_END}"
_QUOTED = "|".join(_quoted(*pair) for pair in vocabulary.QUOTES)
# The @ that opens the list may have stayed before the one picked from it.
_MENTION = r"(?:@ ?)?\[USER=([0-9]{1,10}|all)(?: REPLACE)?\](.{0,255}?)\[/USER\]"
# What only changes how words look. Who is struck out may not be meant.
_LOOK = r"\[/?(?:[biu]|color(?:=[^\[\]\s]{1,30})?|size(?:=[0-9]{1,3})?)\]"

_PATTERNS = {
    "command": r"([/\\.]{0,9}) ?([^\W\d_]*)(?:@(?:switchboard\w*|\w{1,40}bot)(?!\w))?(.*)",
    "between": rf"(?:[{SEPARATORS}]|{_LOOK}|{_PICTURE}[\ufe0e\ufe0f]?"
    rf"|{_PLEASE}|(?:the )?(?:{_any(vocabulary.COLLEAGUE)}) (?={_COLLEAGUE})"
    rf"|(?:{_any(vocabulary.CONJUNCTIONS)}|[.!:…]{{1,9}})(?=\s|$))+",
    "end": _END,
    "closed": rf" ?(?:$|[,;{STOPS}{HYPHENS}{DASHES}])",
    "stops": rf"[{STOPS}]{{1,9}}(?=[{SEPARATORS}\[]|$)",
    "word": r"[^\W\d_]+",
    "anything": rf"[^{SEPARATORS}]+",
    "mention": _MENTION,
    "quoted mention": rf"[{OPENING}{APOSTROPHES}]?{_MENTION}[{CLOSING}{APOSTROPHES}]?",
    "id": _ID,
    "email": rf"[{OPENING}]?(?:mailto:)?@?"
    rf"([\w.+%'\-]{{1,64}}@[\w\-]{{1,63}}(?:\.[\w\-]{{0,62}}\w){{1,8}})[{CLOSING}]?{_END}",
    "quoted": f"@? ?(?:{_QUOTED}){_END}",
    "name": rf"@@? ?({_FULL_NAME}){_END}",
    # Colleagues named without an @.
    "unmarked": rf"(?!\w*[0-9]|{_CONTRARY}){_FULL_NAME}"
    rf"(?:{_BETWEEN_NAMES}(?!{_NO_NAME}){_FULL_NAME}){{0,9}}",
    "begins a name": rf"(?:^|{_BETWEEN_NAMES})(?={_NAME})",
    "named": _COLLEAGUE,
    "role": rf"(?:(?:{_any(vocabulary.TOWARDS)}) )?(?:the )?({_any(vocabulary.ROLES)}){_END}",
    "towards": rf"(?:{_any(vocabulary.TOWARDS)}) (?={_COLLEAGUE})",
    "towards name": rf"(?:{_any(vocabulary.TOWARDS)}) (?={_NAME})",
    # What somebody says besides, in several words.
    "said": rf"(?:{_LONG_DASH}|[{HYPHENS}])?(?!(?:{_any(vocabulary.PREPOSITIONS)}) )"
    rf"(?:{_URGENT}|[^\W\d_]+[{STOPS},]{{0,9}} )[^@\[\]/]*$",
    "contrary": _CONTRARY,
    "urgent": rf"({_URGENT})[{SEPARATORS}{STOPS}]{{1,9}}(?={_COLLEAGUE})",
    "record": rf"(?:^|[{SEPARATORS}]+)"
    rf"((?:{_BEFORE})?{_ITEM_OR_CHAT}{_SIGN}{{0,2}} ?[0-9]{{1,10}})\b",
    "dash and colleague": rf"[{HYPHENS}{DASHES}]{{1,3}} (?={_COLLEAGUE})",
    # Nobody gives a colleague for a reason.
    "colleague alone": rf"{_LONG_DASH} {_MENTION}(?= ?(?:$|[,;]|{_LONG_DASH} ))",
    "me": f"(?:{_any(vocabulary.ME)}){_END}",
    "everyone": f"@?(?:{_any(vocabulary.EVERYONE)}){_END}",
    "run": rf"[{HYPHENS}]run{_END}",
    "conjoined": rf" (?:{_any(vocabulary.CONJUNCTIONS)}) $",
    "this chat": _THIS_CHAT,
    "preposition": _PREPOSITION,
    "lasting": _SAID_LASTING,
    "wait": _SAID_WAIT,
    "until": rf"(?:{_LONG_DASH}|[{HYPHENS}])?(?:{_UNTIL}|in (?={_TIME}))"
    rf"(?:{_TIME}|[^{SEPARATORS}]+)",
    "for a number": rf"(?:{_LASTING}) (?=[0-9])",
    "after word": _AFTER_WORD,
    "word and number": rf"([^\W\d_]{{1,40}}){_AFTER_WORD}",
    "word and time": rf"[^\W\d_]{{1,40}} [0-9]{{1,5}} ?(?:{_UNIT})\b",
    # How long, without a word before it.
    "time alone": rf"(?:{_AMOUNT})(?:{_UNIT})\b|(?:{_any(vocabulary.LONG_UNITS)})[{STOPS}]{{0,9}}$",
    "option and time": rf"(?:{_LONG_DASH}|[{HYPHENS}])[^\W\d_]{{1,40}} ?[=:]? ?"
    rf"(?=(?:{_AMOUNT})(?:{_UNIT})\b)",
    "dash and time": rf"(?:{_LONG_DASH}|[{HYPHENS}]) ?(?=(?:{_AMOUNT})(?:{_UNIT})\b)",
    "only a time": rf"{_LONG_DASH} ?(?:{_AMOUNT})(?:{_UNIT})[{STOPS}]{{0,9}}$",
    "numbers": rf"{_NUMBER}(?:(?:{_BETWEEN_NAMES}| ){_NUMBER}){{0,19}}[{STOPS}]{{0,9}}$",
    "digits": r"[0-9]+",
    "number": rf"(?:(?:[#№]|(?:{_any(vocabulary.NUMBER)})\.?(?=[ 0-9])) ?)?{_NUMBER}{_END}",
    "chat": rf"\[CHAT={_NUMBER}\].{{0,255}}?\[/CHAT\]",
    "to group": _TO_GROUP,
    # A group's name without quotation marks, before colleagues.
    "group name": rf"{_TO_GROUP}(?:(?:{_any(vocabulary.GROUP)}) )?"
    rf"((?!{_NO_NAME})[^\W\d_][^\[\]@«»\"“”„,;/]{{0,100}}?)[,:]? (?={_COLLEAGUE})",
    "group": rf"{_TO_GROUP}(?:{_SIGN}{{0,2}} ?{_NUMBER}|{_QUOTED}){_END}",
    "reason": rf"{_LONG_DASH}(?: |(?:{_any(vocabulary.REASON)})(?: ?[=:] ?| ))",
    "hyphen": f"[{HYPHENS}] ",
    "option": rf"(?:{_LONG_DASH}|[{HYPHENS}])([^\W\d_]{{1,40}})",
    # A dash between words is no option.
    "late option": rf"(?<!\S){_LONG_DASH}(?=[^\W\d_])",
    "is": " ?[=:]? ?",
    "time": rf" ?(?:(?:{_any(vocabulary.CONJUNCTIONS)}) (?={_AMOUNT}))?"
    rf"(?:({_SAID}(?= )|{_DIGITS}) ?)?"
    r"([^\W\d_]{1,12})(?:\.(?=[ 0-9]))?",
    "and half": _AND_HALF,
    "tag": r"\[URL(?:=([^\]\s]{1,2000})\].{0,255}?|\]([^\s\[]{1,2000}))\[/URL\]",
    # The card of something in CRM that no command knows: an invoice, a smart process.
    "other card": r"[^\s,;]{0,255}/(?:crm/(?!(?:deal|lead|contact|company)/)[a-z_]{2,30}/|type/)"
    r"[^\s,;]{0,255}?/[1-9]",
    "address": r"[^\s,;\[\]]{0,255}/(?:&amp;|\[[0-9]{0,9}\]|[^\s,;\[\]]){0,2000}",
}
# What may stand at a place of the text, by its kind.
SEEN = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _PATTERNS.items()}


def plain(text: str) -> str:
    """Write mentions as people see them: ``@Ivan``."""
    return SEEN["mention"].sub(lambda found: f"@{found[2].strip() or found[1]}", text)
