"""Who runs the accepted commands, and in which order."""
