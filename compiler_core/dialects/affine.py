"""affine: index arithmetic as maps, which vendor-compiled programs use for offsets and sizes."""

from compiler_core.ir import Dialect, Op, Printer, pretty

affine = Dialect("affine")

affine.op("apply", "The value of an affine map.", None, "pure", results=1)
affine.op("max", "The largest of an affine map's values.", None, "pure", results=1)
affine.op("min", "The smallest of an affine map's values.", None, "pure", results=1)


@pretty("affine.apply", "affine.max", "affine.min")
def _print_map(printer: Printer, op: Op) -> None:
    """`affine_map<(d0)[s0] -> …>(%dims)[%symbols]`."""
    text = str(op.attributes["map"])
    dimensions = text.partition("(")[2].partition(")")[0]
    count = len(dimensions.split(",")) if dimensions.strip() else 0
    symbols = op.operands[count:]
    printer.write(f" {text}({printer.names_of(op.operands[:count])})")
    if symbols:
        printer.write(f"[{printer.names_of(symbols)}]")
    printer.attributes(op, "map")
