"""`/sandbox/*`: what people do on the portal, what goes wrong, and what has happened."""
