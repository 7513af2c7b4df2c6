"""The platform: what Bitrix24 posts, and how it is asked."""
