"""Function Compute as one object: what is deployed, and what keeps it running."""

from __future__ import annotations

import asyncio
import logging
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import localcloud
from localcloud.fc.deployment import Function, read_deployment
from localcloud.fc.dispatcher import Dispatcher
from localcloud.fc.pool import Pool
from localcloud.fc.triggers import Triggers
from localcloud.ram import grant

if TYPE_CHECKING:
    from localcloud.faults.active import ActiveRules
    from localcloud.state import Cloud

#: Where the deployment is described, unless this variable names another file.
S_YAML_VARIABLE = "TRIPCANVAS_S_YAML"

_log = logging.getLogger(__name__)


class FunctionCompute:
    """The deployed functions. `start` and `close` belong to the service's lifespan."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.pools: dict[str, Pool] = {}
        self.deployed_at = datetime.now(timezone.utc)
        self._deploying = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()

    async def start(self, faults: ActiveRules) -> None:
        """Deploy the project's `s.yaml`; invocations may meet a death by `faults`.

        Raises `DeploymentError`; a project without the file deploys nothing.
        """
        self._faults = faults
        self.dispatcher = Dispatcher(self.cloud)
        self.triggers = Triggers(self.cloud, (), self.dispatcher)
        configured = os.environ.get(S_YAML_VARIABLE)
        file = Path(configured) if configured else Path(localcloud.__path__[0]).parent / "s.yaml"
        if configured or file.exists():
            await self.deploy(file)
        else:
            _log.warning("no s.yaml, so no function is deployed")

    async def deploy(self, file: Path) -> None:
        """Replace what is deployed by the functions of `file`. Raises `DeploymentError`, with everything as before.

        Running invocations end in the instances they began in.
        """
        environment = {**self.cloud.defaults(), **os.environ, **self.cloud.environment()}
        functions = await asyncio.to_thread(read_deployment, file, environment, self.cloud.account_id)
        async with self._deploying:
            for function in functions:
                if function.role and not self.cloud.is_empty:
                    grant(self.cloud, function.role, function.policy)
            await self.triggers.close()
            for pool in self.pools.values():
                retiring = asyncio.create_task(pool.close())
                self._retiring.add(retiring)
                retiring.add_done_callback(self._retiring.discard)
            self.pools = {function.name: Pool(function, self.cloud, self._faults) for function in functions}
            self.deployed_at = datetime.now(timezone.utc)
            await self.dispatcher.serve(self.pools)
            self.triggers = Triggers(self.cloud, functions, self.dispatcher)
        _log.info("deployed %s", ", ".join(self.pools) or "nothing")

    async def close(self) -> None:
        """Stop triggers, running tasks and instances, in this order."""
        await self.triggers.close()
        await self.dispatcher.close()
        await asyncio.gather(*(pool.close() for pool in self.pools.values()), *self._retiring)

    def functions(self) -> list[Function]:
        """The deployed functions by name."""
        return [self.pools[name].function for name in sorted(self.pools)]
