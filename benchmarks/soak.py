"""Many trips through a cloud in which everything fails now and then: ``python -m benchmarks.soak --trips 2000``.

The whole embedded cloud runs, with the functions of `s.yaml` in processes of their own and models that answer at once.
Trips come twice, late, out of order, faulty and as backfill. Every call to every service fails with the probability
``--fault-rate``, in every way a call can; function processes are killed in the middle of their work, services are
killed and started again. Then the faults end, what is under way comes to its end, and the services are asked what
stands in them: see `benchmarks.accounting`. The exit status is 1 if anything is lost, doubled or unaccounted for.

The same seed sends the same trips under the same rules; which call of which trip is struck depends on the timing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.accounting import Account, account_for, tell
from benchmarks.driving import Driver, Trip
from benchmarks.trips import a_trip, encoded
from localcloud.faults.everywhere import CloudFaults
from localcloud.faults.rules import Plan, Rule
from localcloud.state import Cloud
from localcloud.supervisor import ServiceDied, Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Deadlines that a run can wait for; the product's own safety bounds stay as they are.
ENVIRONMENT = {
    "TRIPCANVAS_LOCAL_INSTANT_MODELS": "1",
    "TRIPCANVAS_LOCAL_GPU_INSTANCES": "3",
    "TRIPCANVAS_RENDER_DEADLINE_S": "60",
    "TRIPCANVAS_STEP_ALLOWANCE_S": "20",
    "TRIPCANVAS_SWEEP_SCHEDULE": "@every 5s",
}
#: Services that are killed and started again; Function Compute's instances are killed one by one.
MORTAL = ("oss", "mns", "eas", "dashscope", "green", "feed")

#: Shares of the trips.
FAULTY, BACKFILL, DRAFT, TWO_STYLES, REPEATED = 0.05, 0.05, 0.10, 0.10, 0.25
#: Deliveries are shuffled within so many of each other.
DISORDER = 30
#: Journeys under way at once; more trips wait at the platform.
UNDER_WAY = 60
#: How long after the last trip everything may take to come to its end: an abandoned submission is taken over after a
#: minute, and may be abandoned again.
SETTLING_S = 300.0


def faults(rate: float, seed: int) -> Plan:
    """Rules under which a call to any service fails with the probability `rate`, in one of the ways calls fail.

    Garbage only ever stands in the place of an answer to work that was done: a service that confirms what it did not
    do can't be worked with.
    """
    ways: list[dict[str, Any]] = [
        {"do": "status", "status": 500},
        {"do": "status", "status": 503},
        {"do": "status", "status": 504, "after_effect": True},
        {"do": "status", "status": 429},
        {"do": "reset"},
        {"do": "reset", "after_effect": True},
        {"do": "hang", "seconds": 1.0},
        {"do": "hang", "seconds": 1.0, "after_effect": True},
        {"do": "garbage", "after_effect": True},
        {"do": "delay", "seconds": 0.5},
    ]
    share = rate / len(ways)
    rules = [Rule(service="*", probability=share, **way) for way in ways]
    kill = Rule(service="fc", call="INVOKE /*", do="kill", seconds=1.0, probability=rate / 4)
    return Plan(seed, (*rules, kill))


def trips_of(count: int, chance: random.Random) -> list[Trip]:
    """The trips of a run, by what is to become of them."""
    return [_trip(number, chance) for number in range(count)]


def _trip(number: int, chance: random.Random) -> Trip:
    trip_id = f"S-{chance.getrandbits(64):016x}"
    trip = a_trip(number, trip_id, styles=[])
    drawn = chance.random()
    if drawn < FAULTY:
        return Trip(encoded(_spoilt(trip, chance)), rejected=True)
    if drawn < FAULTY + TWO_STYLES:
        trip["styles"] = chance.sample(["watercolour", "ink_wash", "anime", "woodblock"], 2)
    if chance.random() < DRAFT:
        trip["consent"] = {**trip["consent"], "publish": False}
    return Trip(encoded(trip), backfill=chance.random() < BACKFILL)


def _spoilt(trip: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    changes: list[dict[str, Any]] = [
        {"distance_km": -3},
        {"started_at": None},
        {"styles": ["cubism"]},
        {"ended_at": "1999-01-01T00:00:00+08:00"},
        {"consent": {"process": False, "publish": False}},
    ]
    return trip | chance.choice(changes)


def deliveries(trips: list[Trip], chance: random.Random) -> list[Trip]:
    """The trips in the order of their deliveries: some come twice or three times, and none where it was due."""
    places = []
    for number, trip in enumerate(trips):
        times = 1 + (chance.random() < REPEATED) + (chance.random() < REPEATED / 4)
        places += [(number + chance.uniform(0, DISORDER), trip) for _ in range(times)]
    return [trip for _, trip in sorted(places, key=lambda place: place[0])]


@dataclass
class Outages:
    """Kills a service every `every_s` seconds or so and starts it again a moment later."""

    supervisor: Supervisor
    faults: CloudFaults
    struck: Counter[str]
    chance: random.Random
    every_s: float
    counted: Counter[str] = field(default_factory=Counter)
    _end: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        """Do so while the block runs; afterwards every service runs."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._end.set()
            thread.join()

    def _run(self) -> None:
        while not self._end.wait(self.every_s * self.chance.uniform(0.5, 1.5)):
            service = self.chance.choice(MORTAL)
            self.struck.update(struck_by(self.faults, service))
            self.supervisor.stop_service(service, kill=True)
            self._end.wait(self.chance.uniform(0.2, 2.0))
            while True:
                try:
                    self.supervisor.start_service(service)
                    break
                except (ServiceDied, TimeoutError) as error:
                    print(f"  {service} did not start: {error}", file=sys.stderr)
            self.faults.renew(service)
            self.counted[service] += 1


