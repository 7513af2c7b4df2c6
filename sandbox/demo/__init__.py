"""The demo: the stand-in portal, the bot beside it, and a scene played on both."""
