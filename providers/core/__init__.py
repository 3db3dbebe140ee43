"""The kit that every provider is built from. Nothing here knows a vendor."""
