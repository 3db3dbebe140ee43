"""Faults, kills and hostile input under load: the figures of reliability and security, measured."""
