"""How far emulated times are from published ones: the table that `make fidelity` last wrote."""

from functools import cache
from importlib.resources import files

import msgspec

from compiler_core.catalogue import Fidelity


@cache
def fidelity() -> Fidelity:
    return msgspec.json.decode(files("compiler_core.emulator").joinpath("fidelity.json").read_bytes(), type=Fidelity)


def fidelity_of(chip: str) -> Fidelity | None:
    """The table, where it has measurements of the chip's family (names that differ in their last digit); else None."""
    found = fidelity()
    return found if any(_family(case.chip) == _family(chip) for case in found.cases) else None


def _family(chip: str) -> str:
    return chip.rstrip("0123456789") if chip[-2:-1].isalpha() else chip
