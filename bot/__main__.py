"""The command line: ``python -m bot serve``."""

from bot.cli.program import cli, main

__all__ = ["cli"]

if __name__ == "__main__":
    main()
