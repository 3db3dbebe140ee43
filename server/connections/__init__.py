"""Connections: who may sign in where. Credentials are sealed here; nothing of a calendar is kept.

`facade.Connections` puts it together; `resolver` answers calls, `directory` administrators,
`grants` keeps tokens fresh, `store` keeps what is sealed by `envelope` under `keyring`, `sealer`
makes the tokens that callers hold.
"""
