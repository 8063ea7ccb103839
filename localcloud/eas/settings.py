"""The knobs of the queue sub-service, read from the optional file ``eas/queue.json`` in the state folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from shared.errors import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "queue.json"


class QueueSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How both queues behave; named like the keys below ``queue`` in a service's JSON where such a key is known.

    The defaults of `max_delivery`, `max_idle_s`, `dead_message_policy` and the two `auto_evict` are those of the real
    service as far as known; `max_payload_bytes` is what its documentation calls typical. The two lengths are chosen:
    the real ones follow from the memory of the queue's instance.
    """

    #: Larger records are refused with 413. The real limit is a service's attribute ``meta.maxPayloadBytes``.
    max_payload_bytes: Annotated[int, msgspec.Meta(ge=1)] = 8192
    #: How many records the input queue holds; one more is refused with 450, or evicts the oldest.
    source_max_length: Annotated[int, msgspec.Meta(ge=1)] = 10_000
    #: The same for the sink.
    sink_max_length: Annotated[int, msgspec.Meta(ge=1)] = 10_000
    source_auto_evict: bool = False
    sink_auto_evict: bool = False
    #: How often one record is delivered to one group before it counts as dead; 0 is without limit, 1 means no retry.
    max_delivery: Annotated[int, msgspec.Meta(ge=0)] = 5
    #: ``Rear`` keeps dead records in the rear queue, ``Drop`` forgets them.
    dead_message_policy: Literal["Rear", "Drop"] = "Rear"
    #: How long a consumer may hold a record before it is delivered again; 0 is without limit.
    max_idle_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    #: Whether a waiting GET with ``_auto_delete_=true`` takes its record although its client has gone, as the real
    #: service does: the record is lost.
    lossy_get: bool = True


def read_settings(folder: Path) -> QueueSettings:
    """The settings in `folder`, or the defaults when there is no file. Raises `Misconfigured`."""
    file = folder / FILE_NAME
    if not file.exists():
        return QueueSettings()
    try:
        return msgspec.json.decode(file.read_bytes(), type=QueueSettings)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file}: {error}") from None
