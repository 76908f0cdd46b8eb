"""The chips: one TOML each, every number with its source, and the dataclass that reads it."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from compiler_core.chips.timing import Timing

SPLIT_PIPES = ("S", "V", "M", "MTE1", "MTE2", "MTE3", "FIX")
COUPLED_PIPES = ("S", "V", "M", "MTE1", "MTE2", "MTE3")


class Chip(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One Ascend chip. Memories are bytes of one core; the clock is MHz.

    "split": a cube core (AIC) with two vector cores (AIV) that meet through global memory. "coupled": one core runs cube and
    vector.
    """

    name: str
    summary: dict[str, str]
    organisation: Literal["split", "coupled"]
    clock_mhz: float
    cube_cores: int
    vector_cores: int
    """On a coupled chip both numbers are the number of AI cores."""
    ub: int
    l1: int
    l0a: int
    l0b: int
    l0c: int
    bf16: bool
    timing: Timing

    @property
    def split(self) -> bool:
        return self.organisation == "split"

    @property
    def pipes(self) -> tuple[str, ...]:
        return SPLIT_PIPES if self.split else COUPLED_PIPES

    @property
    def buffers(self) -> dict[str, int]:
        """Bytes of each on-chip buffer of one core."""
        return {"UB": self.ub, "L1": self.l1, "L0A": self.l0a, "L0B": self.l0b, "L0C": self.l0c}


@cache
def chips() -> dict[str, Chip]:
    """Every chip by name."""
    found: dict[str, Chip] = {}
    for entry in sorted(files(__name__).iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            chip = msgspec.convert(tomllib.loads(entry.read_text(encoding="utf-8")), Chip)
            found[chip.name] = chip
    return found
