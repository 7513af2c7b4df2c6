"""The command line: ``python -m bot serve``."""

from bot.cli.program import main

if __name__ == "__main__":
    main()
