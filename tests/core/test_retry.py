"""R7: what may be sent again, how soon, out of which budget; when a host is left in peace."""

import pytest

from providers.core.errors import Kind, ProviderError
from providers.core.retry import Done, Failed, Hosts, Policy

POLICY = Policy(attempts=3, base=1.0, cap=5.0, reserve=2.0, window=10.0, least=4, rest=30.0)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hosts(clock: Clock) -> Hosts:
    return Hosts(POLICY, clock)


def failed(
    kind: Kind, done: Done = Done.NOTHING, wait: float | None = None, **options: bool
) -> Failed:
    return Failed(ProviderError(kind, "x", retry_after=wait), done, **options)


@pytest.mark.parametrize(
    ("what", "safe", "again"),
    [
        (failed(Kind.UNAVAILABLE), False, True),
        (failed(Kind.UNAVAILABLE), True, True),
        (failed(Kind.UNAVAILABLE, Done.PERHAPS), False, False),
        (failed(Kind.UNAVAILABLE, Done.PERHAPS), True, True),
        (failed(Kind.TIMEOUT, Done.PERHAPS), False, False),
        (failed(Kind.TIMEOUT, Done.PERHAPS), True, True),
        (failed(Kind.RATE_LIMITED), False, True),
        (failed(Kind.RATE_LIMITED, wait=9.0), True, True),
        (failed(Kind.RATE_LIMITED, wait=60.0), True, False),
        (failed(Kind.QUOTA_EXCEEDED), True, False),
        (failed(Kind.UNAVAILABLE, final=True), True, False),
        *(
            (failed(kind), True, False)
            for kind in Kind
            if kind not in (Kind.UNAVAILABLE, Kind.TIMEOUT, Kind.RATE_LIMITED)
        ),
    ],
)
def test_what_is_sent_again(hosts: Hosts, what: Failed, safe: bool, again: bool) -> None:
    wait = hosts.of("p", "h").pause(what, safe=safe, tries=1, left=60.0)
    assert (wait is not None) is again


def test_the_wait_is_what_was_asked_for_and_a_little_more(hosts: Hosts) -> None:
    for asked in (0.0, 7.0):
        host = hosts.of("p", str(asked))
        wait = host.pause(failed(Kind.RATE_LIMITED, wait=asked), safe=True, tries=1, left=60.0)
        assert wait is not None
        assert asked <= wait <= asked + 1.0


def test_waits_are_spread_over_a_growing_span() -> None:
    host = Hosts(Policy(attempts=99, base=1.0, cap=5.0, reserve=1e9)).of("p", "h")
    for tries, bound in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (40, 5.0)]:
        waits = [
            host.pause(failed(Kind.UNAVAILABLE), safe=True, tries=tries, left=60.0) or 0.0
            for _ in range(300)
        ]
        assert max(waits) <= bound
        assert min(waits) < bound / 10
        assert max(waits) > bound * 0.9


def test_no_wait_goes_past_the_deadline_and_none_is_paid_for(hosts: Hosts) -> None:
    host = hosts.of("p", "h")
    late = failed(Kind.RATE_LIMITED, wait=5.0)
    for _ in range(20):
        assert host.pause(late, safe=True, tries=1, left=5.0) is None
    assert host.pause(late, safe=True, tries=1, left=7.0) is not None
    assert host.pause(late, safe=True, tries=3, left=70.0) is None


def test_retries_are_a_tenth_of_the_requests(hosts: Hosts) -> None:
    host = hosts.of("p", "h")
    retries = 0
    for _ in range(1000):
        host.earn()
        retries += host.pause(failed(Kind.UNAVAILABLE), safe=True, tries=1, left=9.0) is not None
    assert 95 <= retries <= 105


def test_a_breaker_opens_tries_and_closes(hosts: Hosts, clock: Clock) -> None:
    host = hosts.of("p", "h")
    for outcome in (False, False, True, True):
        host.leave(outcome, probe=host.enter())
    with pytest.raises(ProviderError) as caught:
        host.enter()
    assert (caught.value.kind, caught.value.retry_after) == (Kind.UNAVAILABLE, 30.0)
    clock.now += 30.0
    assert host.enter() is True
    with pytest.raises(ProviderError):
        host.enter()  # one goes to try, the others wait for its news
    host.leave(True, probe=True)
    with pytest.raises(ProviderError):
        host.enter()
    clock.now += 30.0
    host.leave(None, probe=host.enter())  # the one who tried gave up: the next may
    host.leave(False, probe=host.enter())
    assert host.enter() is False


def test_a_breaker_judges_by_share_and_by_recent_requests_only(hosts: Hosts, clock: Clock) -> None:
    host = hosts.of("p", "h")
    for number in range(400):
        host.leave(number % 3 == 2, probe=host.enter())  # a third fails
    for _ in range(50):
        host.leave(None, probe=host.enter())
    other = hosts.of("p", "slow")
    for _ in range(100):
        other.leave(True, probe=other.enter())
        clock.now += 4.0  # never four in ten seconds
    late = hosts.of("p", "late")
    late.enter()
    for _ in range(4):
        late.leave(True, probe=late.enter())
    late.leave(False, probe=False)  # sent before it opened: no news
    with pytest.raises(ProviderError):
        late.enter()


def test_hosts_are_told_apart_and_the_longest_unused_is_forgotten(hosts: Hosts) -> None:
    first = hosts.of("p", "h")
    assert hosts.of("p", "h") is first
    assert hosts.of("q", "h") is not first
    for number in range(5000):
        hosts.of("p", "h")
        hosts.of("caldav", f"h{number}")
    assert hosts.of("p", "h") is first
    assert len(hosts._known) <= 4096
