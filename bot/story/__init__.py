"""The story of one command, from the inbox to its answer."""
