"""Forms of tensor."""

from compiler_core.dialects.forms.memory import read_element
from compiler_core.ir.attributes import DenseArrayAttr, UnitAttr
from compiler_core.ir.syntax.forms import Parts, form, mixed_list, read_attributes, reads
from compiler_core.ir.syntax.operations import OperationReader

form("tensor.empty", "sizes*", "($sizes) {} : @result")
form("tensor.cast", "source", "$source {} : @source to @result")
form("tensor.bitcast", "source", "$source {} : @source to @result")
form("tensor.dim", "source index", "{} $source, $index : @source", results="index")
form("tensor.rank", "tensor", "$tensor {} : @tensor", results="index")
form("tensor.splat", "input sizes*", "$input (? [$sizes] ?) {} : @result")
form("tensor.from_elements", "elements*", "$elements {} : @result")
form("tensor.insert", "scalar dest indices*", "$scalar into $dest[$indices] {} : @dest", results="dest")
form("tensor.yield", "value", "$value {} : @value", results="")
form("tensor.collapse_shape", "src", "$src $reassociation {} : @src into @result", {"reassociation": "any"})
form(
    "tensor.expand_shape",
    "src output_shape",
    "$src $reassociation output_shape %output_shape {} : @src into @result",
    {"reassociation": "any"},
)
form("tensor.reshape", "source shape", "$source($shape) {} : fn")
form(
    "tensor.extract_slice",
    "source offsets sizes strides",
    "$source %offsets %sizes %strides {} : @source to @result",
    segments=True,
)
form(
    "tensor.insert_slice",
    "source dest offsets sizes strides",
    "$source into $dest %offsets %sizes %strides {} : @source into @result",
    segments=True,
)
form(
    "tensor.parallel_insert_slice",
    "source dest offsets sizes strides",
    "$source into $dest %offsets %sizes %strides {} : @source into @dest",
    results="",
    segments=True,
)
form("tensor.concat", "inputs*", "dim($dim) $inputs {} : fn", {"dim": "any"})
form("tensor.generate", "sizes*", "$sizes &body {} : @result")


@reads("tensor.extract", groups="tensor indices")
def _extract(reader: OperationReader, parts: Parts) -> None:
    read_element(reader, parts, "tensor")


@reads("tensor.pad", groups="source low high", segments=True)
def _pad(reader: OperationReader, parts: Parts) -> None:
    """`%t nofold low[…] high[…] {^bb0(…): …} : type to type`."""
    parts.operands["source"] = [reader.operand()]
    if reader.accept_word("nofold"):
        parts.attributes["nofold"] = UnitAttr()
    for group in ("low", "high"):
        reader.expect_word(group)
        parts.operands[group], numbers = mixed_list(reader)
        parts.attributes[f"static_{group}"] = DenseArrayAttr(tuple(numbers))
    parts.regions.append(reader.region())
    read_attributes(reader, parts)
    reader.expect(":")
    reader.type()
    reader.expect_word("to")
    parts.results = [reader.type()]
