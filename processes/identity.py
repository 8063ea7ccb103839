"""Who a process is in the account: an access key from the environment, or the role of its pod or its machine.

RAM roles for service accounts (RRSA) give a pod ``ALIBABA_CLOUD_ROLE_ARN``, ``ALIBABA_CLOUD_OIDC_PROVIDER_ARN`` and
``ALIBABA_CLOUD_OIDC_TOKEN_FILE``; an ECS instance with a role answers at its metadata address. The credentials SDK
that Alibaba Cloud's own SDKs use knows both, and renews what ends.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shared.errors import Misconfigured
from shared.services import Services, decrypted
from shared.settings import Credentials, Settings, credentials_from

if TYPE_CHECKING:
    from collections.abc import Mapping


class Identity:
    """The credentials of this process, and the services that are used with them."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._services: Services | None = None

    def credentials(self) -> Credentials:
        """Good for some minutes at least. Raises `Misconfigured` when there are none to be had."""
        if self._environment.get("ALIBABA_CLOUD_ACCESS_KEY_ID"):
            return credentials_from(self._environment)
        try:
            found = self._chain.get_credential()
        except Exception as error:  # noqa: BLE001  (the SDK raises its own, requests' and plain ones)
            raise Misconfigured(
                f"no credentials ({type(error).__name__}): give the pod or the machine a role, or set "
                "ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET"
            ) from None
        return Credentials(found.access_key_id, found.access_key_secret, found.security_token or "")

    def services(self) -> Services:
        """The services; built anew when the credentials were renewed. Raises what settings and KMS raise."""
        credentials = self.credentials()
        if self._services is None or self._services.credentials != credentials:
            settings = Settings.from_environment(self._environment)
            self._services = Services(decrypted(settings, credentials), credentials)
        return self._services

    @cached_property
    def _chain(self) -> Any:
        from alibabacloud_credentials.client import Client

        return Client()
