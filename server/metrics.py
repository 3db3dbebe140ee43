"""Numbers for /metrics: labels are method, provider and code, never an id."""

from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

REGISTRY = CollectorRegistry()

# Memory, CPU and open files of this process: read when somebody asks.
ProcessCollector(registry=REGISTRY)
BUILD = Gauge("ucal_build_info", "1, with the version that runs", ("version",), registry=REGISTRY)
BUILD.labels(version("ucal")).set(1)

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
PUSH_ENDED = Counter(
    "ucal_push_ended", "Subscriptions that were ended", ("provider", "result"), registry=REGISTRY
)
DELIVERIES = Counter(
    "ucal_webhook_deliveries", "Webhook deliveries", ("provider", "status"), registry=REGISTRY
)
CERTIFICATE_ENDS = Gauge(
    "ucal_tls_certificate_end_seconds",
    "When the TLS certificate ends, seconds since 1970",
    registry=REGISTRY,
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
DELIVERY_SECONDS = Histogram(
    "ucal_webhook_seconds",
    "Time from a delivery's headers to our answer",
    buckets=(0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)

# -- watches

WATCH_LAG = Histogram(
    "ucal_watch_lag_seconds",
    "Time from the hint, or from the question to the provider, to the first stream that is told",
    ("provider", "cause"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120),
    registry=REGISTRY,
)
WATCH_AGE = Histogram(
    "ucal_watch_age_seconds",
    "Age of a change, by the provider's own time of it, when the first stream is told",
    ("provider",),
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600),
    registry=REGISTRY,
)
POLLS = Counter(
    "ucal_watch_polls", "Questions to providers for what changed", ("provider", "cause"),
    registry=REGISTRY,
)  # fmt: skip
POLLS_SAVED = Counter(
    "ucal_watch_polls_saved",
    "Questions that were due and not asked: by lease, as another replica asks; by push",
    ("provider", "by"),
    registry=REGISTRY,
)
HAPPENINGS = Counter(
    "ucal_watch_happenings",
    "Meetings that began or ended, as a delivery told",
    ("provider", "result"),
    registry=REGISTRY,
)
RESETS = Counter("ucal_watch_resets", "Streams that began anew", ("provider",), registry=REGISTRY)
RESYNCS = Counter(
    "ucal_watch_resyncs", "Feeds that looked because something was not heard", registry=REGISTRY
)
FEEDS = Gauge("ucal_watch_feeds", "Feeds that somebody takes part in", registry=REGISTRY)
WATCHERS = Gauge("ucal_watch_watchers", "Watches that are open", registry=REGISTRY)

# -- replicas

BUS_UP = Gauge("ucal_bus_up", "Whether the bus reaches the other replicas", registry=REGISTRY)
BUS_FRAMES = Counter(
    "ucal_bus_frames",
    "Frames on the bus: sent, heard, missed, repeated, refused",
    ("what",),
    registry=REGISTRY,
)
TURNS_HELD = Gauge("ucal_turns_held", "Feeds that this replica asks for", registry=REGISTRY)
LEASE_TAKEOVERS = Counter(
    "ucal_lease_takeovers", "Feeds taken over from another replica", registry=REGISTRY
)
