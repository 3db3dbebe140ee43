"""What is done to every request and answer alike, whatever the provider: pure functions."""
