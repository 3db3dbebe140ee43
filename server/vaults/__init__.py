"""Vaults of the operator's: HashiCorp Vault or OpenBao, and AWS Secrets Manager."""
