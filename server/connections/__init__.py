"""Connections: who may sign in where. Credentials are sealed here; nothing of a calendar is kept.

`keyring.KeyRing` holds the keys, `sealer.Sealer` seals tokens under them; what a gRPC message looks
like is known to the services, not here.
"""
