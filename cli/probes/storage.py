"""OSS: the three buckets as they should be, create-only puts, and what the public can read."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import requests

from cli.deployment import Deployment
from cli.findings import Finding
from cli.probes.comparing import ABSENT, findings_of
from cli.probes.probe import Answer, Probe
from cli.provision.desired import buckets_of
from shared.clouds.objects import translated
from shared.errors import Misconfigured

_TIMEOUT_S = 5.0
#: What is put is deleted at once. A lifecycle rule ends what a run leaves that is cut off in between.
_LEDGER_PREFIX, _GALLERY_PREFIX = "probes/", "private/probes/"
_CONTENT = "探针 probe\n".encode()


def probes() -> tuple[Probe, ...]:
    """The probes of this service."""
    return (
        *(Probe(f"bucket of {setting}", _variable(setting), _bucket(setting)) for setting in _BUCKETS),
        Probe("create-only puts", _variable("ledger"), _create_only),
        Probe("pictures for the public", "TRIPCANVAS_GALLERY_URL", _public),
    )


_BUCKETS = ("ledger", "gallery", "render")


def _variable(setting: str) -> str:
    return f"TRIPCANVAS_{setting.upper()}_BUCKET"


def _bucket(setting: str) -> Callable[[Deployment], Answer]:
    def ask(deployment: Deployment) -> Answer:
        resource = buckets_of(deployment)[_BUCKETS.index(setting)]
        answer = findings_of([resource])
        region = deployment.settings.region
        if any(finding.what == ABSENT for finding in answer.findings):
            return answer
        where = translated(lambda: resource.bucket.sdk.get_bucket_location().location)
        if where != f"oss-{region}":
            wrong = Finding(f"the bucket lies in {where}", _variable(setting), f"take one in {region}")
            return Answer("not as it should be", (wrong, *answer.findings))
        return Answer(f"{where}, {answer.text}", answer.findings)

    return ask


def _create_only(deployment: Deployment) -> Answer:
    """Put a key that is free, then once more: the second put must be refused, or two runs would both be first."""
    bucket, key = deployment.services.ledger.bucket, _key(_LEDGER_PREFIX)
    if not bucket.create(key, _CONTENT, "text/plain"):
        return Answer("refused", (Finding("a put of a new key is refused", _variable("ledger"), "try again"),))
    try:
        is_taken_twice = bucket.create(key, b"second\n", "text/plain")
    finally:
        bucket.delete(key)
    if is_taken_twice:
        remedy = "take another bucket: versioning, once switched on, can't be undone"
        return Answer("overwritten", (Finding("a create-only put overwrites", _variable("ledger"), remedy),))
    return Answer("a key can be taken once")


def _public(deployment: Deployment) -> Answer:
    """Put a public and a private object, and read both as anybody would, by the gallery's address."""
    bucket, url = deployment.services.gallery, deployment.settings.need("gallery_url").rstrip("/")
    public, private = _key(_GALLERY_PREFIX), _key(_GALLERY_PREFIX)
    findings = []
    try:
        bucket.put(public, _CONTENT, "text/plain; charset=utf-8", public=True)
    except Misconfigured as error:
        remedy = "switch off `block public access` of the bucket, and give the key oss:PutObjectAcl"
        return Answer("refused", (Finding(f"a public object is refused: {error}", _variable("gallery"), remedy),))
    try:
        bucket.put(private, _CONTENT, "text/plain; charset=utf-8")
        found, hidden = _read(f"{url}/{public}"), _read(f"{url}/{private}")
    finally:
        for key in (public, private):
            bucket.delete(key)
    if found is None or found.status_code != 200 or found.content != _CONTENT:
        said = "no answer" if found is None else f"status {found.status_code}"
        remedy = "it must be the gallery bucket's own address, or a domain that is bound to it"
        findings.append(Finding(f"a public object can't be read there: {said}", "TRIPCANVAS_GALLERY_URL", remedy))
    elif "attachment" in found.headers.get("Content-Disposition", "") or "x-oss-force-download" in found.headers:
        remedy = "bind a domain of yours to the bucket: browsers download from this address instead of showing"
        findings.append(Finding("pictures are sent as downloads", "TRIPCANVAS_GALLERY_URL", remedy))
    if hidden is not None and hidden.status_code == 200:
        remedy = "make the bucket private, and switch off a CDN's access to private objects"
        findings.append(Finding("anybody can read a private object", _variable("gallery"), remedy))
    return Answer("not as it should be" if findings else "public readable, private not", tuple(findings))


def _read(address: str) -> requests.Response | None:
    try:
        return requests.get(address, timeout=_TIMEOUT_S, allow_redirects=False)
    except requests.RequestException:
        return None


def _key(prefix: str) -> str:
    return prefix + secrets.token_hex(8)
