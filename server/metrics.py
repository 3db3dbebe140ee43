"""Numbers for /metrics: labels are method, provider and code, never an id."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

CALL_SECONDS = Histogram(
    "ucal_call_seconds",
    "Time from request to answer",
    ("method", "provider", "code"),
    buckets=(0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    registry=REGISTRY,
)
OPEN_STREAMS = Gauge("ucal_open_streams", "Streams that are open now", registry=REGISTRY)
PUSH_SUBSCRIPTIONS = Gauge(
    "ucal_push_subscriptions", "Subscriptions at providers", ("provider",), registry=REGISTRY
)
PUSH_RENEWALS = Counter(
    "ucal_push_renewals", "Renewals of subscriptions", ("provider", "result"), registry=REGISTRY
)
DELIVERIES = Counter(
    "ucal_webhook_deliveries", "Webhook deliveries", ("provider", "status"), registry=REGISTRY
)
KEY_TROUBLE = Gauge(
    "ucal_key_source_trouble", "1 while the source of the keys cannot be used", registry=REGISTRY
)
REWRAPPED = Counter(
    "ucal_records_rewrapped", "Records that were wrapped anew under another key", registry=REGISTRY
)
SECRETS_STALE = Counter(
    "ucal_secrets_stale",
    "Secrets served from memory because their vault could not be asked",
    registry=REGISTRY,
)
