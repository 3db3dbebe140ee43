"""Cal.com, hosted and self-hosted, by its API v2."""
