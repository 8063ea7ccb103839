"""What all commands share: where the embedded cloud lives, and how a command fails."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from localcloud.state import default_root

Root = Annotated[
    Path,
    typer.Option("--root", help="State folder of the embedded cloud.", default_factory=default_root, file_okay=False),
]


def fail(message: str) -> NoReturn:
    """Print one line to standard error and end with status 1."""
    Console(stderr=True, highlight=False).print(f"[red]{escape(message)}[/red]", soft_wrap=True)
    raise typer.Exit(1)
