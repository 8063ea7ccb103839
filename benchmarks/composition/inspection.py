"""How often the gate is wrong, on `gate_cases`."""

from __future__ import annotations

from benchmarks.composition import gate_cases
from benchmarks.composition.report import Report

TABLE = "Gate"
_LEAST = 1500


def measure(report: Report, *, small: bool) -> None:
    """Fill the rows: good pictures and planted defects, those the bounds were chosen on and those they were not."""
    print(f"\n{TABLE}")
    cases = gate_cases.cases(1)[:1] if small else gate_cases.cases(len(gate_cases.SCENES))
    wrong: dict[str, list[bool]] = {}
    by_name: dict[str, list[bool]] = {}
    kinds = (("good", gate_cases.GOOD), ("tuned on", gate_cases.TUNED), ("never tuned on", gate_cases.UNSEEN))
    for kind, plants in kinds:
        for name, plant in plants.items():
            for case in cases:
                failed = bool(gate_cases.failed_metrics(case, plant(case)))
                wrong.setdefault(kind, []).append(failed == (kind == "good"))
                by_name.setdefault(f"{name} ({kind})", []).append(wrong[kind][-1])
    defects, unseen = wrong["tuned on"] + wrong["never tuned on"], wrong["never tuned on"]
    told = len(defects) + len(wrong["good"])
    report.add(TABLE, "labelled cases", told, "", None if small else _LEAST, at_least=True)
    report.add(TABLE, "false accept, all defects", _share(defects), "%", 0.5)
    report.add(TABLE, "false accept, defects never tuned on", _share(unseen), "%", 0.5)
    report.add(TABLE, "false reject", _share(wrong["good"]), "%", 3.0)
    lines = [[name, str(sum(each)), str(len(each))] for name, each in by_name.items() if any(each)]
    if lines:
        report.compare("Where the gate was wrong", [["case", "wrong", "of"], *lines])


def _share(wrong: list[bool]) -> float:
    return 100 * sum(wrong) / len(wrong)
