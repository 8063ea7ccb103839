"""Secrets that stand in the files themselves, where they would be committed, copied and shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import yaml

from cli.checks.deployment import Description
from cli.eas.secrecy import is_secret_name, looks_like_key
from cli.findings import Finding
from localcloud.fc.deployment import LOADER
from shared.settings import Settings

_SECRETS = frozenset(field.metadata["variable"] for field in fields(Settings) if field.metadata["secret"])
#: What may stand in the place of a secret: the name of a variable, without a default that would be one.
_FROM_OUTSIDE = re.compile(r"\$\{env\('\w+'(, '')?\)\}|\$\{vars\.[\w.]+\}|kms:[A-Za-z0-9+/=_-]+|")
_WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/_-]{16,}")


def secrets_in_clear(description: Description) -> Iterator[Finding]:
    """Secrets in the file itself; what it extends is looked at by itself."""
    seen: set[tuple[str, str]] = set()
    content = yaml.load(description.own_text, Loader=LOADER)  # noqa: S506 - it is one of the safe ones
    for place, name, value in _values(content, ""):
        named = name in _SECRETS or (re.search(r"\.(environmentVariables|settings)\.", place) and is_secret_name(name))
        wrong = (named and not _FROM_OUTSIDE.fullmatch(value)) or looks_like_key(value) or _WEBHOOK_SECRET.search(value)
        # A map that is merged into others stands in each of them.
        if wrong and (name, value) not in seen:
            yield Finding(
                "a secret in clear",
                f"{description.file.name}: {place}",
                f"write ${{env('{name}')}}, set that variable where you deploy, and change the secret: it was readable",
            )
        seen.add((name, value))


def _values(value: Any, place: str, name: str = "") -> Iterator[tuple[str, str, str]]:
    """Every text of a document with its place and the name that it stands under."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _values(item, f"{place}.{key}".lstrip("."), str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _values(item, f"{place}[{index}]", name)
    elif isinstance(value, str):
        yield place, name, value
