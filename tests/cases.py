"""Launches of the example kernels that other judges have seen: the gallery's own, and small ones with ragged edges."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

import compiler_core
from compiler_core.request import Launch

EXAMPLES = Path(compiler_core.__file__).parent / "examples"
FIXTURES = Path(__file__).parent / "fixtures" / "oracles"
SMALL = Path(__file__).parent / "fixtures" / "launches"


@dataclass(frozen=True)
class Case:
    """An example kernel with one launch. `name` is the example's, with "-small" where the launch is."""

    name: str
    source: Path
    launch_file: Path

    @property
    def text(self) -> str:
        return self.source.read_text(encoding="utf-8")

    @property
    def launch(self) -> Launch:
        return msgspec.json.decode(self.launch_file.read_bytes(), type=Launch)


@cache
def gallery() -> tuple[Case, ...]:
    return tuple(Case(f.stem, f, f.with_suffix(".launch.json")) for f in sorted(EXAMPLES.glob("*.py")) if f.stem != "__init__")


@cache
def small() -> tuple[Case, ...]:
    """Every example must have one: a missing file fails where it is read."""
    return tuple(Case(f"{c.name}-small", c.source, SMALL / c.launch_file.name) for c in gallery())


@dataclass(frozen=True)
class Tolerance:
    """|ours - theirs| within atol + rtol·|theirs|."""

    rtol: float
    atol: float

    def worst(self, ours: np.ndarray, theirs: np.ndarray) -> float:
        """The largest difference as a share of what is allowed: at most 1 where all is well; infinite where only one is NaN."""
        mine, other = ours.astype(np.float64), theirs.astype(np.float64)
        same = (mine == other) | (np.isnan(mine) & np.isnan(other))
        with np.errstate(invalid="ignore"):
            share = np.abs(mine - other) / (self.atol + self.rtol * np.abs(other))
        return float(np.max(np.where(same, 0.0, np.nan_to_num(share, nan=np.inf)), initial=0.0))


TOLERANCES = {
    "float32": Tolerance(1e-5, 1e-6),
    "float16": Tolerance(2e-3, 1e-3),
}
"""By dtype of the output. fp32: sums of a thousand terms in another order. fp16: both round once
from fp32, two units in the last place."""
