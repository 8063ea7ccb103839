"""What the workflows require of the services: GPU memory, and model files on the mount."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.eas.inspection import Finding
from cli.toml_files import read_toml

if TYPE_CHECKING:
    from pathlib import Path

    from cli.eas.settings import Settings


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file that workflows load: where it lies below ``models/``, and what is known of it."""

    path: str
    size_bytes: int
    sha256: str
    url: str
    licence: str
    note: str
    workflows: tuple[str, ...]


def model_files(workflows: Path) -> list[ModelFile]:
    """The model files of all workflows below `workflows`, by path; one that several share stands once."""
    found: dict[str, ModelFile] = {}
    for name, requires in _requires(workflows):
        for model in requires.get("models", []):
            path = f"{model['folder']}/{model['name']}"
            users = found[path].workflows if path in found else ()
            found[path] = ModelFile(
                path=path,
                size_bytes=model.get("size_bytes", 0),
                sha256=model.get("sha256", ""),
                url=model.get("url", ""),
                licence=model.get("licence", ""),
                note=model.get("note", ""),
                workflows=(*users, name),
            )
    return [found[path] for path in sorted(found)]


def gpu_memory(settings: Settings, workflows: Path) -> list[Finding]:
    """The services whose machine has too little GPU memory for one of the workflows."""
    findings = []
    for name, requires in _requires(workflows):
        needed = requires.get("gpu_memory_gb", 0)
        for edition, resource in (("api", settings.api.resource), ("standard", settings.standard.resource)):
            there = settings.resources[resource].gpu_memory_gb
            if needed > there:
                expected = f"{needed} GB of GPU memory for the workflow {name}"
                findings.append(Finding("error", f"{edition}.resource", f"{resource} with {there} GB", expected))
    return findings


def _requires(workflows: Path) -> list[tuple[str, dict[str, Any]]]:
    files = sorted(workflows.glob("*/bindings.toml"))
    return [(file.parent.name, read_toml(file).get("requires", {})) for file in files]
