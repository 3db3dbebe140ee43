"""Acuity Scheduling, API v1: calendars, appointment types as links, appointments as events."""
