"""assign-units: every tensor op says which unit computes it, and every kernel which kind of core it needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from compiler_core.analysis.units import core_of, units
from compiler_core.dialects.builtin import device_functions
from compiler_core.ir import Op, StringAttr
from compiler_core.passes.base import Pass, PassContext


@dataclass(frozen=True)
class AssignUnits(Pass):
    name = "assign-units"
    summary: ClassVar[Mapping[str, str]] = {
        "en": "Gives each tensor operation to the cube or the vector unit.",
        "zh": "把每个张量运算分配给 cube 或 vector 单元。",
    }
    stage_in = "tile"
    stage_out = "tile"
    mandatory = True

    def apply(self, module: Op, context: PassContext) -> None:
        for function in device_functions(module):
            assigned = units(function, context.chip)
            for op, unit in assigned.items():
                op.attributes["unit"] = StringAttr(unit)
            function.attributes["tilescope.core"] = StringAttr(core_of(assigned.values()))
