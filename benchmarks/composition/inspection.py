"""How often the gate is wrong, on `benchmarks.gate_cases`."""

from __future__ import annotations

from benchmarks import gate_cases
from benchmarks.composition.report import Report

TABLE = "Gate"
_LEAST = 1500


def measure(report: Report, *, small: bool) -> None:
    """Fill the rows: good pictures and planted defects, those the bounds were chosen on and those they were not."""
    print(f"\n{TABLE}")
    cases = gate_cases.cases(2 if small else len(gate_cases.SCENES))
    wrong: dict[str, list[bool]] = {}
    for kind, plants, bad in (
        ("good", gate_cases.GOOD, False),
        ("tuned on", gate_cases.TUNED, True),
        ("never tuned on", gate_cases.UNSEEN, True),
    ):
        for plant in plants.values():
            for case in cases:
                failed = bool(gate_cases.failed_metrics(case, plant(case))[0])
                wrong.setdefault(kind, []).append(failed is not bad)
    defects = wrong["tuned on"] + wrong["never tuned on"]
    told = len(defects) + len(wrong["good"])
    report.add(TABLE, "labelled cases", told, "", None if small else _LEAST, at_least=True)
    report.add(TABLE, "false accept, all defects", 100 * sum(defects) / len(defects), "%", 0.5)
    report.add(
        TABLE,
        "false accept, defects never tuned on",
        100 * sum(wrong["never tuned on"]) / len(wrong["never tuned on"]),
        "%",
        0.5,
    )
    report.add(TABLE, "false reject", 100 * sum(wrong["good"]) / len(wrong["good"]), "%", 3.0)
