"""A part of the matrix, and the proof that it sees a broken product; `make faults` tells all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.invoking import FUNCTIONS
from tests.faults.matrix import FAULTS, Cell, Row, Workers, plan_of, rows_of
from tests.faults.stories import STORIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.telling import Told

FAULT = {fault.name: fault for fault in FAULTS}


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(1) as workers:
        yield workers


@pytest.fixture(scope="module")
def recorded(workers: Workers) -> dict[str, Told]:
    return workers.record(STORIES[:1])


@pytest.fixture
def struck(workers: Workers, recorded: dict[str, Told]) -> Callable[..., Cell]:
    """Tells the first story with a fault at the first call of a function whose name begins like this."""

    def strike(function: str, call: str, fault: str, broken: str = "") -> Cell:
        row = next(row for row in rows_of(recorded) if row.function == function and row.call.startswith(call))
        [cell] = workers.cells([(row, FAULT[fault])], recorded, broken=broken)
        return cell

    return strike


def test_without_a_fault_nothing_is_wrong_and_nothing_is_swept(recorded):
    told = recorded["straight"]
    assert (told.violations, told.sweeps, told.renders, told.ends) == ([], 0, 1, ("published",))


def test_every_function_is_recorded_and_every_service_is_heard(recorded):
    rows = rows_of(recorded)
    assert {row.function for row in rows} == set(FUNCTIONS)
    assert {row.call.split()[1] for row in rows} == {"oss", "mns", "eas", "dashscope", "feed", "green"}


@pytest.mark.parametrize(
    ("function", "call", "fault"),
    [
        ("trip_completed", "POST eas", "kill-after"),
        ("relay_results", "POST mns", "kill-after"),
        ("image_ready", "PUT oss /gallery", "reset-after"),
        ("image_ready", "POST feed", "kill-after"),
        ("image_ready", "DELETE oss", "kill-before"),
    ],
)
def test_a_fault_leaves_no_trace(struck, function, call, fault):
    cell = struck(function, call, fault)
    assert (cell.struck, cell.violations) == (True, ())


@pytest.mark.parametrize(
    ("broken", "call", "fault", "violation"),
    [
        ("posts_without_a_key", "POST feed", "kill-after", "2 public posts"),
        ("keeps_markers", "POST feed", "kill-after", "orphan markers"),
        ("logs_the_message", "POST feed", "kill-after", "the trip's private words were logged"),
        ("waits_without_limit", "POST feed", "hang", "would wait for its answer without limit"),
    ],
)
def test_a_broken_product_is_caught(struck, broken, call, fault, violation):
    cell = struck("image_ready", call, fault, broken)
    assert any(violation in found for found in cell.violations), cell.violations


def test_a_fault_that_never_struck_is_told_apart_from_one_that_did_no_harm(workers, recorded):
    row = Row("straight", "image_ready", 1, 1, "GET oss /nowhere", 1)
    [cell] = workers.cells([(row, FAULT["500"])], recorded)
    assert cell.text == "-"


def test_faults_that_are_alike_are_told_of_the_first_row_of_a_call_only():
    first = Row("straight", "image_ready", 1, 1, "PUT oss /x", 1)
    later = Row("draft", "image_ready", 1, 2, "PUT oss /x", 1, is_first=False)
    told = [(row.story, fault.name) for row, fault in plan_of([first, later], FAULTS)]
    assert [fault for story, fault in told if story == "straight"] == [fault.name for fault in FAULTS]
    assert {fault.name for fault in FAULTS} - {fault for story, fault in told if story == "draft"} == {
        "hang", "hang-after", "reset", "reset-after", "garbage", "garbage-after",
    }  # fmt: skip
    assert len(plan_of([first, later], FAULTS, every=True)) == 2 * len(FAULTS)


def test_reading_has_no_effect_to_come_before():
    row = Row("straight", "image_ready", 1, 1, "GET oss /x", 1)
    assert not any(fault.effect for _, fault in plan_of([row], FAULTS))
