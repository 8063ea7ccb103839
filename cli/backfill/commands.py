"""Send trips of the past, from files, without getting in the way of today's."""

from __future__ import annotations

import logging
import re
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from threading import Event
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.backfill.estimate import Painting, estimate, spoken
from cli.backfill.functions import APIS, function_of, open_functions
from cli.backfill.journal import Journal
from cli.backfill.progress import Bar
from cli.backfill.report import Figures, write_report
from cli.backfill.selection import Count, Filters, Kind, Selection, choices
from cli.backfill.sending import Limits, Sender, Tally
from cli.backfill.sources import Source, open_source
from cli.deployment import Deployment, Env, deployment_of
from cli.eas.settings import read_settings
from cli.options import Root, fail
from shared.clouds.objects import Bucket, open_bucket
from shared.errors import Misconfigured, TripcanvasError, Unavailable
from shared.prices import Cost, cost_of_a_post, load_prices

console = Console(highlight=False, soft_wrap=True)

_EAS_SETTINGS = Path(__file__).parents[2] / "workflows" / "eas" / "settings.toml"
_MAX_CONCURRENCY = 32
#: Exit status of a run that was told to stop: that of a program that Ctrl-C ended.
_STOPPED = 130


def backfill(
    source: Annotated[str, typer.Argument(help="A .jsonl, .csv or .parquet file, or oss://BUCKET/PREFIX of such.")],
    root: Root,
    env: Env = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Trips that ended on this day or later.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Trips that ended on this day or earlier.")
    ] = None,
    city: Annotated[list[str] | None, typer.Option("--city", help="Trips through this city; may stand again.")] = None,
    model: Annotated[list[str] | None, typer.Option("--model", help="Trips in this car; may stand again.")] = None,
    style: Annotated[
        list[str] | None, typer.Option("--style", help="Trips that will be painted in this style; may stand again.")
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Public posts, where the owner agreed; otherwise all are drafts.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, price and time; sends nothing.")] = False,
    per_second: Annotated[float, typer.Option("--per-second", min=0.01, max=1000, help="Trips sent a second.")] = 5.0,
    per_day: Annotated[int, typer.Option("--per-day", min=0, help="Trips sent a day; 0 for no limit.")] = 0,
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=1, max=_MAX_CONCURRENCY, help="Invocations at once.")
    ] = 8,
    under_way: Annotated[
        int, typer.Option("--under-way", min=1, max=10_000, help="Journeys that may be unfinished at once.")
    ] = 200,
    wait: Annotated[bool, typer.Option("--wait", help="End when every journey has ended.")] = False,
    state: Annotated[
        Path | None, typer.Option("--state", help="Folder of journal and report.", file_okay=False)
    ] = None,
    api: Annotated[str, typer.Option("--api", help="FC's API: 3.0, or 2.0 for services that are still there.")] = "3.0",
    function: Annotated[
        str, typer.Option("--function", help="Another function than that of s.yaml; with --api 2.0 SERVICE/FUNCTION.")
    ] = "",
    cny_per_post: Annotated[
        float | None,
        typer.Option("--cny-per-post", min=0, help="For --dry-run: a price of your own, not that of the price table."),
    ] = None,
) -> None:
    """Send trips of the past, slowly, each once; the same command again goes on where it was, and renews the report."""
    # A pool of connections that is too small is not worth a line on the screen.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    if api not in APIS:
        fail(f"--api: one of {', '.join(APIS)}")
    deployment = deployment_of(root, env)
    try:
        filters = Filters(_day(first), _day(last), tuple(city or ()), tuple(model or ()), tuple(style or ()))
        services = deployment.services
        found = open_source(source, lambda name: _bucket(deployment, name))
        selection = Selection(filters, services.styles, services.now(), publish)
        limits = Limits(per_second, per_day, concurrency, under_way)
        if dry_run:
            _estimate(_count(found, selection), limits, deployment, cny_per_post)
            return
        folder = state or root / "backfill" / _folder_name(source)
        function = function or function_of(api, deployment.environment)
        with _stopping() as stop:
            run = _Run(deployment, found, selection, limits, folder, api, function)
            stopped = run.go(stop, wait_for_ends=wait)
    except Unavailable as error:
        fail(f"{error}; {deployment.is_down} The same command goes on where it was")
    except Misconfigured as error:
        hint = "; docs/backfill.md says what the access key needs" if "oss: AccessDenied" in str(error) else ""
        fail(f"{error}{hint}")
    except TripcanvasError as error:
        fail(str(error))
    if stopped:
        console.print("stopped; the same command goes on where it was")
        raise typer.Exit(_STOPPED)


