"""The services of the contract, one file each: check, call, answer."""