def run(arguments: argparse.Namespace, folder: Path) -> Account:
    """One soak; prints as it goes."""
    chance = random.Random(arguments.seed)
    trips = trips_of(arguments.trips, chance)
    order = deliveries(trips, chance)
    cloud = Cloud.open(folder / "cloud", free_ports=True)
    started = time.monotonic()
    with Supervisor(cloud, environment=ENVIRONMENT) as supervisor:
        driver = Driver(cloud)
        driver.wait_for_triggers()
        rules = CloudFaults(cloud)
        rules.replace(faults(arguments.fault_rate, arguments.seed))
        struck: Counter[str] = Counter()
        outages = Outages(supervisor, rules, struck, random.Random(arguments.seed), arguments.outage_every)
        limit = time.monotonic() + arguments.limit
        with outages.going_on() if arguments.outage_every else contextlib.nullcontext():
            driver.deliver_all(order, UNDER_WAY, until=limit)
            # Some of the last trips come to their end among faults too.
            driver.wait_until_quiet(min(limit, time.monotonic() + min(60.0, arguments.trips / 4)))
        struck.update(struck_by(rules))
        rules.replace(Plan())
        print(f"{time.monotonic() - started:6.0f} s  the faults end; {driver.markers()} markers are left")
        driver.wait_until_quiet(time.monotonic() + SETTLING_S)
        notices = driver.redrive_failed_invocations()
        driver.wait_until_quiet(time.monotonic() + SETTLING_S)
        wall_s = time.monotonic() - started
        print(f"{wall_s:6.0f} s  all is quiet; counting")
        account = account_for(cloud, driver, trips)
    account.deliveries, account.redriven, account.wall_s = len(order), notices, wall_s
    account.struck, account.outages = struck, outages.counted
    return account


def struck_by(rules: CloudFaults, only: str = "") -> Counter[str]:
    """How many calls of each service met a fault since its rules were set, and how many invocations were killed."""
    struck: Counter[str] = Counter()
    for service, listing in rules.listing()["services"].items():
        if only in ("", service):
            for rule in (listing or {}).get("rules", []):
                struck["invocations killed" if rule["do"] == "kill" else service] += int(rule["struck"])
    return struck


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trips", type=int, default=2000)
    parser.add_argument("--fault-rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--outage-every", type=float, default=20.0, help="seconds between kills of a service; 0: none")
    parser.add_argument("--limit", type=float, default=3600.0, help="seconds after which no more trips are sent")
    parser.add_argument("--keep", type=Path, help="a folder for the cloud's state and logs, kept for looking at")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = arguments.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        account = run(arguments, folder)
    print(tell(account))
    if account.faults:
        print(json.dumps(account.faults[:50], indent=2, ensure_ascii=False))
    raise SystemExit(1 if account.faults else 0)


if __name__ == "__main__":
    main()
