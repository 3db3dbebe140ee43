"""The pages on which people connect their accounts: GET /connect/{provider} and what follows.

Plain HTML from templates that escape by themselves; no scripts, nothing fetched from elsewhere.
What pages must know of one another is sealed; nothing is kept in between. No provider is named
here: what a page says comes from the provider's attributes.
"""
