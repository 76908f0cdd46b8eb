"""scf: structured control flow."""

from collections.abc import Sequence

from compiler_core.ir import Block, Builder, Dialect, Op, Printer, Region, Value, pretty
from compiler_core.ir.types import IndexType

scf = Dialect("scf")


def _verify_for(op: Op) -> str | None:
    if len(op.operands) < 3:
        return "needs a lower bound, an upper bound and a step"
    carried = [v.type for v in op.operands[3:]]
    if [a.type for a in op.body.arguments[1:]] != carried or [r.type for r in op.results] != carried:
        return "the types of iter_args, block arguments and results differ"
    if [v.type for v in op.body.terminator.operands] != carried:
        return "the types of the yielded values and of iter_args differ"
    return None


scf.op("for", "Counts from a lower bound to an upper, carrying values.", None, "pure", verify=_verify_for)
scf.op("if", "One of two regions by a condition.", None, "pure")
scf.op("while", "Repeats while its condition region says so.", None, "pure")
scf.op("condition", "Ends the condition region of a while.", None, "terminator")
scf.op("yield", "Ends a region, handing its values on.", None, "terminator")


@pretty("scf.for")
def _print_for(printer: Printer, op: Op) -> None:
    low, high, step = op.operands[:3]
    index, *carried = op.body.arguments
    printer.write(f" {printer.name(index)} = {printer.name(low)} to {printer.name(high)} step {printer.name(step)}")
    if carried:
        pairs = ", ".join(f"{printer.name(a)} = {printer.name(v)}" for a, v in zip(carried, op.operands[3:], strict=True))
        printer.write(f" iter_args({pairs}) -> ({', '.join(str(r.type) for r in op.results)})")
    if not isinstance(index.type, IndexType):
        printer.write(f"  : {index.type}")
    printer.write(" ")
    printer.region(op.region)
    printer.attributes(op)


@pretty("scf.if")
def _print_if(printer: Printer, op: Op) -> None:
    printer.write(f" {printer.name(op.operands[0])}")
    if op.results:
        printer.write(f" -> ({', '.join(str(r.type) for r in op.results)})")
    printer.write(" ")
    printer.region(op.regions[0])
    if len(op.regions) > 1 and op.regions[1].blocks:
        printer.write(" else ")
        printer.region(op.regions[1])
    printer.attributes(op)


@pretty("scf.while")
def _print_while(printer: Printer, op: Op) -> None:
    before, after = op.regions
    pairs = ", ".join(
        f"{printer.name(a)} = {printer.name(v)}" for a, v in zip(before.blocks[0].arguments, op.operands, strict=True)
    )
    printer.write(f" ({pairs}) : {printer.types(op)} ")
    printer.region(before)
    printer.write(" do ")
    printer.region(after, arguments=True)
    printer.attributes(op)


@pretty("scf.yield")
def _print_yield(printer: Printer, op: Op) -> None:
    if op.operands:
        printer.write(f" {printer.names_of(op.operands)} : {', '.join(str(v.type) for v in op.operands)}")


@pretty("scf.condition")
def _print_condition(printer: Printer, op: Op) -> None:
    condition, *rest = op.operands
    printer.write(f"({printer.name(condition)})")
    if rest:
        printer.write(f" {printer.names_of(rest)} : {', '.join(str(v.type) for v in rest)}")


def for_loop(
    builder: Builder,
    low: Value,
    high: Value,
    step: Value,
    carried: Sequence[Value] = (),
    names: Sequence[str] = (),
    index: str = "i",
) -> Op:
    """An scf.for with an empty body (no yield yet); body arguments are the index, then the carried values."""
    block = Block([low.type, *(v.type for v in carried)], [index, *(names or [v.name for v in carried])])
    types = [v.type for v in carried]
    return builder.op("scf.for", [low, high, step, *carried], types, regions=[Region([block])], names=[v.name for v in carried])
