"""MLIR text as a source: its function's arguments bound to a launch, or a launch guessed from their types."""

import re

from compiler_core.catalogue import Inspection, KernelEntry, Parameter
from compiler_core.diagnostics import Refused, error
from compiler_core.dialects.builtin import argument_attributes, device_functions, entry, symbol
from compiler_core.events import Stage
from compiler_core.ir import Op, Printer, Value
from compiler_core.ir.dtypes import dtype_of
from compiler_core.ir.parser import parse_module
from compiler_core.ir.types import MemRefType, PointerType, Type
from compiler_core.ir.verifier import MALFORMED, STAGE_DIALECTS, InvalidIR, verify
from compiler_core.request import Launch, TensorArgument

GUESSED_ELEMENTS = 65_536
"""Elements of a tensor argument in a guessed launch."""
GUESSED_INTEGER = 1_024
"""Value of an integer argument in a guessed launch."""

_TRAILING = {"tt": 0, "tensor": 6, "machine": 3}
"""Arguments behind the user's: grid and program ids at the tensor stage, the grid at the machine stage."""


_MLIR = re.compile(r'^\s*(?:"builtin\.module"|module\b|"?(?:func|tt)\.func\b)', re.MULTILINE)
_PYTHON = re.compile(r"^\s*(?:@triton\.jit|def\s)", re.MULTILINE)


def is_mlir(text: str) -> bool:
    """Whether a source text is MLIR and not Python: a line opens a module or a function, and none defines a Python function."""
    return bool(_MLIR.search(text)) and not _PYTHON.search(text)


def import_mlir(text: str) -> tuple[Op, Stage]:
    """The module of a text, generic or custom, and its stage. Raises Refused where it is no valid IR or has no function."""
    module = parse_module(text)
    if not device_functions(module):
        raise Refused(error("no-kernel"))
    used = {op.dialect for op in module.walk()}
    for stage in ("tt", "tensor", "machine"):
        if used <= STAGE_DIALECTS[stage]:
            try:
                verify(module, stage)
            except InvalidIR as invalid:
                first = invalid.violations[0]
                raise Refused(error("mlir-invalid", op=first.op.name, problem=first.problem)) from None
            _refuse_unwritable(module)
            return module, stage
    known = frozenset[str]().union(*STAGE_DIALECTS.values())
    raise Refused(error("mlir-no-stage", dialects=", ".join(sorted(used - known) or sorted(used))))


def _refuse_unwritable(module: Op) -> None:
    """Raises Refused for an op whose attributes or operands are not of its dialect's form, so that it cannot be shown."""
    printer = Printer()
    try:
        printer.op(module)
    except MALFORMED as malformed:
        name = printer.latest.name if printer.latest else module.name
        problem = f"is not of the form its dialect expects ({type(malformed).__name__}: {malformed})"
        raise Refused(error("mlir-invalid", op=name, problem=problem)) from None


def import_machine(text: str) -> Op:
    """The module of a machine-stage text, for the emulator to judge. Raises Refused where it does not parse, has no function or
    is of a stage that has to be lowered first.
    """
    module = parse_module(text)
    if not device_functions(module):
        raise Refused(error("no-kernel"))
    if not any(op.dialect == "hivm" for op in module.walk()):
        raise Refused(error("emulate-not-machine", dialects=", ".join(sorted({op.dialect for op in module.walk()}))))
    return module


def user_arguments(module: Op, stage: Stage) -> list[Value]:
    """The first function's arguments without the vendor's hidden ones in front and the grid behind."""
    kernel = entry(module)
    pairs = zip(kernel.body.arguments, argument_attributes(kernel), strict=True)
    shown = [a for a, extra in pairs if "hacc.arg_type" not in dict(extra.entries)]
    return shown[: max(0, len(shown) - _TRAILING[stage])]


def bind(module: Op, stage: Stage, launch: Launch) -> None:
    """Gives the function's arguments the launch's names, in order. Raises Refused where number or types do not fit."""
    arguments = user_arguments(module, stage)
    if len(arguments) != len(launch.arguments):
        raise Refused(
            error(
                "mlir-argument-count",
                kernel=symbol(entry(module)),
                wanted=len(arguments),
                given=len(launch.arguments),
            )
        )
    for argument, (name, value) in zip(arguments, launch.arguments.items(), strict=True):
        given = value.dtype if isinstance(value, TensorArgument) else "float" if isinstance(value, float) else "integer"
        if given != _wanted(argument.type):
            raise Refused(error("mlir-argument-type", name=name, wanted=_wanted(argument.type), given=given))
        argument.name = name


def _pointee(type: Type) -> Type | None:
    return type.pointee if isinstance(type, PointerType) else type.element if isinstance(type, MemRefType) else None


def _wanted(type: Type) -> str:
    """What a launch gives for an argument of a type: a tensor's dtype, "integer" or "float"."""
    pointee = _pointee(type)
    if pointee is not None:
        return dtype_of(pointee).name
    return "float" if dtype_of(type).kind == "f" or str(type) == "bf16" else "integer"


def inspect_mlir(text: str) -> Inspection:
    """The first function of a text, and a launch guessed from its argument types. Raises Refused as `import_mlir` does."""
    return guess(*import_mlir(text))


def guess(module: Op, stage: Stage) -> Inspection:
    """The first function of a module, and a launch guessed from its argument types."""
    kernel = entry(module)
    parameters: list[Parameter] = []
    values: dict[str, TensorArgument | bool | int | float] = {}
    for i, argument in enumerate(user_arguments(module, stage)):
        name = argument.name or f"arg{i}"
        wanted = _wanted(argument.type)
        tensor = _pointee(argument.type) is not None
        parameters.append(Parameter(name, "tensor" if tensor else "scalar"))
        if tensor:
            values[name] = TensorArgument(wanted, (GUESSED_ELEMENTS,), seed=i)
        else:
            values[name] = 1.0 if wanted == "float" else GUESSED_INTEGER
    line = kernel.location[0].line if kernel.location else 1
    found = KernelEntry(symbol(kernel), line, tuple(parameters))
    return Inspection((found,), Launch(symbol(kernel), (1,), values), tuple(values))
