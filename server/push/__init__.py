"""Native push: subscriptions at providers while somebody watches, and the way in for deliveries."""
