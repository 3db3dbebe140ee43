"""Who may call what on which connections: keys, tokens and certificates, and the policy table.

`gate` finds out who calls (`key_check`, `oidc`, `certificates`), `policy` decides what that caller
may do, `rpcs` knows of each RPC what it is about, `sight` what a connection is without opening its
credentials, `standing` ends streams whose caller is let in no more. `server.interceptors.access`
holds calls against all that. Without access (`mode = "open"`) none of it runs.
"""
