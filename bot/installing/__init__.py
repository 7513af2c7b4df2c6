"""How the app comes to a portal, stays known there, and leaves."""
