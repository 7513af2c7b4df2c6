"""A stand-in Bitrix24 portal: REST, OAuth, events; for tests and demonstrations."""
