"""Fireflies.ai: transcribed meetings, with what was said and what is to be done; read-only."""
