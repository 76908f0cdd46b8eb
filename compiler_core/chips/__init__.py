"""The chips: one TOML each, every number with its source, and the dataclass that reads it.

A chip that is `like` another gives what differs from it.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

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
    fp8: bool
    """Whether the cores compute with f8E4M3FN and f8E5M2."""
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
    entries = sorted((e for e in files(__name__).iterdir() if e.name.endswith(".toml")), key=lambda e: e.name)
    given = [tomllib.loads(entry.read_text(encoding="utf-8")) for entry in entries]
    by_name = {chip["name"]: chip for chip in given}
    return {name: msgspec.convert(_whole(chip, by_name), Chip) for name, chip in by_name.items()}


def _whole(chip: dict[str, Any], others: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A chip's numbers with those of the chip it is like where it gives none."""
    own = {key: value for key, value in chip.items() if key != "like"}
    return _over(_whole(others[chip["like"]], others), own) if "like" in chip else own


def _over(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Tables merged; everything else, and a move's pair of numbers, as given."""
    merged = dict(base)
    for key, value in own.items():
        inside = key in merged and isinstance(value, dict)
        merged[key] = _over(merged[key], cast(dict[str, Any], value)) if inside else value
    return merged
