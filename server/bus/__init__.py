"""How replicas work together: hints over a bus, leases in the store, nothing shared in memory.

Read `ports` (what a bus is), then `replicas` (who is there, what they say to one another), then
`turns` (who of them asks the provider). Nothing of a calendar travels here: see `frames`.
"""
