"""The web chat at the portal's front door."""
