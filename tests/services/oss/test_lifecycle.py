"""Lifecycle rules through oss2: kept, given back, and applied by the age of what lies below their prefixes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
import requests
from typer.testing import CliRunner

from cli.cloud import services_of
from cli.main import app
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.retention import retentions
from tests.services.oss.clients import bucket, fresh_bucket, oss2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

TODAY = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud.open(tmp_path_factory.mktemp("oss") / "cloud", free_ports=True)
    with Supervisor(cloud, ["oss"]):
        yield cloud


@pytest.fixture
def command(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setenv("COLUMNS", "300")
    return lambda *arguments: CliRunner().invoke(app, [*arguments, "--root", str(cloud.root)])


def rule(id_: str, prefix: str, days: int, **more: Any) -> Any:
    return oss2.models.LifecycleRule(id_, prefix, expiration=oss2.models.LifecycleExpiration(days), **more)


def put(made: Any, *rules: Any) -> None:
    made.put_bucket_lifecycle(oss2.models.BucketLifecycle(list(rules)))


def given(made: Any) -> list[tuple[str, str, str, int]]:
    return [(r.id, r.prefix, r.status, r.expiration.days) for r in made.get_bucket_lifecycle().rules]


def apply(cloud: Cloud, now: datetime) -> dict[str, int]:
    answer = requests.post(f"{cloud.url('oss')}/-/lifecycle", params={"now": now.isoformat()}, timeout=10)
    deleted: dict[str, int] = answer.json()["deleted"]
    return deleted


def keys(made: Any) -> list[str]:
    return [each.key for each in oss2.ObjectIterator(made)]


def test_rules_come_back_as_they_were_put_and_replace_those_before(cloud: Cloud) -> None:
    made = fresh_bucket(cloud, "kept-rules")
    put(made, rule("a", "旧/", 3))
    put(made, rule("b", "新/", 7), rule("c", "", 400, status="Disabled"))
    assert given(made) == [("b", "新/", "Enabled", 7), ("c", "", "Disabled", 400)]
    made.delete_bucket_lifecycle()
    made.delete_bucket_lifecycle()
    with pytest.raises(oss2.exceptions.NoSuchLifecycle):
        made.get_bucket_lifecycle()


def test_what_is_old_enough_ends_at_midnight_below_its_prefix_only(cloud: Cloud) -> None:
    made = fresh_bucket(cloud, "ageing-objects")
    put(made, rule("a", "old/", 3), rule("off", "off/", 1, status="Disabled"))
    for key in ("old/一", "old/二", "older", "off/一"):
        made.put_object(key, b"x")
    assert apply(cloud, TODAY + timedelta(days=3, hours=23)).get("ageing-objects") == 0
    assert apply(cloud, TODAY + timedelta(days=4)).get("ageing-objects") == 2
    assert keys(made) == ["off/一", "older"]


def test_what_is_written_again_is_young_again(cloud: Cloud) -> None:
    made = fresh_bucket(cloud, "written-again")
    put(made, rule("a", "", 1))
    made.put_object("k", b"x")
    before = made.head_object("k").last_modified
    made.put_object("k", b"y")
    assert made.head_object("k").last_modified >= before
    assert apply(cloud, TODAY + timedelta(days=1)).get("written-again") == 0
    assert keys(made) == ["k"]


@pytest.mark.parametrize(
    "rules",
    [
        (rule("a", "x/", 1), rule("a", "y/", 1)),
        (rule("a", "x/", 1), rule("b", "x/", 2)),
        (rule("a", "x/", 0),),
        (rule("", "x/", 1),),
        (),
    ],
    ids=["one id twice", "one prefix twice", "no days", "no id", "no rule"],
)
def test_rules_that_make_no_sense_are_refused(cloud: Cloud, rules: tuple[Any, ...]) -> None:
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        put(bucket(cloud), *rules)
    assert refused.value.status == 400


def test_rules_that_do_more_than_end_by_age_are_refused_as_not_there(cloud: Cloud) -> None:
    aborting = rule("a", "x/", 1, abort_multipart_upload=oss2.models.AbortMultipartUpload(days=1))
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        put(bucket(cloud), aborting)
    assert refused.value.status == 501


def test_the_anonymous_neither_read_nor_write_rules(cloud: Cloud) -> None:
    address = f"{cloud.url('oss')}/tripcanvas-ledger?lifecycle"
    assert [requests.request(verb, address, timeout=10).status_code for verb in ("GET", "PUT", "DELETE")] == [403] * 3


def test_the_embedded_cloud_keeps_the_products_table_from_the_start(cloud: Cloud, command: Callable[..., Any]) -> None:
    settings = services_of(cloud).settings
    for each in retentions(settings):
        found = {prefix: days for _, prefix, _, days in given(bucket(cloud, getattr(settings, each.bucket)))}
        assert found.get(each.prefix) == each.days
    shown = command("retention", "show")
    assert shown.exit_code == 0
    assert shown.output.count("yes") == len(retentions(settings))


def test_applying_puts_what_is_missing_and_leaves_other_rules_alone(cloud: Cloud, command: Callable[..., Any]) -> None:
    ledger = bucket(cloud)
    put(ledger, rule("ours-no-more", "reports/", 5), rule("tripcanvas-journeys", "journeys/", 1))
    shown = command("retention", "show")
    assert shown.exit_code == 1
    assert "no: 1 days" in shown.output
    assert command("retention", "apply").exit_code == 0
    assert command("retention", "show").exit_code == 0
    assert ("ours-no-more", "reports/", "Enabled", 5) in given(ledger)
    assert ("tripcanvas-journeys", "journeys/", "Enabled", 180) in given(ledger)


def test_a_rule_of_somebody_else_that_ends_tombstones_is_shown(cloud: Cloud, command: Callable[..., Any]) -> None:
    put(bucket(cloud), rule("everything", "", 700))
    assert command("retention", "apply").exit_code == 0
    shown = command("retention", "show")
    assert shown.exit_code == 1
    [line] = [line for line in shown.output.splitlines() if "tombstones/" in line]
    assert "no: 700 days" in line
