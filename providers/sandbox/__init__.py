"""The reference provider: every operation of the contract, in memory, for demos and for CI."""
