"""How people's names are compared: who bears a name, and who may be meant by it."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher, get_close_matches

from bot.bitrix24.people import Found
from bot.commands import vocabulary

MOST_NEAR = 3
LONGEST_COMPARED = 60
SHORTEST_BEGINNING = 3
# Of a name, and how like another one has to be to be offered.
MOST_WORDS = 4
LIKE = 0.6


def bearers(name: str, found: Sequence[Found]) -> list[Found]:
    """Choose who bears a name: exactly, else by the beginnings of its words."""
    typed = _words(name)
    if not typed:
        return []
    exact = [one for one in found if sorted(_words(one.person.name)) == sorted(typed)]
    if exact:
        return exact
    begun = beginning_so(name, found)
    if any(len(word.strip(".")) >= SHORTEST_BEGINNING for word in typed):
        return begun
    # A letter or two begin the names of many, though only one of them may work here yet.
    return [one for one in begun if set(typed) & set(_words(one.person.name))]


def beginning_so(name: str, found: Sequence[Found]) -> list[Found]:
    """Choose those the words of whose names begin like these."""
    typed = _words(name)
    return [one for one in found if typed and _begins(_words(one.person.name), typed)]


def _begins(words: list[str], typed: list[str]) -> bool:
    left = list(words)
    for beginning in typed:
        word = next((word for word in left if word.startswith(beginning.rstrip("."))), None)
        if word is None:
            return False
        left.remove(word)
    return True


def beginnings(name: str) -> list[str]:
    """Give what to search for to find names like this one."""
    # Of the longest words: initials fit half a company.
    words = sorted(_bare_words(name), key=len, reverse=True)
    return list(dict.fromkeys(word[:2] for word in words))[:2]


def role_like(name: str) -> str:
    """Give the word for a role that is most like this one; nothing where none is."""
    words = get_close_matches(name[:LONGEST_COMPARED].casefold(), vocabulary.ROLES, 1, 0.75)
    return words[0] if words else ""


def names_like(name: str, alike: Sequence[Found]) -> list[str]:
    """Choose the names most like this one, the most like it first."""
    # To compare two names takes as long as one times the other is.
    name = name[:LONGEST_COMPARED]
    short = [one.person.name for one in alike if len(one.person.name) <= LONGEST_COMPARED]
    likeness = {one: _likeness(name, one) for one in short}
    like = [one for one in likeness if likeness[one] >= LIKE]
    return sorted(like, key=likeness.__getitem__, reverse=True)


def _likeness(typed: str, name: str) -> float:
    """Say how like a name is, from 0 to 1: word by word, as far as both have words.

    Whoever is called is inflected, and one of the two may have a patronymic or more besides.
    """
    fewer, more = sorted((_bare_words(one)[:MOST_WORDS] for one in (typed, name)), key=len)
    best = [max(SequenceMatcher(None, one, other).ratio() for other in more) for one in fewer]
    return sum(best) / len(best) if best else 0.0


def _bare_words(name: str) -> list[str]:
    return re.findall(r"\w+", vocabulary.key(name))


def _words(name: str) -> list[str]:
    # Initials stand close together: "I.P.Petrov". A full stop alone is none: all names begin so.
    words = vocabulary.key(name).replace(".", ". ").split()
    return [one for one in words if one.strip(".")]
