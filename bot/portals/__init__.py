"""The portals that have the app, and what their people prove."""
