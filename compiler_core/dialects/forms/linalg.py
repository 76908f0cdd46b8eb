"""Forms of linalg and hfusion.

A named op computes what its name says; the region that says it in scalars is not written in its custom form and not made here.
"""

import re

from compiler_core.dialects.forms.control import read_keyword_attributes
from compiler_core.ir.attributes import ArrayAttr, Attribute, RawAttr, StringAttr
from compiler_core.ir.core import Block, Op, Region
from compiler_core.ir.syntax.forms import (
    FORMS,
    Parts,
    default_attribute,
    form,
    operand_list,
    read_attributes,
    read_integers,
    reads,
)
from compiler_core.ir.syntax.operations import OperationReader
from compiler_core.ir.syntax.scanner import SPACE
from compiler_core.ir.types import TensorType, Type, element_of

_LINALG = (
    *("abs", "add", "ceil", "copy", "div", "div_unsigned", "dot", "elemwise_binary", "elemwise_unary", "erf", "exp", "fill"),
    *("fill_rng_2d", "floor", "log", "max", "min", "mul", "negf", "powf", "reciprocal", "round", "rsqrt", "select", "sqrt"),
    *("square", "sub", "tanh", "matmul", "matmul_transpose_a", "matmul_transpose_b", "matvec", "vecmat", "mmt4d"),
    *("batch_matmul", "batch_matmul_transpose_a", "batch_matmul_transpose_b", "batch_matvec", "batch_mmt4d", "batch_vecmat"),
    *("batch_reduce_matmul", "quantized_matmul", "quantized_batch_matmul"),
    *("conv_1d", "conv_1d_ncw_fcw", "conv_1d_nwc_wcf", "conv_2d", "conv_2d_nchw_fchw", "conv_2d_nhwc_fhwc"),
    *("conv_2d_nhwc_hwcf", "conv_3d", "conv_3d_ncdhw_fcdhw", "conv_3d_ndhwc_dhwcf", "pooling_nchw_max", "pooling_nchw_sum"),
    *("pooling_nhwc_max", "pooling_nhwc_min", "pooling_nhwc_sum", "depthwise_conv_2d_nchw_chw", "depthwise_conv_2d_nhwc_hwc"),
)
_HFUSION = (
    *("cast", "compare", "elemwise_binary", "elemwise_unary", "select", "bitcast", "load", "store", "group_matmul"),
    *("conv1d", "conv2d", "conv3d", "gather"),
)
HIDDEN_BODIES = frozenset(
    {f"linalg.{n}" for n in (*_LINALG, "transpose", "broadcast")}
    | {f"hfusion.{n}" for n in (*_HFUSION, "reduce_with_index", "arange")}
)
"""Ops whose generic form has a region that their custom form leaves out."""


def _operands(reader: OperationReader, parts: Parts) -> None:
    """`ins(%a : type) outs(%b : type)`, of which the first may be missing."""
    for group in ("ins", "outs"):
        if not reader.accept_word(group):
            continue
        reader.expect("(")
        parts.operands[group] = operand_list(reader)
        if reader.accept(":"):
            _check_types(reader, parts, group)
        reader.expect(")")


def _check_types(reader: OperationReader, parts: Parts, group: str) -> None:
    for i, value in enumerate(parts.operands[group]):
        if i:
            reader.expect(",")
        start = reader.at
        written = reader.type()
        if written != value.type:
            raise reader.fail(f"the operand has type {value.type}, not {written}", start)


def _results(reader: OperationReader, parts: Parts) -> None:
    """`-> types`; without it, the tensors among the outputs."""
    if reader.accept("->"):
        parts.results = reader.type_list() if reader.sees("(") else _types(reader)
    else:
        parts.results = [v.type for v in parts.operands.get("outs", []) if parts.count and isinstance(v.type, TensorType)]


def _types(reader: OperationReader) -> list[Type]:
    types = [reader.type()]
    while reader.accept(","):
        types.append(reader.type())
    return types


@reads(*(f"linalg.{n}" for n in _LINALG), *(f"hfusion.{n}" for n in _HFUSION), groups="ins outs", segments=True)
def _named(reader: OperationReader, parts: Parts) -> None:
    if reader.accept_word("indexing_maps"):
        reader.expect("=")
        parts.attributes["indexing_maps"] = reader.attribute()
    read_attributes(reader, parts)
    _operands(reader, parts)
    read_attributes(reader, parts)
    _results(reader, parts)


@reads("linalg.generic", groups="ins outs", segments=True)
def _generic(reader: OperationReader, parts: Parts) -> None:
    """`{indexing_maps = […], iterator_types = […]} ins(…) outs(…) attrs = {…} {region} -> types`."""
    read_attributes(reader, parts)
    iterators = parts.attributes.get("iterator_types")
    if isinstance(iterators, ArrayAttr):
        kinds = [RawAttr(f"#linalg.iterator_type<{v.value}>") if isinstance(v, StringAttr) else v for v in iterators.values]
        parts.attributes["iterator_types"] = ArrayAttr(tuple(kinds))
    _operands(reader, parts)
    if reader.accept_word("attrs"):
        reader.expect("=")
        read_attributes(reader, parts)
    read_keyword_attributes(reader, parts)
    parts.regions.append(reader.region())
    _results(reader, parts)


def _arguments(reader: OperationReader) -> list[tuple[str, Type]]:
    """`(%in: f32, %init: f32)`: the arguments of the region behind them."""
    arguments: list[tuple[str, Type]] = []
    reader.expect("(")
    while not reader.accept(")"):
        name = reader.kind("value")
        reader.expect(":")
        arguments.append((name, reader.type()))
        reader.accept(",")
    return arguments


