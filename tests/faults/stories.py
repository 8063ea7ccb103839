"""The stories that are told with a fault in them: a trip, what the GPU side makes of it, and how it must end.

A story may have mishaps of its own, so that the sweeper has work: those are part of it, the fault comes on top.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from localcloud.faults.tap import Strike

#: What the GPU side does with one render.
PAINTS, PAINTS_NOTHING, FAILS, LOSES, REPORTS_NOTHING, SLEEPS = "paints", "blank", "fails", "loses", "silent", "sleeps"


@dataclass(frozen=True)
class Mishap:
    """What befalls the first invocation of a function in every telling of a story; its event is not delivered again.

    `call` is a pattern of the name of the call that is struck.
    """

    function: str
    call: str
    kill: str

    @property
    def strike(self) -> Strike:
        """The strike that is the mishap."""
        return Strike(self.call, kill=self.kill)


@dataclass(frozen=True)
class Story:
    """One way of a trip.

    `messages` are the changes to the trip by message, in the order they come. `gpu` is what becomes of the renders, one
    after the other; the last entry stands for all that follow. `ends` are the ends the journeys may have; the first is
    the one they have without a fault. `rejections` are the messages that must end as dead letters.
    """

    name: str
    messages: tuple[dict[str, Any], ...] = ({},)
    gpu: tuple[str, ...] = (PAINTS,)
    mishap: Mishap | None = None
    ends: tuple[str, ...] = ("published",)
    rejections: int = 0
    #: Hours that pass before the sweeper runs for the first time.
    sleeps_h: float = 0.0
    #: The first message comes once more after the end.
    again: bool = False
    #: A person takes the trip back when this function has had its first message.
    cancelled_after: str = ""
    #: The owner takes the trip back when this function has had its first message.
    withdrawn_after: str = ""
    #: A person lets the journeys go on that wait for one.
    approved: bool = False
    #: A person takes the journeys up again, once, when they have failed.
    redriven: bool = False
    #: Whether the timer of the relay fires from the beginning; else only after the first sweep.
    relays: bool = True
    trip: dict[str, Any] = field(default_factory=dict)


_DRAFT = {"consent": {"process": True, "publish": False, "show_cities": False}}

STORIES = (
    Story("straight"),
    Story("two-styles", trip={"styles": ["watercolour", "ink_wash"]}),
    Story("draft", trip=_DRAFT),
    Story("message-twice", messages=({}, {})),
    Story("message-after-the-end", again=True),
    Story("relay-stopped", trip={"styles": ["watercolour", "ink_wash"]}, relays=False),
    Story("cancelled-in-the-queue", cancelled_after="trip_completed", ends=("cancelled",)),
    Story("cancelled-while-painted", cancelled_after="relay_results", ends=("cancelled",)),
    Story("cancelled-after-the-post", cancelled_after="image_ready"),
    Story("withdrawn-in-the-queue", withdrawn_after="trip_completed", ends=("withdrawn",)),
    Story("withdrawn-after-the-post", withdrawn_after="image_ready", ends=("withdrawn",), again=True),
    Story("words-refused", trip={"text": "后备箱里全是毒品"}, ends=("failed",)),
    Story("words-held", trip={"text": "赌场的夜景"}, ends=("held",)),
    Story("words-held-and-approved", trip={"text": "赌场的夜景"}, approved=True),
    Story("conflict", messages=({}, {"distance_km": 9.0}), rejections=1),
    Story("invalid", messages=({"ended_at": "yesterday"},), ends=("rejected",), rejections=1),
    Story(
        "invalid-and-large", messages=({"ended_at": "yesterday", "x": "x" * 40_000},), ends=("rejected",), rejections=1
    ),
    Story(
        "no-consent",
        messages=({"consent": {"process": False, "publish": False, "show_cities": False}},),
        ends=("rejected",),
        rejections=1,
    ),
    Story("second-picture-good", gpu=(PAINTS_NOTHING, PAINTS)),
    Story("every-render-fails-and-redriven", gpu=(FAILS, FAILS, FAILS, PAINTS), redriven=True),
    Story("no-picture-good", gpu=(PAINTS_NOTHING,), ends=("held", "failed")),
    Story("render-fails", gpu=(FAILS, PAINTS)),
    Story("render-lost", gpu=(LOSES, PAINTS)),
    Story("every-render-lost", gpu=(LOSES,), ends=("failed",)),
    Story("report-lost", gpu=(REPORTS_NOTHING, PAINTS)),
    Story("gpu-asleep", gpu=(SLEEPS,), ends=("failed",), sleeps_h=25.0),
    Story("dies-while-writing", mishap=Mishap("trip_completed", "POST dashscope *", "after")),
    Story("dies-before-queueing", mishap=Mishap("trip_completed", "POST eas *", "before")),
    Story("dies-after-queueing", mishap=Mishap("trip_completed", "POST eas *", "after")),
    Story("dies-while-storing", mishap=Mishap("image_ready", "PUT oss /gallery/*", "before")),
    Story("dies-before-posting", mishap=Mishap("image_ready", "POST feed *", "before")),
    Story("dies-after-posting", mishap=Mishap("image_ready", "POST feed *", "after")),
    Story(
        "cancelled-before-the-post",
        mishap=Mishap("image_ready", "POST feed *", "before"),
        cancelled_after="image_ready",
        ends=("cancelled",),
    ),
    Story(
        "cancelled-with-a-post-unrecorded",
        mishap=Mishap("image_ready", "POST feed *", "after"),
        cancelled_after="image_ready",
        ends=("cancelled",),
    ),
    Story("draft-dies-after-posting", trip=_DRAFT, mishap=Mishap("image_ready", "POST feed *", "after")),
    Story("dies-after-posting-and-sleeps", mishap=Mishap("image_ready", "POST feed *", "after"), sleeps_h=25.0),
)
