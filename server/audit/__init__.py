"""The record of administrative acts: who did what to which connection, when, and how it ended.

Rows are added and never changed. Nothing personal is in them: no display name, no address, no text
of an error. What a call reads or writes at a provider is no administrative act and is not here.
"""
