"""Calendly, API v2: event types as links, scheduled events and their invitees as events."""
