"""Failures of task groups: what is known comes out, what is not stays in sight."""

from providers.core.errors import Kind, ProviderError, sole

_BUSY = ProviderError(Kind.RATE_LIMITED, "wait", retry_after=7)
_GONE = ProviderError(Kind.NOT_FOUND, "gone")


def test_the_first_provider_error_comes_out_of_nested_groups() -> None:
    group = ExceptionGroup("outer", [ExceptionGroup("inner", [_BUSY]), _GONE])
    assert sole(group) is _BUSY


def test_a_bug_is_not_hidden_by_a_provider_error() -> None:
    group = ExceptionGroup("outer", [_BUSY, ValueError("a bug")])
    assert sole(group) is group
