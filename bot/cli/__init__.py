"""What operators type: one file a subject, put together in ``program``."""
