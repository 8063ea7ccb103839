"""What is watched: service-level objectives as alert rules and a dashboard for SLS, from one table of queries.

Queries are SLS's SQL over the functions' log, whose lines end in one JSON object each (`shared.telemetry`). The alert
rules are documents of CreateAlert (2020-12-30, `AlertConfiguration` version 2.0), the dashboard one of CreateDashboard.
Each alert has its runbook in ``docs/operations.md`` under its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from cli.deployment import described
from cli.options import fail
from cli.provision.logs import DEFAULT_STORE, PROJECT, STORE
from shared.errors import Misconfigured, TripcanvasError

FOLDER = Path("deploy") / "sls"
#: Names the policy of SLS that says whom an alert wakes.
ACTION_POLICY = "TRIPCANVAS_ACTION_POLICY"
_PLACEHOLDER = re.compile(r"\$\{([A-Z_]+)\}")

#: SLS's own numbers for severities.
_SEVERITIES = {"critical": 10, "high": 8, "medium": 6, "low": 4}


#: The events of a query's window: when each was written, and its JSON.
_EVENTS = (
    "* | WITH events AS (SELECT __time__ AS t, regexp_extract(message, '\\{\"event\":.*\\}') AS e FROM log "
    "WHERE message LIKE '%{\"event\":%')"
)


def _select(what: str, where: str, group: str = "") -> str:
    """A query over the events of the window."""
    return f"{_EVENTS} SELECT {what} FROM events WHERE {where}{group}"


def _text(name: str) -> str:
    return f"json_extract_scalar(e, '$.{name}')"


def _number(name: str) -> str:
    return f"CAST({_text(name)} AS double)"


def _is(name: str, *values: str) -> str:
    return f"{_text(name)} IN ({', '.join(repr(value) for value in values)})"


_STEPS = _is("event", "step")
_LIVE = _is("source", "live")
_ENDED = _is("step", "published", "held", "failed", "rejected", "cancelled", "withdrawn")
_P95_S = f"approx_percentile({_number('age_ms')}, 0.95) / 1000"


_JOURNEYS = (
    f"SELECT {_text('journey')} AS journey, count_if({_is('step', 'received')}) AS begun, "
    f"count_if({_ENDED}) AS ended, min(t) AS since FROM events WHERE {_STEPS} GROUP BY {_text('journey')}"
)
#: 25 hours: the lifetime of a journey, and the sweeper's way to it.
_LOST = (
    f"{_EVENTS}, journeys AS ({_JOURNEYS}) SELECT count(1) AS lost FROM journeys "
    "WHERE begun > 0 AND ended = 0 AND since < to_unixtime(now()) - 90000"
)
_DOUBLES = f"count(1) - count(DISTINCT {_text('journey')}) AS doubles"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: it fires when `condition` holds for the row of `query` over the last `window`."""

    name: str
    title: str
    severity: Literal["critical", "high", "medium", "low"]
    window: str
    every: str
    query: str
    condition: str


