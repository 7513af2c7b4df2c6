"""Outcomes and refusals in words."""
