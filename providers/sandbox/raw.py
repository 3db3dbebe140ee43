"""The exact object, for those who ask for it: what the sandbox keeps, in proto JSON names."""

from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from providers.core.raw import fill_raw


def fill(*resources: Message) -> None:
    """Fill `raw` of each resource."""
    for resource in resources:
        filled: Any = resource
        filled.raw.Clear()
        kept = MessageToDict(resource, preserving_proto_field_name=True)
        kept["kind"] = f"sandbox#{resource.DESCRIPTOR.name.lower()}"
        fill_raw(filled.raw, kept, filled.id)
