"""The table of errors, and answers that are not what they should be."""

import httpx
import pytest

from providers.core.errors import Kind
from providers.core.http import Reply
from providers.microsoft.errors import classify
from tests.providers.microsoft.desk import Held, desk, meeting, person, refused
from tests.providers.microsoft.double.tokens import TOKEN
from ucal.v1 import connection_pb2

TABLE = [
    (400, "BadRequest", Kind.INVALID),
    (400, "RequestBodyRead", Kind.INVALID),
    (400, "ErrorInvalidRequest", Kind.INVALID),
    (400, "ErrorPropertyValidationFailure", Kind.INVALID),
    (400, "ErrorInvalidIdMalformed", Kind.INVALID),
    (400, "ErrorCalendarInvalidRecurrence", Kind.INVALID),
    (400, "ErrorOccurrenceCrossingBoundary", Kind.INVALID),
    (400, "TimeZoneNotSupportedException", Kind.INVALID),
    (400, "ErrorCalendarViewRangeTooBig", Kind.INVALID),
    (400, "ErrorInvalidParameter", Kind.INVALID),
    (400, "ValidationError", Kind.PRECONDITION),
    (401, "InvalidAuthenticationToken", Kind.UNAUTHENTICATED),
    (401, "Unauthenticated", Kind.UNAUTHENTICATED),
    (402, "PaymentRequired", Kind.PRECONDITION),
    (403, "ErrorAccessDenied", Kind.FORBIDDEN),
    (403, "accessDenied", Kind.FORBIDDEN),
    (403, "Authorization_RequestDenied", Kind.INSUFFICIENT_SCOPE),
    (403, "Forbidden", Kind.FORBIDDEN),
    (404, "ErrorItemNotFound", Kind.NOT_FOUND),
    (404, "ResourceNotFound", Kind.NOT_FOUND),
    (404, "itemNotFound", Kind.NOT_FOUND),
    (404, "Request_ResourceNotFound", Kind.NOT_FOUND),
    (404, "MailboxNotEnabledForRESTAPI", Kind.PRECONDITION),
    (403, "ErrorNonExistentMailbox", Kind.PRECONDITION),
    (405, "Request_BadRequest", Kind.UNSUPPORTED),
    (501, "notImplemented", Kind.UNSUPPORTED),
    (422, "unprocessableEntity", Kind.INVALID),
    (409, "ErrorIrresolvableConflict", Kind.CONFLICT),
    (409, "nameAlreadyExists", Kind.ALREADY_EXISTS),
    (409, "ErrorFolderExists", Kind.ALREADY_EXISTS),
    (409, "ErrorDuplicateTransactionId", Kind.ALREADY_EXISTS),
    (410, "resyncRequired", Kind.CURSOR_EXPIRED),
    (410, "Gone", Kind.CURSOR_EXPIRED),
    (400, "syncStateNotFound", Kind.CURSOR_EXPIRED),
    (404, "syncStateInvalid", Kind.CURSOR_EXPIRED),
    (412, "ErrorIrresolvableConflict", Kind.CONFLICT),
    (412, "PreconditionFailed", Kind.CONFLICT),
    (413, "RequestEntityTooLarge", Kind.INVALID),
    (423, "Locked", Kind.PRECONDITION),
    (429, "TooManyRequests", Kind.RATE_LIMITED),
    (429, "ApplicationThrottled", Kind.RATE_LIMITED),
    (503, "activityLimitReached", Kind.RATE_LIMITED),
    (509, "bandwidthLimitExceeded", Kind.RATE_LIMITED),
    (500, "InternalServerError", Kind.UNAVAILABLE),
    (500, "generalException", Kind.UNAVAILABLE),
    (502, "BadGateway", Kind.UNAVAILABLE),
    (503, "ServiceUnavailable", Kind.UNAVAILABLE),
    (504, "GatewayTimeout", Kind.TIMEOUT),
    (507, "insufficientStorage", Kind.QUOTA_EXCEEDED),
]


def _reply(status: int, body: bytes, **headers: str) -> Reply:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, httpx.Headers(fields), body, "https://graph.microsoft.com/v1.0/me")


@pytest.mark.parametrize(("status", "code", "kind"), TABLE, ids=[f"{s}-{c}" for s, c, _ in TABLE])
def test_the_whole_table(status: int, code: str, kind: Kind) -> None:
    body = b'{"error":{"code":"%s","message":"secret@example.com"}}' % code.encode()
    error = classify(_reply(status, body, request_id="abc", retry_after="7"))
    assert error.kind is kind
    assert error.metadata["provider_code"] == code
    assert error.metadata["provider_request_id"] == "abc"
    assert error.retry_after == 7
    assert "secret" not in f"{error.message}{error.metadata}"


def test_inner_codes_tell_more_than_outer_ones() -> None:
    body = b'{"error":{"code":"UnknownError","innerError":{"code":"SyncStateNotFound"}}}'
    assert classify(_reply(400, body)).kind is Kind.CURSOR_EXPIRED


