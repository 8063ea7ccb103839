"""The `tripcanvas` command: the embedded cloud, and trips through it."""

from __future__ import annotations

import importlib
import os
import sys
from collections import UserDict
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from localcloud.state import without_proxy

#: Where each command is, in the order of the help. Imported when it is asked for: no command waits for what the others
#: import.
_COMMANDS = {
    "On this machine": {
        "demo": "cli.trips:demo",
        "up": "cli.embedded:up",
        "down": "cli.embedded:down",
        "services": "cli.embedded:services",
        "service": "cli.embedded:service",
        "environment": "cli.embedded:environment",
        "faults": "cli.faults:app",
    },
    "Trips": {
        "validate": "cli.trips:validate",
        "schema": "cli.trips:schema",
        "publish": "cli.trips:publish",
        "follow": "cli.trips:follow",
        "backfill": "cli.backfill.commands:backfill",
        "cancel": "cli.trips:cancel",
        "withdraw": "cli.withdrawing:withdraw",
    },
    "Operation": {
        "status": "cli.status:status",
        "tail": "cli.tail:tail",
        "inspection": "cli.inspections:inspection",
        "review": "cli.review:app",
        "dead-letters": "cli.dead_letters:app",
        "redrive": "cli.redriving:redrive",
        "replay": "cli.redriving:replay",
        "relay": "cli.workers:relay",
        "worker": "cli.workers:worker",
    },
    "Deployment": {
        "check": "cli.checking:check",
        "settings": "cli.settings:settings",
        "package": "cli.packaging.commands:package",
        "provision": "cli.provision.commands:app",
        "policies": "cli.policies:policies",
        "retention": "cli.retention:app",
        "eas": "cli.eas.commands:app",
        "monitoring": "cli.monitoring:monitoring",
    },
    "Design": {
        "workflows": "cli.workflows:app",
        "cars": "cli.cars.commands:app",
        "nodes": "cli.nodes:app",
        "verify": "cli.verifying:verify",
    },
}


_OURS = ("cli", "localcloud", "processes", "shared", "functions", "workflows")


class _Commands(UserDict[str, Any]):
    """The commands by their names; one that is taken out is imported."""

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if isinstance(found, tuple):
            found = self.data[name] = _imported(name, *found)
        return found


class _Group(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands(
            {name: (place, panel) for panel, places in _COMMANDS.items() for name, place in places.items()}
        )

    def main(self, *arguments: Any, **named: Any) -> Any:
        """Run it. A package that `make demo` does not install is named in one line, with what installs it."""
        try:
            return super().main(*arguments, **named)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in _OURS:
                raise
            typer.echo(f"the package {error.name} is not installed here; `make install` installs all", err=True)
            sys.exit(1)


def _imported(name: str, place: str, panel: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if isinstance(found, typer.Typer):
        command: Any = get_group(found)
    else:
        single = typer.Typer(add_completion=False)
        single.command(name)(found)
        command = get_command(single)
    command.name, command.rich_help_panel = name, panel
    return command


app = typer.Typer(
    cls=_Group, no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_show_locals=False
)


@app.callback()
def _prepare() -> None:
    # Before any client library looks at the environment.
    os.environ.update(without_proxy())


if __name__ == "__main__":
    sys.exit(app())
