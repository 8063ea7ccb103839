"""What runs on PAI-EAS, asked of its control plane and changed there by the official SDK."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cli.eas.plan import Live
from shared.errors import Misconfigured, Refused, ServiceError, Unavailable, code_word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.settings import Credentials

_CONNECT_TIMEOUT_MS = 5_000
_READ_TIMEOUT_MS = 20_000
_INSTALL = "the control plane's SDK is not installed: pip install 'tripcanvas[eas]'"


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """The control plane of one region. `endpoint` is empty for Alibaba Cloud's own, else an http(s) address."""

    region: str
    credentials: Credentials
    endpoint: str = ""

    @property
    def address(self) -> str:
        """Where it is asked, for people to read."""
        return self.endpoint or f"https://pai-eas.{self.region}.aliyuncs.com"

    def describe(self, service: str) -> Live | None:
        """The service as it runs, or None when there is none of that name.

        Raises `Misconfigured` when the SDK is missing or the key is refused, `Unavailable` when nothing answers, and
        `Refused` for any other answer.
        """
        client, options = self._client()
        call = client.describe_service_with_options
        found = _asked(lambda: call(self.region, service, {}, options), "DescribeService", service)
        if found is None:
            return None
        return Live(
            service=_config(found),
            status=str(found.get("Status") or ""),
            running=int(found.get("RunningInstance") or 0),
            total=int(found.get("TotalInstance") or 0),
            autoscaler=self._autoscaler(client, options, service),
        )

    def create(self, service: str, document: Mapping[str, Any], workspace_id: str = "") -> None:
        """Create a service by its JSON. Raises what `describe` raises, and `Refused` for one that exists."""
        from alibabacloud_eas20210701.models import CreateServiceRequest

        client, options = self._client()
        request = CreateServiceRequest(body=_text(document), workspace_id=workspace_id or None)
        _done(lambda: client.create_service_with_options(request, {}, options), "CreateService", service)

    def update(self, service: str, document: Mapping[str, Any]) -> None:
        """Merge a JSON into that of a service: its instances are replaced."""
        from alibabacloud_eas20210701.models import UpdateServiceRequest

        client, options = self._client()
        request, call = UpdateServiceRequest(body=_text(document)), client.update_service_with_options
        _done(lambda: call(self.region, service, request, {}, options), "UpdateService", service)

    def scale(self, service: str, autoscaler: Mapping[str, Any], *, exists: bool) -> None:
        """Give a service its autoscaler, or change the one that `exists`."""
        from alibabacloud_eas20210701 import models

        client, options = self._client()
        action = "UpdateServiceAutoScaler" if exists else "CreateServiceAutoScaler"
        request = getattr(models, f"{action}Request")().from_map(dict(autoscaler))
        name = "update_service_auto_scaler" if exists else "create_service_auto_scaler"
        call = getattr(client, f"{name}_with_options")
        _done(lambda: call(self.region, service, request, {}, options), action, service)

    def unscale(self, service: str) -> None:
        """Take a service's autoscaler away; fine when it has none."""
        client, options = self._client()
        call = client.delete_service_auto_scaler_with_options
        _asked(lambda: call(self.region, service, {}, options), "DeleteServiceAutoScaler", service)

    def delete(self, service: str) -> None:
        """Delete a service with its queue; fine when there is none."""
        client, options = self._client()
        call = client.delete_service_with_options
        _asked(lambda: call(self.region, service, {}, options), "DeleteService", service)

    def _autoscaler(self, client: Any, options: Any, service: str) -> dict[str, Any] | None:
        call = client.describe_service_auto_scaler_with_options
        found = _asked(lambda: call(self.region, service, {}, options), "DescribeServiceAutoScaler", service)
        strategies = (found or {}).get("scaleStrategies") or (found or {}).get("ScaleStrategies")
        if not found or not strategies:
            return None
        return {
            "min": found.get("MinReplica"),
            "max": found.get("MaxReplica"),
            "scaleStrategies": strategies,
            "behavior": found.get("Behavior") or {},
        }

    def _client(self) -> tuple[Any, Any]:
        try:
            from alibabacloud_eas20210701.client import Client
            from alibabacloud_tea_openapi.models import Config
            from alibabacloud_tea_util.models import RuntimeOptions
        except ImportError:
            raise Misconfigured(_INSTALL) from None
        address = urlsplit(self.address)
        config = Config(
            access_key_id=self.credentials.access_key_id,
            access_key_secret=self.credentials.access_key_secret,
            security_token=self.credentials.security_token or None,
            region_id=self.region,
            endpoint=address.netloc,
            protocol=address.scheme.upper(),
        )
        options = RuntimeOptions(connect_timeout=_CONNECT_TIMEOUT_MS, read_timeout=_READ_TIMEOUT_MS, autoretry=False)
        return Client(config), options


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False)


def _done(call: Callable[[], Any], action: str, service: str) -> None:
    if _asked(call, action, service) is None:
        raise Refused("eas", "NotFound", f"{action} {service}")


def _asked(call: Callable[[], Any], action: str, service: str) -> dict[str, Any] | None:
    """The body of an answer as the SDK's own map, or None for "there is no such thing"."""
    from Tea.exceptions import RetryError, TeaException, UnretryableException

    try:
        return dict(call().body.to_map())
    except UnretryableException as error:
        raise Unavailable("eas", "ConnectionFailed", type(error.inner_exception or error).__name__) from None
    except RetryError:
        raise Unavailable("eas", "ConnectionFailed") from None
    except TeaException as error:
        _refuse_unless_absent(error, f"eas:{action} on service {service}")
        return None


def _refuse_unless_absent(error: Any, what: str) -> None:
    """Return for "not found". Raises what the answer means otherwise."""
    code = code_word(error.code) or "Unknown"
    data: Mapping[str, Any] = error.data if isinstance(error.data, dict) else {}
    status = data.get("statusCode") or getattr(error, "statusCode", None) or 0
    if code.startswith(("NoPermission", "Forbidden")):
        raise Misconfigured(f"eas: not allowed: {what}; give the access key's user that action")
    if _is_key_trouble(code, int(status)):
        raise Misconfigured(f"eas: the access key is refused ({code})")
    # What the service answers for an unknown name is not documented: by the status or by the code.
    if int(status) == 404 or "NotFound" in code or "NotExist" in code:
        return
    if int(status) >= 500 or code.startswith("Throttling"):
        raise Unavailable("eas", code)
    raise Refused("eas", code)


def _is_key_trouble(code: str, status: int) -> bool:
    return status in (401, 403) or code.startswith(("InvalidAccessKey", "SignatureDoesNotMatch", "SignatureNotMatch"))


def _config(found: Mapping[str, Any]) -> dict[str, Any]:
    """The service JSON inside the answer. Raises `ServiceError` when it holds none."""
    try:
        config = json.loads(found.get("ServiceConfig") or "")
    except ValueError:
        config = None
    if not isinstance(config, dict):
        raise ServiceError("eas", "NoServiceConfig", "the answer holds no service JSON to compare with")
    return config
