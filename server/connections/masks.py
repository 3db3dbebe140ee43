"""Which fields of a connection an update writes."""

from google.protobuf.field_mask_pb2 import FieldMask

from providers.core.errors import ProviderError
from ucal.v1 import connection_pb2

CREDENTIALS = ("oauth", "basic", "api_key", "secret_reference", "service_account")
_WRITABLE = ("display_name", "base_url", "labels", *CREDENTIALS)
_IMMUTABLE = ("id", "provider")


def paths(
    asked: connection_pb2.Connection, mask: FieldMask | None, current: connection_pb2.Connection
) -> tuple[str, ...]:
    """The fields to write: those of `mask`, or, without one, those that are set in `asked`.

    Raises:
        ProviderError: INVALID at update_mask for a field that is unknown, cannot be written or
            would leave the connection in pieces; at connection for an immutable one that differs.
    """
    for name in _IMMUTABLE:
        if getattr(asked, name) not in {"", getattr(current, name)}:
            raise ProviderError.invalid(f"connection.{name}", "cannot be changed")
    if mask is None:
        found = [field.name for field, _ in asked.ListFields() if field.name in _WRITABLE]
    else:
        found = list(dict.fromkeys(mask.paths))
        for path in found:
            _check(path, asked)
    if len([name for name in found if name in CREDENTIALS]) > 1:
        raise ProviderError.invalid("update_mask", "names several kinds of credentials")
    if not found:
        raise ProviderError.invalid("update_mask", "nothing to write: name or set a field")
    return tuple(found)


def _check(path: str, asked: connection_pb2.Connection) -> None:
    if path in _WRITABLE:
        if path in CREDENTIALS and asked.WhichOneof("credentials") != path:
            raise ProviderError.invalid(f"connection.{path}", "is named in the mask and not set")
        return
    root = path.partition(".")[0]
    if root in _WRITABLE:
        raise ProviderError.invalid("update_mask", f"{root} is written as a whole")
    if root in asked.DESCRIPTOR.fields_by_name:
        raise ProviderError.invalid("update_mask", f"{root} cannot be written")
    raise ProviderError.invalid("update_mask", f'no such field: {path[:100]!r} ("*" is not taken)')
