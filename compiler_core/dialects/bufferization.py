"""bufferization: where tensors are read from buffers and written to them."""

from compiler_core.ir import Builder, Dialect, Op, Printer, UnitAttr, Value, pretty
from compiler_core.ir.types import MemRefType, TensorType

bufferization = Dialect("bufferization")

bufferization.op("to_tensor", "Reads a buffer as a tensor, at this point of the program.", None, "reads", operands=1, results=1)
bufferization.op("materialize_in_destination", "Writes a tensor to a buffer.", None, operands=2, results=0)


@pretty("bufferization.to_tensor")
def _print_to_tensor(printer: Printer, op: Op) -> None:
    flags = "".join(f" {k}" for k in ("restrict", "writable") if k in op.attributes)
    printer.write(f" {printer.name(op.operands[0])}{flags}")
    printer.attributes(op, "restrict", "writable")
    printer.write(f" : {op.operands[0].type}")


@pretty("bufferization.materialize_in_destination")
def _print_materialize(printer: Printer, op: Op) -> None:
    flags = "".join(f" {k}" for k in ("restrict", "writable") if k in op.attributes)
    printer.write(f" {printer.name(op.operands[0])} in{flags} {printer.name(op.operands[1])}")
    printer.attributes(op, "restrict", "writable")
    printer.write(f" : {printer.types(op)}")


def to_tensor(builder: Builder, source: Value, hint: str = "") -> Value:
    """Reads a view. `restrict`: nobody else reads or writes it through another tensor meanwhile."""
    assert isinstance(source.type, MemRefType)
    type = TensorType(source.type.shape, source.type.element)
    return builder.value("bufferization.to_tensor", [source], type, {"restrict": UnitAttr()}, hint)


def materialize(builder: Builder, source: Value, target: Value) -> Op:
    """Writes a tensor to a view of the same shape."""
    return builder.op("bufferization.materialize_in_destination", [source, target], attributes={"writable": UnitAttr()})
