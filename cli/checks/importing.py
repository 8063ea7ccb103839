"""Run as a process: imports handlers as a runtime does, and prints what goes wrong with each as one line of JSON."""

from __future__ import annotations

import json
import sys
import sysconfig
from dataclasses import replace

from localcloud.fc.bootstrap import Runtime, Settings, Unloadable, set_search_path


def main() -> None:
    """The code's folder, the runtimes with commas between them, and the handlers are the arguments."""
    folder, runtimes, *handlers = sys.argv[1:]
    settings = Settings(
        function="check", handler="", runtime="", code_folder=folder, layer_folders=[],
        package_folders=[sysconfig.get_path("purelib")], memory_mb=512, timeout_s=60, region="", account_id="",
        access_key_id="", access_key_secret="",
    )  # fmt: skip
    set_search_path(settings)
    failed: dict[str, dict[str, str]] = {}
    for runtime in runtimes.split(","):
        instance = Runtime(replace(settings, runtime=runtime))
        failed[runtime] = {}
        for handler in handlers:
            try:
                instance.load(handler)
            except Unloadable as error:
                failed[runtime][handler] = str(error).splitlines()[0]
    print(json.dumps(failed))  # noqa: T201 - this is its answer


if __name__ == "__main__":
    main()
