"""Fathom: recorded meetings, with transcripts and summaries; read-only."""
