"""The watch engine: feeds that ask providers what changed, and sessions that tell callers.

Nothing here knows gRPC, a provider by name, or how credentials are kept: see `ports`.
"""
