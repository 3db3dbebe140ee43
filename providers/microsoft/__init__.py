"""Microsoft Graph: `outlook` (calendars) and `teams` (recordings, webinars, Bookings)."""