class _Run:
    """One run of one backfill."""

    def __init__(
        self,
        deployment: Deployment,
        source: Source,
        selection: Selection,
        limits: Limits,
        folder: Path,
        api: str,
        function: str,
    ) -> None:
        self._deployment, self._services = deployment, deployment.services
        self._source, self._selection, self._limits, self._folder = source, selection, limits, folder
        self._functions = open_functions(api, function, deployment.environment, deployment.credentials)
        settings = self._services.settings
        self._identity = {
            "source": source.name,
            "content of the source": source.fingerprint(),
            "deployment": f"{settings.need('oss_endpoint')} {settings.need('ledger_bucket')}",
            "filter": _spoken(selection.filters),
            "visibility": "public where agreed" if selection.publish else "draft",
        }

    def go(self, stop: Event, *, wait_for_ends: bool) -> bool:
        """Send what is left; returns whether it was stopped. Raises `TripcanvasError`."""
        journal = Journal(self._folder / "journal.sqlite")
        try:
            run = journal.begin(self._identity, self._services.now(), secrets.token_hex(4))
            total = int(journal.value("rows") or 0)
            if not total:
                count = _count(self._source, self._selection)
                total = count.rows
                journal.put_value("filtered", str(count.kinds[Kind.FILTERED]))
                journal.put_value("rows", str(total))
                _show_count(count)
            else:
                console.print(f"goes on with {self._folder}", markup=False)
            with Bar(console, total) as bar:
                sender = Sender(journal, self._functions, self._services, self._limits, run, stop, bar.show)
                try:
                    rows = self._source.rows(_quiet)
                    sender.send(rows, self._selection, wait_for_ends=wait_for_ends)
                finally:
                    tally = sender.tally
            self._report(journal, tally)
            return stop.is_set()
        finally:
            journal.close()

    def _report(self, journal: Journal, tally: Tally) -> None:
        figures = Figures.of(journal, self._services.now())
        files = write_report(journal, figures, self._folder)
        table = Table("what", "trips or posts", box=None)
        for name, number in figures.lines():
            table.add_row(name, str(number))
        console.print(table)
        if tally.under_way:
            console.print(
                f"{tally.under_way} journeys are under way; the same command looks again, --wait waits for them"
            )
        for file in files:
            console.print(f"{file}", markup=False)


def _count(source: Source, selection: Selection) -> Count:
    count = Count()
    with console.status("reading"):
        for choice in choices(source.rows(_tell), selection):
            count.add(choice)
    return count


def _show_count(count: Count) -> None:
    kinds = count.kinds
    console.print(
        f"{count.rows} rows: {kinds[Kind.CHOSEN]} trips to send, {sum(count.journeys.values())} posts; "
        f"{kinds[Kind.BROKEN]} broken, {kinds[Kind.NO_CONSENT]} without consent, {kinds[Kind.FILTERED]} filtered out"
    )
    for choice in count.refused:
        console.print(f"  [yellow]{escape(choice.place)}[/yellow] {escape(choice.reason)}")
    if kinds[Kind.BROKEN] > len(count.refused):
        console.print(f"  … and {kinds[Kind.BROKEN] - len(count.refused)} more; the report names each of them")


def _estimate(count: Count, limits: Limits, deployment: Deployment, cny_per_post: float | None) -> None:
    _show_count(count)
    settings = read_settings(_EAS_SETTINGS, deployment.environment)
    scaler, prices = settings.api.autoscaler, load_prices(deployment.settings)
    price = Cost(cny_per_post) if cny_per_post is not None else cost_of_a_post(prices, deployment.settings)
    found = estimate(
        count.kinds[Kind.CHOSEN],
        sum(count.journeys.values()),
        per_second=limits.per_second,
        per_day=limits.per_day,
        painting=Painting(settings.costs.render_s, scaler.max if scaler else 1),
        lifetime_s=deployment.settings.number("lifetime_s"),
        cny_per_post=price.cny,
    )
    table = Table("estimate", "", box=None)
    table.add_row("styles", ", ".join(f"{style} {number}" for style, number in count.journeys.most_common()))
    table.add_row("time", f"{spoken(found.seconds)}, bound by {found.bound_by}")
    source = "--cny-per-post" if cny_per_post is not None else f"the price table of {prices.as_of}"
    table.add_row("price", f"{found.cny:.2f} CNY, {price.cny:.3f} a post by {source}")
    console.print(table)
    if price.unpriced:
        console.print(f"in the price table there is none for {', '.join(price.unpriced)}: the sum is only a part")
    if limits.under_way > found.most_under_way:
        console.print(
            f"--under-way {limits.under_way}: only {found.most_under_way} pictures are painted in a journey's lifetime"
            ", and what waits longer is given up"
        )


@contextmanager
def _stopping() -> Iterator[Event]:
    """An event that Ctrl-C or SIGTERM sets; a second Ctrl-C ends the command at once."""
    stop = Event()

    def ask(number: int, _: object) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _bucket(deployment: Deployment, name: str) -> Bucket:
    settings = deployment.services.settings
    return open_bucket(settings.need("oss_endpoint"), settings.region, name, deployment.credentials)


def _folder_name(source: str) -> str:
    return re.sub(r"[^\w.-]+", "-", Path(source.removeprefix("oss://")).name or "source")


def _day(day: datetime | None) -> date | None:
    return day.date() if day else None


def _spoken(filters: Filters) -> str:
    days = f"{filters.first or ''}..{filters.last or ''}" if filters.first or filters.last else ""
    return " ".join(filter(None, (days, *filters.cities, *filters.models, *filters.styles))) or "none"


def _tell(note: str) -> None:
    console.print(note, markup=False)


def _quiet(_: str) -> None:
    """Told once already, when the rows were counted."""
