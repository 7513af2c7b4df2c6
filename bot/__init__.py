"""Switchboard: a Bitrix24 chat bot that does what operators type, as the operator who typed it."""

__version__ = "0.2.0"
