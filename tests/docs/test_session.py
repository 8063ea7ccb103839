"""The reader of documents that are run finds what is wrong with them."""

from __future__ import annotations

import os

import pytest

from tests.docs.session import NotAsWritten, Step, run, steps_of

DOCUMENT = """\
Text.

```console
$ echo 你好; echo 世界
你好
…
$ false  # exit 1
```

```bash
not run
```

```console
$ printf 'a %s\\n' 7 \\
>   8
a …
```
"""


def test_commands_stand_in_console_blocks_with_what_they_print():
    assert steps_of(DOCUMENT) == [
        Step(4, "echo 你好; echo 世界", 0, ("你好", "…")),
        Step(7, "false", 1, ()),
        Step(15, "printf 'a %s\\n' 7 \\\n  8", 0, ("a …",)),
    ]


def test_what_is_as_written_passes(tmp_path):
    assert [run(step, tmp_path, dict(os.environ)) for step in steps_of(DOCUMENT)] == ["你好\n世界\n", "", "a 7\na 8\n"]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Step(1, "true", 1, ()), "ended with 0, not 1"),
        (Step(1, "echo a; echo b", 0, ("b", "a")), "it does not print “a” there"),
        (Step(1, "echo ab", 0, ("a",)), "it does not print “a” there"),
        (Step(1, "echo a", 0, ("a", "a")), "it does not print “a” there"),
    ],
)
def test_what_is_not_as_written_fails(tmp_path, step, said):
    with pytest.raises(NotAsWritten, match=said):
        run(step, tmp_path, dict(os.environ))


def test_a_block_begins_with_a_command():
    with pytest.raises(ValueError, match="line 2: a command expected"):
        steps_of("```console\nno command\n```\n")