@reads("hfusion.reduce_with_index", groups="ins outs", segments=True)
@reads("linalg.reduce", "linalg.map", groups="ins outs")
def _reduce(reader: OperationReader, parts: Parts) -> None:
    """`ins(…) outs(…) dimensions = [0] (%in: f32, %init: f32) {region}`; `{ arith.addf }` in front stands for a region."""
    combiner = reader.take(_COMBINER)
    extra: dict[str, Attribute] = {}
    if combiner is not None:
        extra = reader.dictionary() if reader.sees("{") else {}
        reader.expect("}")
    read_attributes(reader, parts)
    if reader.sees("<"):
        start = reader.at
        parts.attributes["reduce_kind"] = RawAttr(f"#hfusion.reduce_with_index_kind{reader.text[start : reader.balanced()]}")
    _operands(reader, parts)
    if reader.accept_word("dimensions"):
        reader.expect("=")
        parts.attributes["dimensions"] = read_integers(reader)
    read_attributes(reader, parts)
    if reader.sees("("):
        parts.regions.append(reader.region(_arguments(reader)))
    elif combiner is not None:
        parts.regions.append(_combining(combiner[1], extra, parts))
    _results(reader, parts)


_COMBINER = re.compile(rf"\{{\s*+([a-z]\w*+\.\w++){SPACE}(?=[{{}}])", re.ASCII)
"""`{ arith.addf` of a body that is one op."""


def _combining(name: str, attributes: dict[str, Attribute], parts: Parts) -> Region:
    """The body that applies one op: to what has been combined so far, where there is that, and to the inputs."""
    values = [*parts.operands.get("ins", []), *parts.operands.get("outs", [])]
    mapped = parts.name == "linalg.map"
    block = Block([element_of(v.type) for v in (parts.operands.get("ins", []) if mapped else values)])
    half = 0 if mapped else len(block.arguments) // 2
    operands = [*block.arguments[half:], *block.arguments[:half]]
    form = FORMS.get(name)
    defaults = {key: default_attribute(text) for key, text in form.defaults.items()} if form else {}
    op = block.append(Op(name, operands, [operands[0].type] if operands else [], {**defaults, **attributes}))
    block.append(Op("linalg.yield", op.results))
    return Region([block])


@reads("linalg.transpose", "linalg.broadcast", groups="ins outs")
def _permute(reader: OperationReader, parts: Parts) -> None:
    _operands(reader, parts)
    for word in ("permutation", "dimensions"):
        if reader.accept_word(word):
            reader.expect("=")
            parts.attributes[word] = read_integers(reader)
    read_attributes(reader, parts)
    _results(reader, parts)


form(
    "hfusion.arange",
    "offset? strides* init",
    "{} (? offset[$offset] ?) strides[$strides] outs($init : @init) (? -> @result ?)",
    segments=True,
)
form(
    "hfusion.histogram",
    "input mask",
    "$input, $num_bins (?, $mask ?) {} : @input (?, @mask ?) -> @result",
    {"num_bins": "integer"},
)
form("linalg.yield", "values*", "{} (? $values : @values ?)", results="")
form("linalg.index", "", "$dim {} : @result", {"dim": "integer"})
form(
    "linalg.softmax",
    "input output",
    "{} dimension($dimension) ins($input : @input) outs($output : @output) -> @result",
    {"dimension": "integer"},
)

form("hfusion.print", "arg", "$prefix {} $arg : @arg", {"prefix": "any"}, results="")
form("hfusion.assert", "cond", "$msg {} $cond : @cond", {"msg": "any"}, results="")
form("hfusion.barrier", "", "{}")
form("hfusion.symbolic_dim", "", "$symbolName {} : @result", {"symbolName": "any"})
form("hfusion.mulext", "lhs rhs", "$lhs, $rhs {} : @lhs", results="lhs lhs")
form("hfusion.mulextui", "lhs rhs", "$lhs, $rhs {} : @lhs", results="lhs lhs")
form("hfusion.interleave", "input*", "$input {} : @input -> @result")
form("hfusion.flip", "input", "$input {} : @input flip_axis = $flip_axis -> @result", {"flip_axis": "integer"})
for _name in ("isinf", "isnan", "isfinite", "erfinv", "cyl_bessel_i0"):
    form(f"hfusion.{_name}", "input", "$input {} : @input -> @result")
for _name in ("cumsum", "cumprod"):
    form(
        f"hfusion.{_name}",
        "input",
        "$input {} : @input cum_dims = $cum_dims reverse = $reverse -> @result",
        {"cum_dims": "array", "reverse": "any"},
    )
form(
    "hfusion.sort",
    "src",
    "{} ins($src : @src) descending = $descending sort_axis = $sort_axis (? -> @result ?)",
    {"descending": "any", "sort_axis": "integer"},
)
_ATOMIC = "{} ins($input : @input) outs($dst : @dst)"
form("hfusion.atomic_cas", "input* dst", f"{_ATOMIC} (? -> @result ?)")
form("hfusion.atomic_xchg", "input dst mask?", f"{_ATOMIC} (? mask($mask : @mask) ?) (? -> @result ?)")
form(
    "hfusion.atomic_rmw",
    "input dst",
    f"{_ATOMIC} atomic_kind = $atomic_kind (? -> @result ?)",
    {"atomic_kind": "#hfusion.atomic_kind"},
)
