"""The deployment's settings, read from the environment once per function instance.

Secrets are kept out of every repr. They come from the environment, encrypted by KMS if one likes (`shared.clouds.kms`),
or from a file. A setting that a step needs and that is empty raises `Misconfigured` when the step
asks for it, so that a function needs only the settings of its own work.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from shared.errors import Misconfigured

#: Names a TOML file that only its owner can read, with ``dashscope_api_key = "sk-…"`` and other secrets in it.
CREDENTIALS_FILE = "TRIPCANVAS_CREDENTIALS_FILE"


#: What the value of a secret begins with that KMS has encrypted; the rest is KMS's CiphertextBlob.
ENCRYPTED = "kms:"


def _setting(variable: str, default: str = "", *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"variable": variable, "secret": secret})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of the functions, all as text; the field's metadata names its environment variable."""

    region: str = _setting("TRIPCANVAS_REGION", "cn-shanghai")

    #: Where secrets written ``kms:…`` are decrypted; empty means the region's public address.
    kms_endpoint: str = _setting("TRIPCANVAS_KMS_ENDPOINT")
    oss_endpoint: str = _setting("TRIPCANVAS_OSS_ENDPOINT")
    ledger_bucket: str = _setting("TRIPCANVAS_LEDGER_BUCKET")
    gallery_bucket: str = _setting("TRIPCANVAS_GALLERY_BUCKET")
    #: Address under which the gallery bucket's public objects are read: a CDN domain, or the bucket's own.
    gallery_url: str = _setting("TRIPCANVAS_GALLERY_URL")
    #: Where the GPU side's storage mount lives: bucket and prefix of the EAS service's `storage` entry.
    render_bucket: str = _setting("TRIPCANVAS_RENDER_BUCKET")
    render_prefix: str = _setting("TRIPCANVAS_RENDER_PREFIX", "comfy")

    mns_endpoint: str = _setting("TRIPCANVAS_MNS_ENDPOINT")
    trip_topic: str = _setting("TRIPCANVAS_TRIP_TOPIC", "trip-completed")
    result_topic: str = _setting("TRIPCANVAS_RESULT_TOPIC", "render-finished")
    dead_letter_queue: str = _setting("TRIPCANVAS_DEAD_LETTER_QUEUE", "tripcanvas-dead-letters")

    dashscope_url: str = _setting("TRIPCANVAS_DASHSCOPE_URL", "https://dashscope.aliyuncs.com/api/v1")
    dashscope_api_key: str = _setting("DASHSCOPE_API_KEY", secret=True)
    text_model: str = _setting("TRIPCANVAS_TEXT_MODEL", "qwen3.7-plus")
    text_timeout_s: str = _setting("TRIPCANVAS_TEXT_TIMEOUT_S", "15")
    #: The model that judges finished pictures; "off" leaves the judging out.
    judge_model: str = _setting("TRIPCANVAS_JUDGE_MODEL", "qwen3.7-plus")
    judge_timeout_s: str = _setting("TRIPCANVAS_JUDGE_TIMEOUT_S", "30")
    image_model: str = _setting("TRIPCANVAS_IMAGE_MODEL", "wan2.2-t2i-flash")

    #: Content Moderation's address, in a region that has the services below.
    green_endpoint: str = _setting("TRIPCANVAS_GREEN_ENDPOINT", "https://green-cip.cn-shanghai.aliyuncs.com")
    green_words_service: str = _setting("TRIPCANVAS_GREEN_WORDS_SERVICE", "llm_query_moderation")
    green_answer_service: str = _setting("TRIPCANVAS_GREEN_ANSWER_SERVICE", "llm_response_moderation")
    green_name_service: str = _setting("TRIPCANVAS_GREEN_NAME_SERVICE", "nickname_detection_pro")
    #: Separated by commas; each of them must let the picture pass.
    green_picture_services: str = _setting("TRIPCANVAS_GREEN_PICTURE_SERVICES", "aigcCheck,baselineCheck")
    #: What becomes of low risk: "pass", or "hold" for a person.
    green_low: str = _setting("TRIPCANVAS_GREEN_LOW", "pass")

    eas_url: str = _setting("TRIPCANVAS_EAS_URL")
    eas_service: str = _setting("TRIPCANVAS_EAS_SERVICE", "tripcanvas_comfyui")
    eas_token: str = _setting("TRIPCANVAS_EAS_TOKEN", secret=True)
    #: Which edition of ComfyUI the service is: "api" (its queue) or "standard" (one server by itself).
    eas_edition: str = _setting("TRIPCANVAS_EAS_EDITION", "api")
    #: `meta.maxPayloadBytes` of the input queue.
    eas_max_payload_bytes: str = _setting("TRIPCANVAS_EAS_MAX_PAYLOAD_BYTES", "8192")
    workflow: str = _setting("TRIPCANVAS_WORKFLOW", "wanx_scene")
    #: The workflow of a journey's last render, when the others failed or were not good enough.
    safer_workflow: str = _setting("TRIPCANVAS_SAFER_WORKFLOW", "wanx_scene")
    #: How long one render may take, queueing included, before the sweeper asks what became of it.
    render_deadline_s: str = _setting("TRIPCANVAS_RENDER_DEADLINE_S", "1800")
    #: How long any other step may take before the sweeper acts.
    step_allowance_s: str = _setting("TRIPCANVAS_STEP_ALLOWANCE_S", "900")
    #: Age at which a journey that can't be finished is closed as failed.
    lifetime_s: str = _setting("TRIPCANVAS_LIFETIME_S", "86400")
    #: How long one run of the relay polls; a little under the timer's minute.
    relay_seconds: str = _setting("TRIPCANVAS_RELAY_SECONDS", "57")

    #: A table of prices in place of ``shared/data/prices.toml``: a path in the package, or an absolute one.
    prices: str = _setting("TRIPCANVAS_PRICES")

    #: Where posts go: "http" (the site at `feed_url`) or "mns" (the topic `feed_topic`).
    feed_target: str = _setting("TRIPCANVAS_FEED_TARGET", "http")
    feed_url: str = _setting("TRIPCANVAS_FEED_URL")
    feed_topic: str = _setting("TRIPCANVAS_FEED_TOPIC", "community-feed")
    #: ``whsec_…``; two of them, separated by a space or a comma, while it is being changed.
    feed_secret: str = _setting("TRIPCANVAS_FEED_SECRET", secret=True)
    #: The provider's 27-character code of TC260-PG-20252A, as the owner was assigned it. Never invented.
    producer_code: str = _setting("TRIPCANVAS_PRODUCER_CODE")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; an empty variable counts as absent.

        Secrets that the environment leaves open come from the file that `CREDENTIALS_FILE` names, if it names one.
        Raises `Misconfigured` for a file that can't be used.
        """
        source = os.environ if environment is None else environment
        found = {f.name: source.get(f.metadata["variable"], "").strip() for f in fields(cls)}
        file = source.get(CREDENTIALS_FILE, "").strip()
        if file and not all(found[name] for name in cls.secrets()):
            from shared.credentials_file import read_credentials

            kept = read_credentials(Path(file), cls.secrets())
            found.update({name: found[name] or value for name, value in kept.items()})
        return cls(**{name: value for name, value in found.items() if value})

    @classmethod
    def secrets(cls) -> tuple[str, ...]:
        """The names of the settings that are secrets."""
        return tuple(f.name for f in fields(cls) if f.metadata["secret"])

    def need(self, name: str) -> str:
        """The value of one setting. Raises `Misconfigured`, naming the environment variable, when it is empty."""
        value: str = getattr(self, name)
        if not value:
            raise Misconfigured(f"{self.variable(name)} is not set")
        return value

    def number(self, name: str) -> float:
        """The value of one numeric setting. Raises `Misconfigured` when it is no positive number."""
        try:
            value = float(self.need(name))
        except ValueError:
            value = 0.0
        if not 0 < value < 1e9:
            raise Misconfigured(f"{self.variable(name)} must be a positive number")
        return value

    @classmethod
    def defaults(cls) -> dict[str, str]:
        """What stands where the environment says nothing, by the names of the environment's variables."""
        return {field.metadata["variable"]: str(field.default) for field in fields(cls)}

    @classmethod
    def variable(cls, name: str) -> str:
        """The environment variable of the field `name`."""
        variable: str = next(f.metadata["variable"] for f in fields(cls) if f.name == name)
        return variable


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key, long-lived or by STS (`security_token` not empty)."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)


def credentials_of(context: object) -> Credentials:
    """The credentials of this invocation.

    The python3.10 runtime hands them over with every request (`context.credentials`, refreshed); python3.12 only sets
    environment variables. Raises `Misconfigured` when neither has any.
    """
    given = getattr(context, "credentials", None)
    if given is not None and getattr(given, "access_key_id", None):
        return Credentials(given.access_key_id, given.access_key_secret, given.security_token or "")
    return credentials_from(os.environ)


def credentials_from(environment: Mapping[str, str]) -> Credentials:
    """The access key that the environment names. Raises `Misconfigured` when there is none."""
    access_key_id = environment.get("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
    secret = environment.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")
    if not access_key_id or not secret:
        raise Misconfigured("no credentials: give the function a role, or set ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET")
    return Credentials(access_key_id, secret, environment.get("ALIBABA_CLOUD_SECURITY_TOKEN", ""))
