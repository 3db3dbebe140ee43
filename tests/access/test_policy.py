"""Policies by themselves: laws that hold for any grants and any connection, found by trying."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.access.policy import Facts, Policy, Verdict
from server.access.rpcs import BUSY_RPCS, RPCS, WORDS
from server.access.subjects import Subjects
from server.settings import SettingsError, parse
from server.settings_model import Grant
from tests.access.door import grant

# What takes long to draw says more of the machine than of the test.
busy_machine = settings(suppress_health_check=[HealthCheck.too_slow])
ALLOWED = {Verdict.FULL, Verdict.BUSY}
RPC = sorted(RPCS.values(), key=lambda rpc: rpc.name)

_ids = st.sampled_from(["a", "a-1", "a-2", "b", "-", "*", "a-*", "b*"])
_labels = st.dictionaries(
    st.sampled_from(["tenant", "tier"]),
    st.one_of(st.sampled_from(["x", "y"]), st.lists(st.sampled_from(["x", "y"]), min_size=1)),
    max_size=2,
)
grants = st.builds(
    Grant,
    allow=st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=3).map(tuple),
    connections=st.lists(_ids, max_size=3).map(tuple),
    labels=_labels,
    providers=st.lists(st.sampled_from(["sandbox", "caldav"]), max_size=2).map(tuple),
    mask=st.sampled_from(["", "busy_only"]),
)
facts = st.builds(
    Facts,
    id=st.sampled_from(["a", "a-1", "b", "b-1", "-"]),
    provider=st.sampled_from(["sandbox", "caldav", "google_calendar"]),
    labels=st.dictionaries(
        st.sampled_from(["tenant", "tier", "other"]), st.sampled_from(["x", "y", "z"]), max_size=3
    ),
)
rpcs = st.sampled_from(RPC)


def plainly(one: Grant, found: Facts) -> bool:
    """Whether a grant is about a connection, as docs/access.md says it."""
    patterns = one.connections or ("*",)
    if found.id == "-":
        named = "-" in patterns
    else:
        named = any(
            pattern in {"*", found.id}
            or (pattern[-1:] == "*" and found.id.startswith(pattern[:-1]))
            for pattern in patterns
            if pattern != "-"
        )
    for key, wished in one.labels.items():
        values = [wished] if isinstance(wished, str) else wished
        named = named and found.labels.get(key) in values
    return named and (not one.providers or found.provider in one.providers)


def names(one: Grant, rpc: Any) -> bool:
    return bool(rpc.words & set(one.allow))


@busy_machine
@given(st.lists(grants, max_size=4), facts, rpcs)
def test_a_decision_is_what_the_documentation_says(
    given_grants: list[Grant], found: Facts, rpc: Any
) -> None:
    verdict = Policy(given_grants).verdict(rpc, found)
    about = [one for one in given_grants if plainly(one, found)]
    allowing = [one for one in about if names(one, rpc)]
    if not about:
        wished = Verdict.UNSEEN
    elif not allowing:
        wished = Verdict.REFUSED
    elif any(not one.mask for one in allowing):
        wished = Verdict.FULL
    else:
        wished = Verdict.BUSY if rpc.name in BUSY_RPCS else Verdict.MASKED
    assert verdict is wished


@busy_machine
@given(st.lists(grants, max_size=4), facts, rpcs)
def test_what_may_be_done_anywhere_is_what_the_first_look_lets_through(
    given_grants: list[Grant], found: Facts, rpc: Any
) -> None:
    """The look at the RPC's name alone refuses nothing that the look at the object allows."""
    policy = Policy(given_grants)
    if policy.verdict(rpc, found) in ALLOWED or policy.may_make(rpc, found):
        assert policy.may(rpc)


@busy_machine
@given(st.lists(grants, max_size=3), grants, facts, rpcs)
def test_a_grant_more_takes_nothing_away(
    some: list[Grant], more: Grant, found: Facts, rpc: Any
) -> None:
    order = [Verdict.UNSEEN, Verdict.REFUSED, Verdict.MASKED, Verdict.BUSY, Verdict.FULL]
    before = Policy(some).verdict(rpc, found)
    after = Policy([*some, more]).verdict(rpc, found)
    assert order.index(after) >= order.index(before)


@busy_machine
@given(st.lists(grants, max_size=3), facts, rpcs)
def test_what_may_be_made_may_be_seen_afterwards(some: list[Grant], found: Facts, rpc: Any) -> None:
    policy = Policy(some)
    if found.id != "-" and policy.may_make(rpc, found):
        assert policy.verdict(rpc, found) is Verdict.FULL


