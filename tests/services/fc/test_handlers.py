"""Which spelling of a handler works on which runtime: the traps that only show up after deployment elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.services.fc.project import Answer, Project

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

_ENTRY = "def handler(event, context):\n    return {'name': __name__, 'package': __package__}\n"
FILES = {
    "functions/trip/index.py": _ENTRY,
    "functions/trip/relative.py": f"from . import words\n{_ENTRY}",
    "functions/trip/sibling.py": f"import words\n{_ENTRY}",
    "functions/trip/absolute.py": f"from functions.trip import words\n{_ENTRY}",
    "functions/trip/twice.py": """
count = 0
def handler(event, context):
    import functions.trip.twice as again
    again.count += 1
    return count
""",
    "functions/trip/words.py": "",
    "packages/__init__.py": "",
    "packages/trip/__init__.py": _ENTRY,
    "packages/trip/index.py": _ENTRY,
    "packages/trip/relative.py": f"from . import words\n{_ENTRY}",
    "packages/trip/words.py": "",
}
HANDLERS = {
    "slash": "functions/trip/index.handler",
    "dots": "functions.trip.index.handler",
    "dots-in-packages": "packages.trip.index.handler",
    "slash-relative": "functions/trip/relative.handler",
    "slash-relative-in-package": "packages/trip/relative.handler",
    "dots-relative-in-packages": "packages.trip.relative.handler",
    "slash-sibling": "functions/trip/sibling.handler",
    "slash-absolute": "functions/trip/absolute.handler",
    "slash-package": "packages/trip.handler",
    "slash-twice": "functions/trip/twice.handler",
    "missing": "functions/trip/nowhere.handler",
}
OLD, NEW = "python3.10", "python3.12"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    functions = {
        f"{name}-{runtime.replace('.', '')}": {"runtime": runtime, "handler": handler}
        for name, handler in HANDLERS.items()
        for runtime in (OLD, NEW)
    }
    with Project(tmp_path_factory.mktemp("handlers") / "p", FILES, functions) as running:
        yield running


def invoke(project: Project, name: str, runtime: str) -> Answer:
    return project.invoke(f"{name}-{runtime.replace('.', '')}")


@pytest.mark.parametrize(
    ("name", "runtime", "module", "package"),
    [
        ("slash", OLD, "functions/trip/index", ""),
        ("slash", NEW, "functions.trip.index", "functions.trip"),
        ("dots", NEW, "functions.trip.index", "functions.trip"),
        ("dots-in-packages", OLD, "packages.trip.index", "packages.trip"),
        ("dots-in-packages", NEW, "packages.trip.index", "packages.trip"),
        ("slash-relative", NEW, "functions.trip.relative", "functions.trip"),
        ("slash-relative-in-package", NEW, "packages.trip.relative", "packages.trip"),
        ("dots-relative-in-packages", OLD, "packages.trip.relative", "packages.trip"),
        ("slash-absolute", OLD, "functions/trip/absolute", ""),
        ("slash-absolute", NEW, "functions.trip.absolute", "functions.trip"),
        ("slash-package", OLD, "packages/trip", "packages/trip"),
        ("slash-package", NEW, "packages.trip", "packages.trip"),
    ],
)
def test_the_handler_is_found_under_this_module_name(
    project: Project, name: str, runtime: str, module: str, package: str
) -> None:
    answer = invoke(project, name, runtime)
    assert json.loads(answer.body) == {"name": module, "package": package}


@pytest.mark.parametrize(
    ("name", "runtime"),
    [
        ("dots", OLD),
        ("slash-relative", OLD),
        ("slash-relative-in-package", OLD),
        ("slash-sibling", OLD),
        ("slash-sibling", NEW),
        ("missing", OLD),
        ("missing", NEW),
    ],
)
def test_the_handler_can_not_be_imported(project: Project, name: str, runtime: str) -> None:
    answer = invoke(project, name, runtime)
    assert answer.error_type == "UnhandledInvocationError"
    assert json.loads(answer.body)["errorType"] == "ImportModuleError"


def test_an_old_runtime_loads_the_entry_a_second_time_when_it_is_imported_by_its_dotted_name(project: Project) -> None:
    assert invoke(project, "slash-twice", OLD).body == b"0"
    assert invoke(project, "slash-twice", NEW).body == b"1"
