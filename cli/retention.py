"""`tripcanvas retention`: how long everything is kept, and the lifecycle rules that see to it."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from cli.deployment import Env, opened
from cli.options import Root, fail
from shared.clouds.objects import Bucket
from shared.retention import RULE_PREFIX, Retention, retentions
from shared.services import Services

app = typer.Typer(no_args_is_help=True, help=__doc__)
console = Console(highlight=False, soft_wrap=True)


@app.command()
def show(root: Root, env: Env = None) -> None:
    """Show how long each prefix is kept and why, and whether its rule is in force; ends with status 1 if one is not."""
    with opened(root, env) as services:
        rules = {name: bucket.lifecycle() for name, bucket in _buckets(services).items()}
    table, wrong = Table("bucket", "prefix", "kept", "in force", "why", box=None), 0
    for each in retentions(services.settings):
        state = _state(each, rules[each.bucket])
        wrong += state != "yes"
        kept = "no end by age" if each.days is None else f"{each.days} days"
        table.add_row(getattr(services.settings, each.bucket), each.prefix, kept, state, each.why)
    console.print(table, soft_wrap=False)
    if wrong:
        fail(f"{wrong} not in force; `tripcanvas retention apply` puts them")


@app.command()
def apply(root: Root, env: Env = None) -> None:
    """Put the lifecycle rules into the buckets; rules that are not of this product stay as they are."""
    with opened(root, env) as services:
        for name, bucket in _buckets(services).items():
            others = [rule for id_, rule in bucket.lifecycle().items() if not id_.startswith(RULE_PREFIX)]
            ours = {
                each.rule_id: (each.prefix, each.days)
                for each in retentions(services.settings)
                if each.bucket == name and each.days is not None
            }
            bucket.set_lifecycle(ours, others)
            console.print(
                f"{getattr(services.settings, name)}: {len(ours)} rules, {len(others)} others left as they are"
            )


def _buckets(services: Services) -> dict[str, Bucket]:
    return {
        "ledger_bucket": services.ledger.bucket,
        "gallery_bucket": services.gallery,
        "render_bucket": services.renders,
    }


def _state(each: Retention, rules: dict[str, Any]) -> str:
    """Whether a prefix ends when it should, by whosever rules. A rule by a date is none that is expected: 0 days."""
    found = [
        rule.expiration.days or 0
        for rule in rules.values()
        if rule.status == rule.ENABLED and rule.expiration and each.prefix.startswith(rule.prefix)
    ]
    earliest = min(found, default=None)
    if earliest == each.days:
        return "yes"
    return "no" if earliest is None else f"no: {earliest} days"
