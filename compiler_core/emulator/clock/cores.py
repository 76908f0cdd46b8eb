"""What a block runs on: one core, or on a split chip a cube core and two vector cores, each kind with its own program."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from compiler_core.chips import Chip
from compiler_core.diagnostics import Refused, error
from compiler_core.dialects.builtin import device_functions, symbol
from compiler_core.ir import Op

VECTORS = 2
"""Vector cores that share a block with a cube core. Source: the 910B's documented ratio of vector to cube cores."""
_HALF = re.compile(r"_mix_ai[cv]$")


@dataclass(frozen=True)
class Part:
    """A function as cores of one kind run it. `kind` is AIC, AIV, or AI on a coupled chip; `lanes` such cores share a block."""

    function: Op
    kind: str
    lanes: int = 1
    shared: bool = False
    """Whether other cores run the same function: then each runs what belongs to it."""

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of all its ops."""
        return frozenset([op.name for op in self.function.walk()])


def core_type(function: Op) -> str:
    """AIV, AIC or MIX."""
    text = str(function.attributes.get("hivm.func_core_type", ""))
    return next((kind for kind in ("AIV", "AIC", "MIX") if f"<{kind}>" in text), "AIV")


def base_name(name: str) -> str:
    """The kernel that a function is, or is a half of."""
    return _HALF.sub("", name)


def parts_of(module: Op, name: str | None, chip: Chip) -> tuple[str, list[Part]]:
    """The kind of a launch (AIV, AIC or MIX) and the programs it runs: of the function named, or the only one.

    A kernel in two halves, `X_mix_aic` and `X_mix_aiv`, is found by either name or by X. Raises Refused.
    """
    devices = device_functions(module)
    wanted = [f for f in devices if name is None or name in (symbol(f), base_name(symbol(f)))]
    if not wanted:
        raise Refused(error("emulator-no-function", name=name or ""))
    first = wanted[0]
    base = base_name(symbol(first))
    halves = {symbol(f).removeprefix(base): f for f in devices if base_name(symbol(f)) == base != symbol(f)}
    if chip.split and {"_mix_aic", "_mix_aiv"} <= set(halves):
        return "MIX", [Part(halves["_mix_aic"], "AIC"), Part(halves["_mix_aiv"], "AIV", VECTORS)]
    kind = core_type(first)
    if chip.split and kind == "MIX":
        return kind, [Part(first, "AIC", shared=True), Part(first, "AIV", VECTORS, shared=True)]
    return kind, [Part(first, kind if chip.split else "AI")]


def uses(parts: Sequence[Part], *names: str) -> bool:
    """Whether any program has one of these hivm ops."""
    return any(f"hivm.hir.{name}" in part.names for part in parts for name in names)
