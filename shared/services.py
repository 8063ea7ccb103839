"""The services of one function instance, built from the settings when a step first asks for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import TYPE_CHECKING

from shared.cars import load_cars
from shared.clouds.image_queue import ImageQueue, open_image_queue
from shared.clouds.llm import TextModel, VisionModel
from shared.clouds.messages import Messages, open_messages
from shared.clouds.moderation import Moderation, open_moderation
from shared.clouds.objects import Bucket, open_bucket
from shared.errors import Misconfigured
from shared.feed import FeedTarget, open_feed
from shared.journey import MAX_RENDERS
from shared.ledger import Ledger
from shared.pictures.composition.manifest import Manifest
from shared.settings import ENCRYPTED, Credentials, Settings, credentials_of
from shared.styles import Style, load_styles
from shared.telemetry import log
from shared.workflows import FOLDER, Workflow, load_workflow

if TYPE_CHECKING:
    from shared.prices import Prices
    from shared.spans import Spans


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Services:
    """What the steps act on. SDKs are imported by the first step that uses them: cold start is paid per instance."""

    settings: Settings
    credentials: Credentials = field(repr=False)
    now: Callable[[], datetime] = utc_now

    @cached_property
    def ledger(self) -> Ledger:
        """The journeys' records."""
        return Ledger(self._bucket("ledger_bucket"))

    @cached_property
    def gallery(self) -> Bucket:
        """Labelled pictures: public ones for the feed, private masters."""
        return self._bucket("gallery_bucket")

    @cached_property
    def renders(self) -> Bucket:
        """What the GPU side wrote."""
        return self._bucket("render_bucket")

    @cached_property
    def messages(self) -> Messages:
        """Topics and queues."""
        return open_messages(self.settings.need("mns_endpoint"), self.credentials)

    @cached_property
    def text_model(self) -> TextModel:
        """The model that writes the brief."""
        settings = self.settings
        return TextModel(
            settings.need("dashscope_url"),
            settings.need("dashscope_api_key"),
            settings.need("text_model"),
            settings.number("text_timeout_s"),
        )

    @cached_property
    def judge_model(self) -> VisionModel | None:
        """The model that judges finished pictures; None when that is switched off."""
        settings = self.settings
        if settings.judge_model == "off":
            return None
        return VisionModel(
            settings.need("dashscope_url"),
            settings.need("dashscope_api_key"),
            settings.need("judge_model"),
            settings.number("judge_timeout_s"),
        )

    @cached_property
    def moderation(self) -> Moderation:
        """The service that checks texts and pictures before they are used."""
        settings = self.settings
        return open_moderation(settings.need("green_endpoint"), settings.region, self.credentials)

    @cached_property
    def image_queue(self) -> ImageQueue:
        """The GPU side's queues."""
        settings = self.settings
        if settings.eas_edition == "standard":
            from shared.clouds.comfyui_server import open_comfyui_server

            return open_comfyui_server(settings.need("eas_url"), settings.need("eas_service"), settings.eas_token)
        if settings.eas_edition != "api":
            raise Misconfigured(f"{settings.variable('eas_edition')} must be api or standard")
        return open_image_queue(settings.need("eas_url"), settings.need("eas_service"), settings.need("eas_token"))

    @cached_property
    def feed(self) -> FeedTarget:
        """The community feed: its site, or the topic that it subscribes to."""
        settings = self.settings
        if settings.feed_target == "mns":
            from shared.feed_topic import open_topic_feed

            return open_topic_feed(self.messages, settings.need("feed_topic"), settings.need("feed_secret"))
        if settings.feed_target != "http":
            raise Misconfigured(f"{settings.variable('feed_target')} must be http or mns")
        return open_feed(settings.need("feed_url"), settings.need("feed_secret"))

    @cached_property
    def prices(self) -> Prices | None:
        """What things cost; None with a table that can't be read: a wrong table must not stop a post."""
        from shared.prices import load_prices

        try:
            return load_prices(self.settings)
        except Misconfigured as error:
            log("prices_unreadable", code=type(error).__name__)
            return None

    @cached_property
    def spans(self) -> Spans | None:
        """Where steps are told as spans; None without a collector."""
        if not self.settings.otlp_url:
            return None
        from shared.spans import Spans

        return Spans(self.settings.otlp_url)

    @cached_property
    def styles(self) -> dict[str, Style]:
        """The styles a trip can be painted in, by id."""
        return load_styles(FOLDER / "styles")

    @cached_property
    def cars(self) -> dict[str, Manifest]:
        """The cars that a picture can show, by model."""
        return load_cars(FOLDER / "cars")

    def style(self, name: str) -> Style:
        """One style. Raises `Misconfigured` when a deployment has taken it away from a journey that was begun in it."""
        if name not in self.styles:
            raise Misconfigured(f"workflows/styles has no {name}.toml any more")
        return self.styles[name]

    @property
    def workflow(self) -> Workflow:
        """The workflow that paints. Raises `Misconfigured` for one that can't be filled per trip."""
        return self.workflow_named(self.settings.workflow)

    def workflow_of(self, render: int) -> Workflow:
        """The workflow of a journey's nth render: of the last one it is the safer workflow.

        Raises `Misconfigured` for either that can't be filled: better with the first trip than with a third render.
        """
        workflow, safer = self.workflow, self.workflow_named(self.settings.safer_workflow)
        return safer if render >= MAX_RENDERS else workflow

    def workflow_named(self, name: str) -> Workflow:
        """One workflow. Raises `Misconfigured` for one that can't be filled per trip."""
        workflow = load_workflow(name)
        for parameter in ("prompt", "filename_prefix"):
            if parameter not in workflow.parameters:
                raise Misconfigured(f"workflow {name}: it has no parameter {parameter}, which trips are put in")
        return workflow

    @property
    def step_allowance(self) -> timedelta:
        """How long a step other than the render may take."""
        return timedelta(seconds=self.settings.number("step_allowance_s"))

    @property
    def render_deadline(self) -> timedelta:
        """How long a render may take, its waiting in the queue included."""
        return timedelta(seconds=self.settings.number("render_deadline_s"))

    @property
    def lifetime(self) -> timedelta:
        """Age at which an unfinished journey is given up."""
        return timedelta(seconds=self.settings.number("lifetime_s"))

    def _bucket(self, name: str) -> Bucket:
        settings = self.settings
        return open_bucket(settings.need("oss_endpoint"), settings.region, settings.need(name), self.credentials)


_current: list[Services] = []


def services_for(context: object) -> Services:
    """The services of this instance; built anew when the runtime has handed over other credentials (STS tokens end)."""
    credentials = credentials_of(context)
    if not _current or _current[0].credentials != credentials:
        _current[:] = [Services(decrypted(Settings.from_environment(), credentials), credentials)]
    return _current[0]


def decrypted(settings: Settings, credentials: Credentials) -> Settings:
    """The settings with those secrets decrypted that KMS has encrypted. Raises what `shared.clouds.kms` raises."""
    if not any(getattr(settings, name).startswith(ENCRYPTED) for name in settings.secrets()):
        return settings
    from shared.clouds.kms import unlocked

    return unlocked(settings, credentials)


def time_left(context: object) -> timedelta:
    """How long the runtime lets this invocation run; a day when the context does not say."""
    timeout = str(getattr(getattr(context, "function", None), "timeout", ""))
    return timedelta(seconds=int(timeout)) if timeout.isdecimal() else timedelta(days=1)