@busy_machine
@given(st.lists(grants, max_size=3), facts, rpcs)
def test_a_decision_is_remembered_for_the_very_facts_alone(
    some: list[Grant], found: Facts, rpc: Any
) -> None:
    policy = Policy(some)
    first = policy.verdict(rpc, found)
    assert policy.verdict(rpc, found) is first
    moved = Facts(found.id, found.provider, {"tenant": "nobody"})
    assert policy.verdict(rpc, moved) is Policy(some).verdict(rpc, moved)


def test_no_policy_is_no_right() -> None:
    policy = Policy([])
    for rpc in RPC:
        assert not policy.may(rpc)
        assert policy.verdict(rpc, Facts("a", "sandbox")) is Verdict.UNSEEN
        assert policy.verdict(rpc, None) is Verdict.UNSEEN


# -- the table


def table(*rows: tuple[list[str], str]) -> Subjects:
    policies = [
        {"subjects": subjects, "allow": [allow], "connections": ["*"]} for subjects, allow in rows
    ]
    return Subjects(parse({"policies": policies}).policies)


def may(found: Subjects, name: str) -> set[str]:
    policy = found.policy([name])
    return {rpc.name for rpc in RPC if policy.may(rpc)}


def test_subjects_are_names_beginnings_of_paths_or_everybody() -> None:
    found = table(
        (["spiffe://d.example/ns/a"], "GetEvent"),
        (["spiffe://d.example/ns/a/*"], "ListEvents"),
        (["spiffe://d.example/*"], "GetRoom"),
        (["api_key:billing", "dns:host.example"], "GetLink"),
        (["*"], "ListRooms"),
    )
    assert may(found, "spiffe://d.example/ns/a") == {"GetEvent", "GetRoom", "ListRooms"}
    assert may(found, "spiffe://d.example/ns/a/b") == {"ListEvents", "GetRoom", "ListRooms"}
    assert may(found, "spiffe://d.example/ns/ab") == {"GetRoom", "ListRooms"}
    assert may(found, "spiffe://d.example.evil/ns/a/b") == {"ListRooms"}
    assert may(found, "api_key:billing") == {"GetLink", "ListRooms"}
    assert may(found, "api_key:billing2") == {"ListRooms"}
    assert may(found, "oidc:x:sub=*") == {"ListRooms"}
    assert may(found, "oidc:x:sub=spiffe://d.example/ns/a") == {"ListRooms"}


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("policies.subjects", {"subjects": []}),
        ("policies.subjects", {"subjects": ["somebody"]}),
        ("policies.subjects", {"subjects": ["api_key:*"]}),
        ("policies.subjects", {"subjects": ["spiffe://d/ns*"]}),
        ("policies.subjects", {"subjects": ["spiffe://D/ns"]}),
        ("policies.subjects", {"subjects": ["oidc:nobody:groups=x"]}),
        ("policies.allow", {"allow": []}),
        ("policies.allow", {"allow": ["reads"]}),
        ("policies.connections", {"connections": []}),
        ("policies.connections", {"connections": ["a*b"]}),
        ("policies.connections", {"connections": [""]}),
        ("policies.connections", {"connections": ["-*"]}),
        ("policies.providers", {"providers": ["nobody"]}),
        ("policies.labels", {"labels": {"tenant": []}}),
        ("policies.labels", {"labels": {"a b": "x"}}),
        ("policies.mask", {"mask": "busy"}),
        ("policies[0].color", {"color": "red"}),
    ],
)
def test_a_policy_that_is_wrong_stops_the_start(key: str, change: dict[str, Any]) -> None:
    good = {"subjects": ["*"], "allow": ["read"], "connections": ["*"]}
    parse({"policies": [good]})
    with pytest.raises(SettingsError) as caught:
        parse({"policies": [good | change]})
    assert caught.value.key == key


def test_nobody_is_let_in_by_certificate_without_a_policy() -> None:
    tls = {"cert": "c", "key": "k", "client_ca": "ca"}
    with pytest.raises(SettingsError) as caught:
        parse({"tls": tls, "access": {"mode": ["mtls"]}})
    assert caught.value.key == "policies"


def test_keys_need_a_store_that_lasts() -> None:
    with pytest.raises(SettingsError) as caught:
        parse({"store": "memory:", "access": {"mode": ["api_key"]}})
    assert caught.value.key == "store"


def test_a_grant_shows_itself_whole() -> None:
    shown = repr(grant("read", labels={"tenant": "acme"}))
    assert "acme" in shown
