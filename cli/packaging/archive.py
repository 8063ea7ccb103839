"""Files as one archive or folder, the same bytes each time: fixed times and modes, sorted names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from cli.packaging.locking import PackagingError
from cli.packaging.wheels import EPOCH_S

#: Where Function Compute unpacks the code; what traces show.
_CODE = "/code"

#: Compiles a folder in one fresh process and in one order. What it writes is never held against the sources again:
#: they don't change, and their times mean nothing.
_COMPILE = """
import os, py_compile, sys
for folder, folders, files in os.walk(sys.argv[1]):
    folders.sort()
    for file in sorted(files):
        if file.endswith(".py"):
            place = os.path.join(folder, file)
            shown = sys.argv[2] + place[len(sys.argv[1]):]
            try:
                py_compile.compile(place, dfile=shown, doraise=True,
                                   invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
            except py_compile.PyCompileError:
                pass  # Templates, and code of other Pythons: the runtime never imports it either.
"""


def interpreter(python: str) -> str | None:
    """A CPython of this version on this machine: the one that runs, one on PATH, or one of pyenv's."""
    if f"{sys.version_info.major}.{sys.version_info.minor}" == python:
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = [
        shutil.which(f"python{python}"),
        *sorted(map(str, pyenv.glob(f"{python}.*/bin/python")), reverse=True),
    ]
    for candidate in filter(None, candidates):
        asked = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False)
        if told.stdout.strip() == python:
            return candidate
    return None


def compiled(files: dict[str, bytes], python: str) -> dict[str, bytes]:
    """`files` with the byte code of every module, as an interpreter of this version makes it.

    Raises `PackagingError` when there is none. The same interpreter makes the same bytes.
    """
    program = interpreter(python)
    if program is None:
        raise PackagingError(
            f"no python{python} on this machine, which byte-compiles for it; install it, or say --no-compile: "
            "each new instance then compiles what it imports, which takes seconds"
        )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve() / "code"
        write_folder({name: body for name, body in files.items() if name.endswith(".py")}, folder)
        # A fixed seed: the order of sets' members is part of the byte code. -I would not read it.
        command = [program, "-s", "-S", "-W", "ignore", "-c", _COMPILE, str(folder), _CODE]
        done = subprocess.run(
            command, env={"PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=False, cwd=place
        )
        if done.returncode:
            raise PackagingError(f"python{python}: {done.stderr.strip()[-1000:]}")
        made = {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*.pyc")}
    return {**files, **made}


def write_folder(files: dict[str, bytes], folder: Path) -> None:
    """Write `files` into `folder`, which must not exist yet; everybody may read them."""
    for name, body in sorted(files.items()):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        file.chmod(0o644)


def write_zip(files: dict[str, bytes], file: Path) -> int:
    """Write `files` as an archive and return its size in bytes."""
    moment = time.gmtime(EPOCH_S)[:6]
    part = file.with_suffix(".part")
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, body in sorted(files.items()):
            entry = zipfile.ZipInfo(name, moment)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, body)
    part.replace(file)
    return file.stat().st_size
