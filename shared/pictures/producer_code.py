"""The provider's code of TC260-PG-20252A: 27 characters that name who made a picture."""

from __future__ import annotations

import re

from shared.errors import Misconfigured

#: "00", "1" an organisation, "1" known by its credit code, the 18 characters of that, "1" generation or "2" spreading,
#: and four of the provider's own.
_SHAPE = re.compile(r"0011(?P<credit_code>[0-9A-Z]{18})[12][0-9A-Z]{4}", re.ASCII)
#: GB 32100-2015: the characters in order of their values (no I, O, S, V, Z), and the weight of each place.
_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = tuple(3**place % 31 for place in range(17))
#: No administrative division has this number (GB/T 2260), so no organisation has a credit code with it.
_NOWHERE = "000000"


def check_producer_code(code: str) -> None:
    """Check structure and check character of the owner's code.

    Raises `Misconfigured`. The code comes from the settings and is never made up.
    """
    fault = fault_of(code)
    if fault:
        raise Misconfigured(f"TRIPCANVAS_PRODUCER_CODE {fault}")


def fault_of(code: str) -> str:
    """What is wrong with a producer code, as the end of a sentence; empty when nothing is."""
    found = _SHAPE.fullmatch(code)
    if found is None:
        return (
            "must be the 27-character producer code (0011, credit code, service 1 or 2, four own characters: "
            "TC260-PG-20252A)"
        )
    credit_code = found["credit_code"]
    wrong = sorted({character for character in credit_code if character not in _CHARACTERS})
    if wrong:
        return f"holds a credit code with {' and '.join(wrong)} in it, which GB 32100-2015 leaves out"
    if credit_code[-1] != check_character(credit_code[:-1]):
        return "holds a credit code whose check character is wrong (GB 32100-2015)"
    return ""


def check_character(digits: str) -> str:
    """The 18th character of a credit code from the other 17 (GB 32100-2015, 5.3)."""
    total = sum(_CHARACTERS.index(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True))
    return _CHARACTERS[-total % 31]


def is_for_demonstration(code: str) -> bool:
    """Whether a code is nobody's: its credit code names an administrative division that does not exist."""
    return code[6:12] == _NOWHERE