def test_an_application_without_access_policy() -> None:
    text = b'{"error":{"code":"Forbidden","message":"No application access policy found for 1"}}'
    error = classify(_reply(403, text))
    assert (error.kind, error.reason) == (Kind.PRECONDITION, "APPLICATION_ACCESS_POLICY_MISSING")


def test_html_and_nonsense_are_no_crash() -> None:
    """P21: a 500 with a page of HTML."""
    for body in (b"<html>500</html>", b"", b"\xff\xfe", b"[]", b'{"error":"x"}', b'{"error":1}'):
        assert classify(_reply(500, body)).kind is Kind.UNAVAILABLE
        assert classify(_reply(403, body)).kind is Kind.FORBIDDEN


async def test_a_page_of_html_from_a_gateway() -> None:
    """P21: through the whole provider."""
    async with desk() as d:
        d.graph.fail(500, times=9, body=b"<html>Service error</html>")
        with refused(Kind.UNAVAILABLE):
            await d.listed()


HOSTILE = [
    b"<html></html>",
    b'{"value": [',
    b"[]",
    b'{"value": [{"subject": "no id"}]}',
    b'{"value": [{"id": 7}]}',
    b'{"value": [{"id": "a", "start": {"dateTime": "soon"}, "end": {"dateTime": "later"}}]}',
    b'{"value": [{"id": "a", "attendees": {"a": 1}}]}',
    b'{"value": [{"id": "a", "reminderMinutesBeforeStart": "five"}]}',
    b'{"value": [{"id": "a", "start": {"dateTime": "2026-13-01T00:00:00", "timeZone": "UTC"}}]}',
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
async def test_answers_that_are_not_what_the_documentation_says(body: bytes) -> None:
    async with desk() as d:
        d.graph.fail(200, body=body)
        with refused(Kind.PROVIDER_FAULT):
            await d.listed()


async def test_numbers_and_times_that_nobody_can_hold() -> None:
    far = '{"dateTime": "0001-01-01T00:00:00", "timeZone": "Tokyo Standard Time"}'
    late = '{"dateTime": "9999-12-31T23:59:59", "timeZone": "UTC"}'
    zone = '"originalStartTimeZone": "Tokyo Standard Time"'
    async with desk() as d:
        for body, fine in (
            ('{"id": "a", "isReminderOn": true, "reminderMinutesBeforeStart": 99999999999}', True),
            ('{"id": "a", "attachments": [{"size": 99999999999999999999}]}', True),
            (f'{{"id": "a", "start": {far}, "end": {far}}}', False),
            (f'{{"id": "a", "isAllDay": true, "start": {late}, "end": {late}, {zone}}}', True),
            (f'{{"id": "a", "start": {late}, "end": {late}, {zone}}}', True),
        ):
            d.graph.fail(200, body=f'{{"value": [{body}]}}'.encode())
            if fine:
                assert [e.id for e in await d.listed()] == ["a"]
                continue
            with refused(Kind.PROVIDER_FAULT):
                await d.listed()


async def test_words_that_are_new_do_not_spoil_a_page() -> None:
    async with desk() as d:
        made = await d.make(meeting())
        d.calendar.items[made.id].data |= {
            "showAs": "hiding", "sensitivity": "strange", "onlineMeetingProvider": "holodeck",
            "isOnlineMeeting": True, "reminderMinutesBeforeStart": -2147483648, "brandNew": {},
        }  # fmt: skip
        (found,) = await d.listed()
        assert found.show_as == 0
        assert found.conference.provider_kind == "holodeck"
        assert found.reminders.overrides[0].minutes_before == 0
        d.graph.journal.clear()  # the metadata knows no such words


async def test_a_claims_challenge_wants_the_person_and_no_refresh() -> None:
    """Continuous access evaluation: a new token would be refused as well."""
    async with desk() as d:
        d.grant = person()
        d.grant.credentials.refresh_token = "refresh"
        d.grant.fresh = TOKEN
        challenge = (
            'Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
        )
        d.graph.fail(401, headers={"WWW-Authenticate": challenge})
        with refused(Kind.REAUTHORIZATION_REQUIRED, reason="CLAIMS_CHALLENGE") as caught:
            await d.listed()
        assert caught.value.metadata["claims"] == "eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="
        assert d.grant.renewals == 0
        d.graph.fail(401)
        await d.listed()
        assert d.grant.renewals == 1


async def test_an_application_acts_for_a_mailbox_by_its_path() -> None:
    """`/me` is not for applications."""
    from tests.providers.microsoft.desk import application

    async with desk() as d:
        d.grant = application()
        made = await d.make(meeting())
        assert [e.id for e in await d.listed()] == [made.id]
        assert all(e.path.startswith("/users/ada%40contoso.com/") for e in d.graph.journal)
        d.grant = Held(connection_pb2.ServiceAccountCredentials(client_id="app"), "app")
        with refused(Kind.PRECONDITION, reason="MAILBOX_MISSING"):
            await d.listed()
