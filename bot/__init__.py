"""Switchboard: a Bitrix24 chat bot that does what operators type, as the operator who typed it."""
