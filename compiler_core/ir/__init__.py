"""The IR: a small SSA core that speaks MLIR.

core: values, ops, blocks, regions, builder · types, attributes: frozen values that print as MLIR · registry: op declarations ·
printer, parser: MLIR text · verifier: structure and stages · rewriter: patterns and folding · diff: by identity
"""

from compiler_core.ir.attributes import (
    ArrayAttr,
    Attribute,
    BoolAttr,
    DenseArrayAttr,
    DenseAttr,
    DictAttr,
    FloatAttr,
    IntegerAttr,
    RawAttr,
    ResourceAttr,
    StringAttr,
    SymbolRefAttr,
    TypeAttr,
    UnitAttr,
    scalar_attribute,
)
from compiler_core.ir.core import (
    Block,
    Builder,
    Location,
    Locations,
    Op,
    Region,
    Value,
    defining,
    fuse_locations,
    module,
    single_block,
)
from compiler_core.ir.printer import PrintedIR, Printer, pretty, print_ir, to_text
from compiler_core.ir.registry import OPS, Dialect, OpDef, has_trait, is_pure

__all__ = [
    "OPS",
    "ArrayAttr",
    "Attribute",
    "Block",
    "BoolAttr",
    "Builder",
    "DenseArrayAttr",
    "DenseAttr",
    "Dialect",
    "DictAttr",
    "FloatAttr",
    "IntegerAttr",
    "Location",
    "Locations",
    "Op",
    "OpDef",
    "PrintedIR",
    "Printer",
    "RawAttr",
    "Region",
    "ResourceAttr",
    "StringAttr",
    "SymbolRefAttr",
    "TypeAttr",
    "UnitAttr",
    "Value",
    "defining",
    "fuse_locations",
    "has_trait",
    "is_pure",
    "module",
    "pretty",
    "print_ir",
    "scalar_attribute",
    "single_block",
    "to_text",
]
