"""CalDAV (RFC 4791) servers, and iCloud Calendar, which is one of them."""
