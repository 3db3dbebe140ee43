"""Dialpad Meetings."""
