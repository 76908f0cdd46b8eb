"""builtin and func: modules and functions."""

from compiler_core.ir import Dialect, Op, Printer, pretty
from compiler_core.ir.attributes import ArrayAttr, DictAttr, StringAttr, SymbolRefAttr, TypeAttr, dictionary_text
from compiler_core.ir.core import Block, Locations, Region, Value
from compiler_core.ir.types import FunctionType, Type

builtin = Dialect("builtin")
func = Dialect("func")

builtin.op("module", "A list of functions.", None, "isolated")
builtin.op("unrealized_conversion_cast", "Bridges two types while a lowering is under way.", "{*} : {:*} to {:r}", "pure")
func.op("func", "A function: a kernel, or a helper it calls.", None, "isolated")
func.op("return", "Ends a function.", None, "terminator")
func.op("call", "Calls a function by name.", None)


def function(
    name: str,
    inputs: list[Type],
    results: list[Type] | None = None,
    names: list[str] | None = None,
    location: Locations = (),
    kind: str = "func.func",
) -> Op:
    """A function with one empty block; `names` are the arguments' names in the source."""
    return Op(
        kind,
        attributes={"sym_name": name, "function_type": FunctionType(tuple(inputs), tuple(results or []))},
        regions=[Region([Block(inputs, names or [])])],
        location=location,
    )


def symbol(op: Op) -> str:
    """A function's name."""
    name = op.attributes["sym_name"]
    assert isinstance(name, StringAttr)
    return name.value


def function_type(op: Op) -> FunctionType:
    attribute = op.attributes["function_type"]
    assert isinstance(attribute, TypeAttr) and isinstance(attribute.type, FunctionType)
    return attribute.type


def update_function_type(op: Op) -> None:
    """Makes the signature agree with the block arguments and the return after a pass changed them."""
    terminator = op.body.terminator
    inputs = tuple(a.type for a in op.body.arguments)
    op.attributes["function_type"] = TypeAttr(FunctionType(inputs, tuple(v.type for v in terminator.operands)))


def argument_attributes(op: Op) -> list[DictAttr]:
    """One dictionary an argument, empty where it has none."""
    attributes = op.get("arg_attrs", ArrayAttr)
    if attributes is None:
        return [DictAttr(())] * len(op.body.arguments)
    return [a for a in attributes.values if isinstance(a, DictAttr)]


def set_argument_attributes(op: Op, attributes: list[DictAttr]) -> None:
    """Sets them; without any, the attribute goes."""
    if any(a.entries for a in attributes):
        op.attributes["arg_attrs"] = ArrayAttr(tuple(attributes))
    else:
        op.attributes.pop("arg_attrs", None)


def functions(module: Op) -> list[Op]:
    return [op for op in module.body.ops if op.name in ("func.func", "tt.func")]


def device_functions(module: Op) -> list[Op]:
    """The functions that run on the device: those with a body that neither we nor the vendor's compiler mark as the host's."""
    return [f for f in functions(module) if f.region.blocks and not _is_host(f)]


def _is_host(function: Op) -> bool:
    return "tilescope.host" in function.attributes or "HOST" in str(function.attributes.get("hacc.function_kind", ""))


def entry(module: Op) -> Op:
    """The kernel of a module: its first device function. Raises IndexError where it has none."""
    return device_functions(module)[0]


@pretty("builtin.module")
def print_module(printer: Printer, op: Op) -> None:
    printer.parts[-1] = printer.parts[-1].removeprefix("builtin.")
    if op.attributes:
        printer.write(" attributes " + dictionary_text(op.attributes))
    printer.write(" ")
    printer.region(op.region)


@pretty("func.func", "tt.func")
def print_function(printer: Printer, op: Op) -> None:
    type = function_type(op)
    visibility = op.get("sym_visibility", StringAttr)
    printer.write(f" {visibility.value} @{symbol(op)}(" if visibility else f" @{symbol(op)}(")
    if op.region.blocks:
        written = [
            f"{printer.name(a)}: {a.type}" + (f" {extra}" if extra.entries else "")
            for a, extra in zip(op.body.arguments, argument_attributes(op), strict=True)
        ]
    else:
        written = [str(t) for t in type.inputs]
    printer.write(", ".join(written) + ")")
    if len(type.results) == 1:
        printer.write(f" -> {type.results[0]}")
    elif type.results:
        printer.write(f" -> ({', '.join(map(str, type.results))})")
    rest = {k: v for k, v in op.attributes.items() if k not in ("sym_name", "function_type", "arg_attrs", "sym_visibility")}
    if rest:
        printer.write(" attributes " + dictionary_text(rest))
    if op.region.blocks:
        printer.write(" ")
        printer.region(op.region)


@pretty("func.return", "tt.return")
def print_return(printer: Printer, op: Op) -> None:
    if op.name == "func.return":
        printer.parts[-1] = printer.parts[-1].removeprefix("func.")
    if op.operands:
        printer.write(f" {printer.names_of(op.operands)} : {', '.join(str(v.type) for v in op.operands)}")


@pretty("func.call", "tt.call")
def print_call(printer: Printer, op: Op) -> None:
    callee = op.attributes["callee"]
    assert isinstance(callee, SymbolRefAttr)
    printer.write(f" {callee}({printer.names_of(op.operands)}) : {printer.types(op)}")


def called(op: Op, module: Op) -> Op:
    """The function that a call names. Raises KeyError where the module has none of that name."""
    callee = op.attributes["callee"]
    assert isinstance(callee, SymbolRefAttr)
    for candidate in functions(module):
        if symbol(candidate) == callee.value:
            return candidate
    raise KeyError(callee.value)


def arguments_by_name(op: Op) -> dict[str, Value]:
    """A function's arguments by their source names."""
    return {a.name: a for a in op.body.arguments}
