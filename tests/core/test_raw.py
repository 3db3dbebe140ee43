"""`raw`: exact, whatever JSON holds."""

import math
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, MessageToJson
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from providers.core.raw import fill_raw
from ucal.v1 import event_pb2

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=30,
)


def filled(found: dict[str, Any]) -> Any:
    target = Struct()
    fill_raw(target, found, "own/1")
    kept = MessageToDict(target)
    assert kept.pop("__id") == "own/1"
    return kept


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, max_size=5))
def test_an_object_is_kept_as_it_is(found: dict[str, Any]) -> None:
    found.pop("__id", None)
    assert filled(found) == found


def test_integers_keep_all_their_digits() -> None:
    """P83: a meeting's id has 64 bits."""
    found = {
        "a": 2**53,
        "b": 2**53 + 1,
        "c": -(2**53) - 1,
        "d": [2**63],
        "e": 0,
        "f": True,
        "g": -(2**53),
    }
    assert filled(found) == {
        "a": 2.0**53,
        "b": "9007199254740993",
        "c": "-9007199254740993",
        "d": ["9223372036854775808"],
        "e": 0.0,
        "f": True,
        "g": -(2.0**53),
    }


def test_empty_things_stay_what_they_are() -> None:
    found: dict[str, Any] = {"a": {}, "b": [], "c": "", "d": None, "e": [{}, [], None]}
    assert filled(found) == found


def test_numbers_that_are_not_finite_can_still_be_written_as_json() -> None:
    target = Struct()
    fill_raw(target, {"a": math.inf, "b": [math.nan]}, "x")
    assert '"inf"' in MessageToJson(target)


@pytest.mark.parametrize("depth", [1, 20, 28, 29, 100, 400])
@pytest.mark.parametrize("kind", ["list", "object"])
def test_deep_objects_can_be_read_by_every_client(kind: str, depth: int) -> None:
    value: Any = "leaf"
    for _ in range(depth):
        value = [value] if kind == "list" else {"k": value}
    answer = event_pb2.ListEventsResponse()
    fill_raw(answer.events.add().raw, {"v": value}, "x")
    again = event_pb2.ListEventsResponse.FromString(answer.SerializeToString())
    assert again == answer
    assert "leaf" in str(again)


def test_what_was_there_is_gone() -> None:
    target = Struct()
    fill_raw(target, {"old": 1}, "x")
    fill_raw(target, {"new": 1}, "y")
    assert MessageToDict(target) == {"new": 1.0, "__id": "y"}


def test_what_is_not_json_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        fill_raw(Struct(), {"a": object()}, "x")
