"""The ComfyUI service on PAI-EAS with its autoscaler, as ``workflows/eas/settings.toml`` wants them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.deployment import Deployment
from cli.eas.control_plane import ControlPlane
from cli.eas.inspection import inspect_service
from cli.eas.plan import effect_of
from cli.eas.plan import plan as compared
from cli.eas.secrecy import MASK
from cli.eas.service import autoscaler_json, service_json
from cli.eas.settings import Settings, read_settings
from shared.errors import InvalidInput, Misconfigured, TripcanvasError
from shared.services import Services
from shared.settings import Settings as DeploymentSettings

_CONTROL = "TRIPCANVAS_EAS_CONTROL_URL"
#: Besides what is wanted: entries of lists that an update would replace.
_EXTRA = "besides"
_AUTOSCALER = "autoscaler"
#: Changes that end in another service, or lose what waits in its queue: a person makes them (docs/eas.md).
_BY_HAND = ("queue", "metadata.type", "metadata.enable_webservice")


@dataclass(frozen=True, slots=True)
class EasService:
    """The service and its autoscaler. `environment` holds the secrets that the container gets."""

    control: ControlPlane = field(repr=False)
    settings: Settings = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    services: Services = field(repr=False)
    kind: str = "service"

    @property
    def name(self) -> str:
        """Its name on EAS."""
        return self.settings.api.name

    @property
    def wanted(self) -> Mapping[str, str]:
        """Every key of the service JSON and of the autoscaler by its path; secrets are masked."""
        return {change.path: change.after for change in compared(*self._documents(), None, secrets=self._secrets)} | {
            _EXTRA: ""
        }

    def read(self) -> Mapping[str, str] | None:
        """The same keys as they are; None when there is no such service. A secret not known here counts as equal."""
        live = self.control.describe(self.name)
        if live is None:
            return None
        found, extra = dict(self.wanted), []
        for change in compared(*self._documents(), live, secrets=self._secrets):
            if change.action == "change":
                same = change.before == found.get(change.path)
                found[change.path] = f"another {change.before}" if same else change.before
            elif change.action == "add":
                found.pop(change.path, None)
            elif change.action == "remove":
                extra.append(change.path)
        return {**found, _EXTRA: ", ".join(extra)}

    def effect_of(self, name: str) -> str:
        """What changing a field does to the service that runs."""
        return effect_of(name)

    def apply(self, found: Mapping[str, str] | None) -> None:
        """Create it, or update what differs. An update replaces its instances; its queue is never replaced.

        Raises `Misconfigured` for a secret that is not set, and for a change that loses what waits in the queue.
        """
        service, scaler = self._complete(), autoscaler_json(self.settings)
        if found is None:
            self.control.create(self.name, service, self.settings.account.workspace_id)
            if scaler is not None:
                self.control.scale(self.name, scaler, exists=False)
            return
        wanted = self.wanted
        extra = found.get(_EXTRA, "")
        differing = [path for path, value in wanted.items() if path != _EXTRA and found.get(path, "") != value]
        by_hand = [path for path in differing if path.startswith(_BY_HAND)]
        if by_hand:
            raise Misconfigured(
                f"service {self.name}: {', '.join(by_hand)}: {effect_of(by_hand[0])}; do that by hand (docs/eas.md)"
            )
        if any(not path.startswith(_AUTOSCALER) for path in (*differing, *filter(None, extra.split(", ")))):
            # The autoscaler moves the number of instances.
            if scaler is not None:
                service["metadata"].pop("instance", None)
            self.control.update(self.name, service)
        if any(path.startswith(_AUTOSCALER) for path in differing) and scaler is not None:
            self.control.scale(self.name, scaler, exists=any(path.startswith(_AUTOSCALER) for path in found))
        elif _AUTOSCALER in extra.split(", "):
            self.control.unscale(self.name)

    def holds(self) -> str:
        """What waits in its queue, and results that nobody has taken."""
        try:
            load = self.services.image_queue.load()
        except TripcanvasError:
            return "a queue that did not answer"
        waiting = load.waiting + load.unread
        return f"{waiting} renders under way" if waiting else ""

    def delete(self) -> None:
        """Delete it with its queue; its files stay in the bucket."""
        self.control.delete(self.name)

    @property
    def _secrets(self) -> tuple[str, ...]:
        return tuple(self.settings.secrets.names)

    def _documents(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        given = {name: self.environment.get(name) or MASK for name in self._secrets}
        return service_json(self.settings, "api", given), autoscaler_json(self.settings)

    def _complete(self) -> dict[str, Any]:
        """The service JSON with its secrets. Raises `Misconfigured` when it can't work."""
        try:
            service = service_json(self.settings, "api", self.environment)
        except InvalidInput as error:
            raise Misconfigured(str(error)) from None
        errors = [str(each) for each in inspect_service(service) if each.severity == "error"]
        if errors:
            raise Misconfigured(f"service {self.name}: {errors[0]}")
        return service


def service_of(deployment: Deployment, file: Path) -> EasService:
    """The service of a deployment, of the API edition, by its settings file.

    Raises `Misconfigured` for settings that can't be read, and for a name or a region that is not the deployment's.
    """
    settings = deployment.settings
    try:
        read = read_settings(file, deployment.environment)
    except InvalidInput as error:
        raise Misconfigured(f"{file}: {error}") from None
    for what, there, here in (
        ("api.name", read.api.name, settings.need("eas_service")),
        ("account.region", read.account.region, settings.region),
    ):
        if there != here:
            raise Misconfigured(f"{file}: {what} is {there}, but the deployment's is {here}")
    control = ControlPlane(settings.region, deployment.credentials, deployment.environment.get(_CONTROL, ""))
    return EasService(control, read, _clear(deployment), deployment.services)


def _clear(deployment: Deployment) -> dict[str, str]:
    """The environment with its secrets in clear: a container can't ask KMS."""
    settings = deployment.services.settings
    clear = {DeploymentSettings.variable(name): getattr(settings, name) for name in DeploymentSettings.secrets()}
    return {**deployment.environment, **{name: value for name, value in clear.items() if value}}
