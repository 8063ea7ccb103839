"""What a command acts on: the embedded cloud, or the account that a file of settings describes."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Annotated

import typer
from dotenv import dotenv_values

from cli.options import fail
from localcloud.state import Cloud
from shared.errors import Misconfigured, TripcanvasError, Unavailable
from shared.services import Services, decrypted
from shared.settings import CREDENTIALS_FILE, Credentials, Settings, credentials_from

Env = Annotated[
    Path | None,
    typer.Option(
        "--env",
        help="Act on the account that this file of NAME=value lines describes, not on the embedded cloud.",
        envvar="TRIPCANVAS_ENV",
    ),
]

_MAX_BYTES = 65536
#: What the shell may add to a file: who one is, and what one does not like to have in files.
_FROM_THE_SHELL = (
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
    CREDENTIALS_FILE,
    *(Settings.variable(name) for name in Settings.secrets()),
)


@dataclass(frozen=True)
class Deployment:
    """One deployment: its settings as variables, and the embedded cloud when it is that one."""

    environment: Mapping[str, str] = field(repr=False)
    cloud: Cloud | None = None

    @cached_property
    def settings(self) -> Settings:
        """Its settings, as its functions read them. Raises `Misconfigured` for a file of secrets that can't be used."""
        return Settings.from_environment(self.environment)

    @cached_property
    def credentials(self) -> Credentials:
        """The access key to act with. Raises `Misconfigured` when there is none."""
        return credentials_from(self.environment)

    @cached_property
    def services(self) -> Services:
        """The product's services. Raises `Misconfigured`, and `ServiceError` when KMS does not decrypt a secret."""
        return Services(decrypted(self.settings, self.credentials), self.credentials)

    @property
    def is_down(self) -> str:
        """What to look at when a service does not answer."""
        if self.cloud is None:
            return "does the file of --env name the right address, and does this machine reach it?"
        return "is the embedded cloud running (`tripcanvas up`)?"


def deployment_of(root: Path, env: Path | None = None) -> Deployment:
    """The deployment that the options of a command name; the command ends here, in one line, if there is none."""
    try:
        return embedded(Cloud.open(root)) if env is None else described(env)
    except TripcanvasError as error:
        fail(str(error))


def embedded(cloud: Cloud) -> Deployment:
    """The embedded cloud. Its addresses and keys go before the shell's: nothing may reach a real account from here."""
    return Deployment({**os.environ, **cloud.environment()}, cloud)


def described(file: Path) -> Deployment:
    """The account that a file describes, in the form that Serverless Devs reads too.

    The file is the whole description. Only access keys and secrets are taken from the shell where the file leaves them
    out: a variable that was exported for another deployment must not end up in this one.

    Raises `Misconfigured` for a file that is absent, too large, not UTF-8, without a setting, or that holds a secret
    and can be read by others.
    """
    text = _read(file)
    found = {name: value for name, value in dotenv_values(stream=StringIO(text), interpolate=False).items() if value}
    if not found:
        raise Misconfigured(f"{file}: holds no line NAME=value")
    if any(found.get(name) for name in _FROM_THE_SHELL if name != CREDENTIALS_FILE) and _is_open(file):
        raise Misconfigured(f"{file}: holds secrets and can be read by others; `chmod 600` it")
    shell = {name: os.environ[name] for name in _FROM_THE_SHELL if os.environ.get(name)}
    return Deployment({**shell, **found})


@contextlib.contextmanager
def opened(root: Path, env: Path | None = None) -> Iterator[Services]:
    """The services of the deployment that a command's options name; what goes wrong with them ends it in one line."""
    deployment = deployment_of(root, env)
    try:
        yield deployment.services
    except Unavailable as error:
        fail(f"{error}; {deployment.is_down}")
    except TripcanvasError as error:
        fail(str(error))


def _read(file: Path) -> str:
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
            raise Misconfigured(f"{file}: a small file of NAME=value lines expected")
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise Misconfigured(f"{file}: text in UTF-8 expected") from None
    except OSError as error:
        raise Misconfigured(f"{file}: {error.strerror}") from None


def _is_open(file: Path) -> bool:
    return os.name == "posix" and bool(file.stat().st_mode & 0o077)
