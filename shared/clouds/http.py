"""One HTTP call to a service, its failures told apart by what may already have happened."""

from __future__ import annotations

import os
from typing import Any

from shared.errors import Misconfigured, OutcomeUnknown, Refused, TripcanvasError, Unavailable

#: Nothing was taken: throttled, or the instance's queue is full (450 is EAS's). A 503 may come from a gateway behind
#: which the request was taken.
_TOOK_NOTHING = frozenset({429, 450})
_REFUSES_US = frozenset({401, 403, 404})
#: Most bytes of an answer, unpacked; the sink's answer of 16 records of 64 KiB each fits.
_MAX_ANSWER_BYTES = 8 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024


def open_session(url: str, session: Any = None) -> Any:
    """A `requests.Session` (or the one given) for calls to `url`, with the machine's proxy and CA settings.

    They are looked up once: `requests` would walk the whole environment at every call, which is a fifth of what a
    function computes for a trip.
    """
    import requests

    session = session or requests.Session()
    session.proxies = requests.utils.get_environ_proxies(url)
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    session.trust_env = False
    return session


def call(
    session: Any,
    service: str,
    method: str,
    url: str,
    *,
    timeout_s: float | tuple[float, float],
    check: str,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    answers: tuple[int, ...] = (),
) -> Any:
    """Make one call on a `requests.Session` and return the response of a 2xx; redirects are not followed.

    `timeout_s` bounds each wait, or connecting and reading separately. Raises `Misconfigured` for 401, 403, 404, a
    redirect or an address that is none (`check` names the settings to look at), `Unavailable` when nothing can have
    taken effect, `OutcomeUnknown` when it may have, and `Refused` for every other status. A status among `answers`
    is returned instead.
    """
    import requests

    try:
        answer = session.request(
            method, url, params=query, data=body, headers=headers, timeout=timeout_s, allow_redirects=False, stream=True
        )
        read_bounded(answer, _MAX_ANSWER_BYTES)
    except requests.exceptions.RequestException as error:
        raise transport_error(service, error, check) from None
    except ValueError:
        # What requests lets through of a redirect to, or a setting with, an address that can't be parsed.
        raise Misconfigured(f"{service}: an address that is none; check {check}") from None
    status = answer.status_code
    if 200 <= status < 300 or status in answers:
        return answer
    if status in _REFUSES_US or status < 400:
        raise Misconfigured(f"{service}: answered {status}; check {check}")
    if status in _TOOK_NOTHING:
        raise Unavailable(service, str(status))
    if status >= 500 or status == 408:
        raise OutcomeUnknown(service, str(status))
    raise Refused(service, str(status))


def read_bounded(answer: Any, max_bytes: int) -> Any:
    """Read the body of a streamed `requests.Response`, which then is as one that was not streamed.

    Raises `requests.exceptions.ContentDecodingError` when the body, unpacked, is larger than `max_bytes`: a packed
    one may be a thousand times larger than what travelled.
    """
    import requests

    body = bytearray()
    with answer:
        for chunk in answer.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > max_bytes:
                raise requests.exceptions.ContentDecodingError(f"more than {max_bytes} bytes")
    answer._content, answer._content_consumed = bytes(body), True
    return answer


def transport_error(service: str, error: Exception, check: str) -> TripcanvasError:
    """What a `requests.RequestException` means: nothing was sent, or it may have been; or the address is none."""
    import requests.exceptions as failures
    from urllib3.exceptions import MaxRetryError

    if isinstance(error, failures.InvalidURL | failures.MissingSchema | failures.InvalidSchema):
        return Misconfigured(f"{service}: the address is not an http(s) address; check {check}")
    if isinstance(error, failures.ConnectTimeout):
        return Unavailable(service, "ConnectionFailed", "connect timeout")
    if isinstance(error, failures.ConnectionError):
        # Only a connection that was never made comes wrapped as MaxRetryError; a broken one does not.
        refused = bool(error.args) and isinstance(error.args[0], MaxRetryError)
        kind = Unavailable if refused else OutcomeUnknown
        return kind(service, "ConnectionFailed", type(error).__name__)
    return OutcomeUnknown(service, "Timeout", type(error).__name__)
