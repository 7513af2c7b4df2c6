"""Texts as others write them, cut to what is shown and stored."""

# What the portal says of an error, and how long a code of it is at most.
LONGEST_DESCRIPTION = 1_000
LONGEST_CODE = 100

# The names of people, departments, groups, cards and chats.
LONGEST_NAME = 255


def read_text(value: object, longest: int = LONGEST_NAME) -> str:
    """Read a text, or a number as one; empty where it is anything else."""
    if isinstance(value, str):
        return value[:longest]
    return str(value) if type(value) is int and abs(value) < 10**18 else ""


def read_code(value: object) -> str:
    """Read an error's code; what cannot be printed in a line becomes a question mark."""
    code = read_text(value, LONGEST_CODE)
    return "".join(one if one.isprintable() else "?" for one in code)
