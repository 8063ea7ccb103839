"""All probes of a deployment, asked side by side once KMS has decrypted its secrets."""

from __future__ import annotations

from dataclasses import replace

from cli.deployment import Deployment
from cli.findings import Finding
from cli.probes import (
    channels,
    clocks,
    functions,
    identity,
    label,
    logs,
    models,
    moderating,
    painting,
    posting,
    regions,
    storage,
)
from cli.probes.probe import BOUND_S, Answer, Outcome, Probe, ask_all
from shared.services import decrypted
from shared.settings import ENCRYPTED, Settings

_MODULES = (identity, regions, storage, channels, logs, models, moderating, painting, functions, posting, label, clocks)


def all_probes() -> tuple[Probe, ...]:
    """Every probe, in the order in which they are shown."""
    return tuple(probe for module in _MODULES for probe in module.probes())


def probed(deployment: Deployment, *, bound_s: float = BOUND_S) -> list[Outcome]:
    """What every probe of `deployment` came to. Raises `Misconfigured` for a file of secrets that can't be used.

    Takes about `bound_s` seconds at most, twice as long with secrets that KMS has encrypted.
    """
    outcomes, opened, locked = _decrypted(deployment, bound_s)
    askable = [probe for probe in all_probes() if not locked.intersection(probe.secrets)]
    asked = {outcome.probe.what: outcome for outcome in ask_all(askable, opened, bound_s=bound_s)}
    return [*outcomes, *(asked.get(probe.what) or _not_asked(probe) for probe in all_probes())]


def _decrypted(deployment: Deployment, bound_s: float) -> tuple[list[Outcome], Deployment, set[str]]:
    """What KMS said, the deployment with its secrets in clear, and the secrets that stayed encrypted."""
    settings = deployment.settings
    found = {name: getattr(settings, name) for name in settings.secrets()}
    encrypted = [name for name, value in found.items() if value.startswith(ENCRYPTED)]
    opened: dict[str, str] = {}

    def probe_of(name: str) -> Probe:
        def ask(own: Deployment) -> Answer:
            others = {other: "" for other in encrypted if other != name}
            opened[name] = getattr(decrypted(replace(own.settings, **others), own.credentials), name)
            return Answer("decrypted")

        return Probe(f"KMS: {Settings.variable(name)}", Settings.variable(name), ask)

    outcomes = ask_all([probe_of(name) for name in encrypted], deployment, bound_s=bound_s)
    clear = {Settings.variable(name): opened.get(name, value) for name, value in found.items() if value}
    locked = {name for name in encrypted if name not in opened}
    for name in locked:
        # A client would send the ciphertext as a key.
        clear[Settings.variable(name)] = ""
    return outcomes, Deployment({**deployment.environment, **clear}, deployment.cloud), locked


def _not_asked(probe: Probe) -> Outcome:
    return Outcome(probe, Answer("not asked: KMS does not decrypt what it needs", is_known=False), 0.0)


def findings_of(outcomes: list[Outcome]) -> list[Finding]:
    """What a person should mend, each once."""
    return list(dict.fromkeys(finding for outcome in outcomes for finding in outcome.answer.findings))
