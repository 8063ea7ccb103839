"""Every error this product raises, as one tree.

::

    TripcanvasError
    ├── InvalidInput          the sender's fault: never retried; ends as `rejected`, bytes kept in the dead-letter queue
    │   └── Conflict          the same trip id came before with other content
    ├── Misconfigured         our fault: a setting is missing, a key is refused, a model is retired; not retried, alarms
    ├── ServiceError          a service's fault; `service` and `code` say which and how
    │   ├── Unavailable       throttled, refused or broken before it took the request: retried, with a pause
    │   ├── OutcomeUnknown    the request may or may not have taken effect: look it up before repeating it
    │   └── Refused           the service understood and said no (content check, bad graph): not retried
    └── NotDone               the product did what it could; the journey ends as `failed`

Each type answers three questions: whose fault it is, whether trying again can help (`retryable`), and what may
already have happened (`OutcomeUnknown`). Messages name fields, services and codes, never the content of a trip.
"""

from __future__ import annotations

import re

_CODE = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def code_word(text: object) -> str:
    """A service's code or request id, as an error may repeat it: a plain word of at most 64 characters, else ""."""
    return text if isinstance(text, str) and _CODE.fullmatch(text) else ""


class TripcanvasError(Exception):
    """Anything this product raises on purpose."""

    #: Whether the same call can succeed later without anybody changing anything.
    retryable = False


class InvalidInput(TripcanvasError):
    """What was sent can't be used; `field` names the place and `expected` what would have been right."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"{field}: {expected}")
        self.field = field
        self.expected = expected


class Conflict(InvalidInput):
    """The same trip id was accepted before with other content; the first one stands."""


class Misconfigured(TripcanvasError):
    """A setting, key or model id of the deployment is wrong; no message can succeed until a person mends it."""


class ServiceError(TripcanvasError):
    """A service did not do what was asked.

    `service` is one of ``oss mns eas dashscope green feed fc comfyui kms``; `code` is the service's own code, or
    ``Timeout``/``ConnectionFailed`` when there was no answer.
    """

    def __init__(self, service: str, code: str, message: str = "") -> None:
        super().__init__(f"{service}: {code}" + (f": {message}" if message else ""))
        self.service = service
        self.code = code


class Unavailable(ServiceError):
    """The service took nothing: throttled, overloaded, refusing connections."""

    retryable = True


class OutcomeUnknown(ServiceError):
    """No answer came after the request was sent; it may have taken effect."""

    retryable = True


class Refused(ServiceError):
    """The service understood and said no; the same request can't succeed."""


class NotDone(TripcanvasError):
    """The journey can't be finished: attempts are used up or its deadline has passed."""
