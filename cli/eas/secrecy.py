"""What must not be shown: which names hold secrets, which values look like keys, and how both are masked."""

from __future__ import annotations

import re
from typing import Any

MASK = "***"

_NAMES = re.compile(r"(KEY|SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL)", re.IGNORECASE)
#: A name that only says where a secret lies.
_PLACES = re.compile(r"(FILE|PATH|URL|ENDPOINT)$", re.IGNORECASE)
#: DashScope keys, access key ids, private keys.
_KEYS = re.compile(r"\bsk-[A-Za-z0-9_-]{16,}|\bLTAI[A-Za-z0-9]{12,}|-----BEGIN [A-Z ]*PRIVATE KEY-----")
#: Keys of a service JSON whose value is a secret wherever they stand.
_SECRET_FIELDS = frozenset({"dockerAuth", "dockerauth", "token", "AccessToken"})


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret, by its name."""
    return bool(_NAMES.search(name)) and not _PLACES.search(name)


def looks_like_key(text: str) -> bool:
    """Whether `text` contains what has the shape of a key."""
    return bool(_KEYS.search(text))


def masked(document: Any, secrets: tuple[str, ...] = ()) -> Any:
    """A copy of a service JSON, or of any part of it, that may be shown.

    `secrets` names further variables of the containers. Values of variables with a secret's name, or in the shape of
    a key, and registry passwords become ``***``.
    """
    if isinstance(document, list):
        return [masked(each, secrets) for each in document]
    if isinstance(document, str):
        return MASK if looks_like_key(document) else document
    if not isinstance(document, dict):
        return document
    name = document.get("name")
    if isinstance(name, str) and "value" in document and (name in secrets or is_secret_name(name)):
        return {**document, "value": MASK}
    return {key: MASK if key in _SECRET_FIELDS and value else masked(value, secrets) for key, value in document.items()}
