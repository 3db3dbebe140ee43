"""Google Calendar and Google Meet. Nothing of another vendor lives here."""