ALERTS: tuple[Alert, ...] = (
    Alert(
        "event-to-post",
        "Trips take long to become posts",
        "high", "-1h", "5m",
        _select(f"count(1) AS posts, {_P95_S} AS p95_s", f"{_STEPS} AND {_is('step', 'published')} AND {_LIVE}"),
        "posts >= 5 && p95_s > 900",
    ),
    Alert(
        "trips-lost",
        "Accepted trips have come to no end",
        "critical", "-27h", "1h",
        _LOST,
        "lost > 0",
    ),
    Alert(
        "posted-twice",
        "A journey was published more than once",
        "critical", "-24h", "1h",
        _select(_DOUBLES, f"{_STEPS} AND {_is('step', 'published')}"),
        "doubles > 0",
    ),
    Alert(
        "held-rate",
        "Many pictures wait for a person",
        "medium", "-6h", "15m",
        _select(
            f"count(1) AS ended, count_if({_is('step', 'held')}) * 100.0 / count(1) AS held_percent",
            f"{_STEPS} AND {_ENDED}",
        ),
        "ended >= 20 && held_percent > 5",
    ),
    Alert(
        "rejected-messages",
        "The platform sends messages that can't be used",
        "low", "-1h", "15m",
        _select("count(1) AS rejected", f"{_is('event', 'rejected')} AND NOT ({_is('code', 'no_consent')})"),
        "rejected > 10",
    ),
    Alert(
        "queues-fill",
        "The GPU side's queues fill",
        "high", "-15m", "5m",
        _select(
            f"coalesce(max({_number('waiting')}), 0) AS waiting, "
            f"coalesce(max({_number('unread')} * 100 / {_number('unread_limit')}), 0) AS unread_percent",
            _is("event", "queues"),
        ),
        "waiting > 500 || unread_percent > 50",
    ),
    Alert(
        "relay-silent",
        "Finished renders are not forwarded",
        "critical", "-10m", "5m",
        _select("count(1) AS runs", f"{_is('event', 'run')} AND {_text('function')} LIKE '%relay-results'"),
        "runs == 0",
    ),
    Alert(
        "sweeper-silent",
        "Overdue journeys are not looked after",
        "high", "-15m", "5m",
        _select("count(1) AS runs", f"{_is('event', 'run')} AND {_text('function')} LIKE '%sweep-journeys'"),
        "runs == 0",
    ),
    Alert(
        "renders-fail",
        "Many renders fail",
        "high", "-1h", "10m",
        _select(
            f"count(1) AS renders, count_if({_is('step', 'render_failed')}) * 100.0 / count(1) AS failed_percent",
            f"{_STEPS} AND {_is('step', 'rendered', 'render_failed')}",
        ),
        "renders >= 10 && failed_percent > 20",
    ),
    Alert(
        "moderation-unavailable",
        "Moderation does not answer, so nothing is published",
        "high", "-15m", "5m",
        _select("count(1) AS troubles", f"{_is('event', 'trouble')} AND {_is('service', 'green')}"),
        "troubles >= 3",
    ),
    Alert(
        "feed-refuses",
        "The feed takes no posts",
        "high", "-15m", "5m",
        _select(
            "count(1) AS troubles",
            f"({_is('event', 'trouble')} AND {_is('service', 'feed')}) OR ({_STEPS} AND {_is('code', 'post_refused')})",
        ),
        "troubles >= 3",
    ),
    Alert(
        "misconfigured",
        "A setting, a key or a permission is wrong",
        "critical", "-10m", "5m",
        _select("count(1) AS troubles", f"{_is('event', 'trouble')} AND {_is('code', 'Misconfigured')}"),
        "troubles > 0",
    ),
    Alert(
        "unforeseen",
        "An error that nobody thought of",
        "high", "-15m", "5m",
        _select("count(1) AS errors", _is("event", "unforeseen")),
        "errors > 0",
    ),
    Alert(
        "cost-per-post",
        "Posts cost more than they should, or have no known cost",
        "medium", "-6h", "1h",
        _select(
            f"coalesce(avg({_number('cost_cny')}), 0) AS cny, coalesce(sum({_number('unpriced')}), 0) AS unpriced",
            f"{_STEPS} AND {_is('step', 'published')}",
        ),
        "cny > 1 || unpriced > 0",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart of the dashboard; `kind` is SLS's name of its type."""

    title: str
    kind: str
    query: str


_BY_HOUR = "date_trunc('hour', from_unixtime(t)) AS hour"
_PER_HOUR = " GROUP BY date_trunc('hour', from_unixtime(t)) ORDER BY hour"

CHARTS: tuple[Chart, ...] = (
    Chart(
        "Journeys by step, last day",
        "table",
        _select(
            f"{_text('step')} AS step, count(1) AS journeys",
            _STEPS,
            f" GROUP BY {_text('step')} ORDER BY journeys DESC",
        ),
    ),
    Chart(
        "Trip to post, 95th percentile in s",
        "linepro",
        _select(f"{_BY_HOUR}, {_P95_S} AS p95_s", f"{_STEPS} AND {_is('step', 'published')} AND {_LIVE}", _PER_HOUR),
    ),
    Chart(
        "Posts and what ended otherwise",
        "linepro",
        _select(
            f"{_BY_HOUR}, count_if({_is('step', 'published')}) AS published, count_if({_is('step', 'held')}) AS held, "
            f"count_if({_is('step', 'failed')}) AS failed, count_if({_is('step', 'rejected')}) AS rejected",
            f"{_STEPS} AND {_ENDED}",
            _PER_HOUR,
        ),
    ),
    Chart(
        "Why journeys failed or wait",
        "table",
        _select(
            f"{_text('step')} AS step, {_text('code')} AS code, count(1) AS journeys",
            f"{_STEPS} AND {_is('step', 'held', 'failed', 'rejected')}",
            f" GROUP BY {_text('step')}, {_text('code')} ORDER BY journeys DESC",
        ),
    ),
    Chart(
        "Seconds in each step, 95th percentile",
        "table",
        _select(
            f"{_text('step')} AS step, approx_percentile({_number('duration_ms')}, 0.95) / 1000 AS p95_s",
            f"{_STEPS} AND {_text('duration_ms')} IS NOT NULL",
            f" GROUP BY {_text('step')} ORDER BY p95_s DESC",
        ),
    ),
    Chart(
        "Cost in CNY: a post, and all of them",
        "linepro",
        _select(
            f"{_BY_HOUR}, avg({_number('cost_cny')}) AS a_post, sum({_number('cost_cny')}) AS all_posts",
            f"{_STEPS} AND {_is('step', 'published')}",
            _PER_HOUR,
        ),
    ),
    Chart(
        "Tokens of the text model",
        "linepro",
        _select(
            f"{_BY_HOUR}, sum({_number('input_tokens')}) AS read, sum({_number('output_tokens')}) AS written, "
            f"count_if({_is('fallback', 'true')}) AS by_template",
            f"{_STEPS} AND {_is('step', 'prompted')}",
            _PER_HOUR,
        ),
    ),
    Chart(
        "The GPU side's queues",
        "linepro",
        _select(
            f"{_BY_HOUR}, max({_number('waiting')}) AS waiting, max({_number('unread')}) AS unread",
            _is("event", "queues"),
            _PER_HOUR,
        ),
    ),
    Chart(
        "Trouble by service",
        "table",
        _select(
            f"{_text('service')} AS service, {_text('code')} AS code, count(1) AS troubles",
            _is("event", "trouble"),
            f" GROUP BY {_text('service')}, {_text('code')} ORDER BY troubles DESC",
        ),
    ),
)


def alert_documents() -> list[dict[str, Any]]:
    """The alert rules, one document of CreateAlert each."""
    return [_alert(alert) for alert in ALERTS]


def _alert(alert: Alert) -> dict[str, Any]:
    query = {
        "storeType": "log",
        "project": f"${{{PROJECT}}}",
        "store": f"${{{STORE}}}",
        "query": alert.query,
        "timeSpanType": "Relative",
        "start": alert.window,
        "end": "now",
        "chartTitle": alert.title,
    }
    severity = _SEVERITIES[alert.severity]
    return {
        "name": f"tripcanvas-{alert.name}",
        "displayName": alert.title,
        "type": "Alert",
        "state": "Enabled",
        "schedule": {"type": "FixedRate", "interval": alert.every},
        "configuration": {
            "version": "2.0",
            "type": "default",
            "dashboard": "tripcanvas",
            "queryList": [query],
            "joinConfigurations": [],
            "groupConfiguration": {"type": "no_group", "fields": []},
            "severityConfigurations": [
                {"severity": severity, "evalCondition": {"condition": alert.condition, "countCondition": ""}}
            ],
            "threshold": 1,
            "noDataFire": False,
            "sendResolved": True,
            "annotations": [
                {"key": "title", "value": alert.title},
                {"key": "desc", "value": f"docs/operations.md#{alert.name}"},
            ],
            "labels": [{"key": "product", "value": "tripcanvas"}],
            "policyConfiguration": {
                "alertPolicyId": "sls.builtin.dynamic",
                "actionPolicyId": f"${{{ACTION_POLICY}}}",
                "repeatInterval": "1h",
            },
        },
    }


def dashboard_document() -> dict[str, Any]:
    """The dashboard, a document of CreateDashboard: two charts in a row."""
    return {
        "dashboardName": "tripcanvas",
        "displayName": "Tripcanvas",
        "description": "From the trip's message to the post.",
        "charts": [
            {
                "title": f"tripcanvas-{number}",
                "type": chart.kind,
                "search": {
                    "logstore": f"${{{STORE}}}", "topic": "", "query": chart.query, "start": "-86400s", "end": "now",
                    "timeSpanType": "Relative",
                },
                "display": {
                    "displayName": chart.title, "xPos": number % 2 * 10, "yPos": number // 2 * 8, "width": 10,
                    "height": 8,
                },
            }
            for number, chart in enumerate(CHARTS)
        ],
    }  # fmt: skip


def documents() -> dict[str, str]:
    """The files of ``deploy/sls`` by their names."""
    found = {"alerts.json": alert_documents(), "dashboard.json": dashboard_document()}
    return {name: json.dumps(document, ensure_ascii=False, indent=2) + "\n" for name, document in found.items()}


def filled(text: str, environment: Mapping[str, str]) -> str:
    """A file with the deployment's own names. Raises `Misconfigured` for one that is not set."""
    for variable in sorted(set(_PLACEHOLDER.findall(text))):
        value = environment.get(variable, "")
        if not value:
            raise Misconfigured(f"{variable} is not set; alerts need it")
        text = text.replace(f"${{{variable}}}", json.dumps(value, ensure_ascii=False)[1:-1])
    return text


def monitoring(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.", file_okay=False)] = FOLDER,
    env: Annotated[
        Path | None, typer.Option("--env", help="Fill in the names of the deployment that this file describes.")
    ] = None,
) -> None:
    """Write the alert rules and the dashboard for SLS."""
    try:
        environment = {STORE: DEFAULT_STORE, **described(env).environment} if env else {}
        found = {name: filled(text, environment) if env else text for name, text in documents().items()}
    except TripcanvasError as error:
        fail(str(error))
    out.mkdir(parents=True, exist_ok=True)
    for name, text in found.items():
        (out / name).write_text(text, "utf-8")
        Console(highlight=False).print(f"{out / name}", soft_wrap=True)
