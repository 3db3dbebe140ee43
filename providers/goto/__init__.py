"""GoTo Meeting and GoTo Webinar."""
