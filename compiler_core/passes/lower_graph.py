"""lower-graph: every graph op becomes a kernel, and @main the host's schedule that calls them.

Weights become globals, tensors in between flat buffers on the device; reshapes are other names of the same buffer. Ops of the
same kind on the same shapes share one kernel.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from compiler_core.chips import Chip
from compiler_core.dialects import memref
from compiler_core.dialects.builtin import function, functions, symbol
from compiler_core.dialects.graph import (
    ELEMENTWISE,
    activation_of,
    array_of,
    integer,
    integers,
    number,
    resource,
    shape_of,
    tensor_type,
    window_of,
)
from compiler_core.ir import ArrayAttr, Builder, Op, SymbolRefAttr, TypeAttr, UnitAttr, Value, fuse_locations
from compiler_core.ir.attributes import dictionary_text
from compiler_core.ir.types import DYNAMIC, MemRefType, TensorType, Type
from compiler_core.lowering.kernels import movement, product, window
from compiler_core.lowering.kernels.elementwise import elementwise
from compiler_core.lowering.kernels.frame import Kernel, rounded_up
from compiler_core.lowering.kernels.softmax import ALIGNMENT, softmax
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.expand_graph import refused
from compiler_core.passes.graph_rewrites import float64

Array = NDArray[np.generic]

VIEWS = ("graph.reshape", "graph.flatten", "graph.identity")
LEAST_TILE = 512
"""Elements of the smallest tile that work is cut into to give every core some: 1 KiB of 16-bit numbers."""
LIVE_TILES = 12
"""Float32 tiles that a vector kernel may hold at once: operands, steps in between, and the next tile arriving."""


def room_of(chip: Chip) -> int:
    """Elements of a vector kernel's tile: a power of two, so many that all live tiles fit UB."""
    return 1 << (chip.ub // (4 * LIVE_TILES)).bit_length() - 1


def flat(element: Type) -> MemRefType:
    return MemRefType((DYNAMIC,), element)


@dataclass(frozen=True)
class Weight:
    """A constant that a kernel takes besides its op's operands."""

    array: Array
    name: str


@dataclass
class Kernels:
    """The kernels made so far, by what they compute."""

    chip: Chip
    taken: set[str] = field(default_factory=set[str])
    made: dict[str, Op] = field(default_factory=dict[str, Op])

    def of(self, op: Op) -> tuple[Op, list[Value | Weight]]:
        """The kernel of an op, and what it takes as buffers before its result. Raises Refused."""
        known = _known(op)
        key = f"{op.name} {dictionary_text(op.attributes)} {[str(v.type) for v in (*op.operands, op.result)]} {known}"
        operands = _bias(op) or [v for i, v in enumerate(op.operands) if i not in known]
        if key in self.made:
            for inner in self.made[key].walk():
                inner.location = fuse_locations(inner.location, op.location)
                inner.origin = (*inner.origin, op.id)
        else:
            self.made[key] = BUILD[op.name](Site(op, known, self))
        return self.made[key], operands

    def name(self, wanted: str) -> str:
        """A function name that no other kernel has."""
        name, i = wanted, 1
        while name in self.taken:
            i += 1
            name = f"{wanted}_{i}"
        self.taken.add(name)
        return name


def is_product(op: Op) -> bool:
    """Computed by the cube: a depthwise convolution is not."""
    return op.name == "graph.matmul" or (op.name == "graph.conv" and integer(op, "group", 1) == 1)


def _bias(op: Op) -> list[Value | Weight]:
    """The operands of a product with a bias, as its kernel takes them; none for any other op."""
    if not is_product(op) or len(op.operands) < 3:
        return []
    x, weight, bias = op.operands
    array = float64(bias)
    assert array is not None
    ones, rows = product.bias_operands(array.reshape(-1), tensor_type(weight).element)
    return [x, weight, Weight(ones, f"ones.{tensor_type(weight).element}"), Weight(rows, bias.name)]


def _known(op: Op) -> dict[int, float]:
    """Operands of an elementwise op that are one constant number, as long as one operand remains."""
    if op.name not in ELEMENTWISE or len(op.operands) < 2:
        return {}
    numbers = {i: float(a.reshape(-1)[0]) for i, v in enumerate(op.operands) if (a := array_of(v)) is not None and a.size == 1}
    return numbers if len(numbers) < len(op.operands) else {}


@dataclass(frozen=True)
class Site:
    """The op that a kernel is built for."""

    op: Op
    known: dict[int, float]
    kernels: Kernels

    @property
    def chip(self) -> Chip:
        return self.kernels.chip

    @property
    def room(self) -> int:
        return room_of(self.chip)

    @property
    def share(self) -> int:
        """Elements of a tile where every core gets one, as long as tiles are worth their transfer."""
        each = -(-_product(self.out) // self.chip.vector_cores)
        return min(self.room, max(LEAST_TILE, 1 << (each - 1).bit_length()))

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        return [shape_of(v) for v in self.op.operands]

    @property
    def out(self) -> tuple[int, ...]:
        return shape_of(self.op.result)

    def name(self, what: str = "") -> str:
        activation = activation_of(self.op)
        base = what or self.op.name.partition(".")[2]
        return self.kernels.name(f"{base}_{activation}" if activation else base)

    def maker(self, what: str = "", names: Sequence[str] = ("x", "y", "z")) -> Callable[[Sequence[int]], Kernel]:
        """Starts the op's kernel: its operands' buffers, then `out`."""
        operands = [v for i, v in enumerate(self.op.operands) if i not in self.known]
        buffers = [(name, tensor_type(v).element) for name, v in zip(names, operands, strict=False)]
        out = ("out", tensor_type(self.op.result).element)
        name = self.name(what)
        return lambda grid: Kernel(name, [*buffers, out], grid, self.op.location, (self.op.id,))

    def ends(self, what: str) -> product.Ends:
        x, output = (tensor_type(v).element for v in (self.op.operands[0], self.op.result))
        biased = len(self.op.operands) > 2
        return product.Ends(self.name(what), x, biased, output, activation_of(self.op), self.op.location, (self.op.id,))


def _matmul(site: Site) -> Op:
    a, b = site.shapes[:2]
    (m, k), n, batch = a[-2:], b[-1], site.out[:-2]
    if all(s == 1 for s in b[:-2]):
        m, batch = m * _product(batch), ()
        return product.matmul(site.chip, site.ends("matmul"), m, n, k, (), ((), ()))
    strides = (_batch_strides(a, batch), _batch_strides(b, batch))
    return product.matmul(site.chip, site.ends("batch_matmul"), m, n, k, batch, strides)


def _product(sizes: Sequence[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total


def _batch_strides(shape: tuple[int, ...], batch: tuple[int, ...]) -> tuple[int, ...]:
    """Elements from one matrix to the next along each batch dimension; 0 where the operand broadcasts."""
    full = (1,) * (len(batch) + 2 - len(shape)) + shape
    return tuple(0 if full[i] == 1 else _product(full[i + 1 :]) for i in range(len(batch)))


def _conv(site: Site) -> Op:
    x, over = site.shapes[0], window_of(site.op)
    height, width = over.kernel
    if not is_product(site.op):
        make = site.maker(f"depthwise_{height}x{width}", ("x", "weight", "bias"))
        bias = len(site.op.operands) > 2
        return window.depthwise(make, x, site.out, over, site.room, bias=bias, activation=activation_of(site.op))
    ends = site.ends(f"conv_{height}x{width}")
    if over.kernel == over.strides == (1, 1):
        return product.matmul(site.chip, ends, _product(x[:3]), site.out[3], x[3], (), ((), ()))
    return product.conv(site.chip, ends, x, site.out, over)


def _max_pool(site: Site) -> Op:
    return window.max_pool(site.maker(), site.shapes[0], site.out, window_of(site.op), site.room)


def _average_pool(site: Site) -> Op:
    return window.average_pool(site.maker(), site.shapes[0], site.out, window_of(site.op), site.room, activation_of(site.op))


def _global_average_pool(site: Site) -> Op:
    return window.global_average(site.maker(), site.shapes[0], site.room)


def _softmax(site: Site) -> Op:
    """Raises Refused for rows that do not fit the vector unit's buffer."""
    length = site.out[-1]
    if rounded_up(length, ALIGNMENT) > site.room:
        raise refused(site.op, "graph-too-long", elements=length, limit=site.room)
    return softmax(site.maker(), _product(site.out[:-1]), length, site.share)


def _transpose(site: Site) -> Op:
    return movement.transpose(site.maker(), site.shapes[0], integers(site.op, "permutation"), site.room)


def _pad(site: Site) -> Op:
    op = site.op
    value = number(op, "value", 0.0)
    return movement.pad(site.maker(), site.shapes[0], integers(op, "low"), integers(op, "high"), value, site.room)


def _elementwise(site: Site) -> Op:
    return elementwise(site.maker(), site.op, site.known, site.share)


BUILD: dict[str, Callable[[Site], Op]] = {
    **dict.fromkeys((*ELEMENTWISE, "graph.cast"), _elementwise),
    "graph.matmul": _matmul,
    "graph.conv": _conv,
    "graph.max_pool": _max_pool,
    "graph.average_pool": _average_pool,
    "graph.global_average_pool": _global_average_pool,
    "graph.softmax": _softmax,
    "graph.transpose": _transpose,
    "graph.pad": _pad,
}
"""The kernel of each op that expand-graph leaves."""


@dataclass
class Schedule:
    """@main while it is made: buffers of graph values, and the globals of weights."""

    main: Op
    kernels: Kernels
    buffers: dict[Value, Value] = field(default_factory=dict[Value, Value])
    globals: dict[str, Op] = field(default_factory=dict[str, Op])

    def lower(self) -> Op:
        source = self.main
        returned = source.body.terminator.operands
        inputs = [a.name for a in source.body.arguments]
        outputs = _output_names(source)
        types = [flat(tensor_type(v).element) for v in (*source.body.arguments, *returned)]
        host = function("main", list(types), names=[*inputs, *outputs], location=source.location)
        host.origin = (source.id,)
        host.attributes.update({k: v for k, v in source.attributes.items() if k.startswith("tilescope.")})
        host.attributes["tilescope.host"] = UnitAttr()
        host.attributes["tilescope.input_types"] = _types(source.body.arguments)
        host.attributes["tilescope.output_types"] = _types(returned)
        self.builder = Builder(host.body, 0, source.location, (source.id,))
        arguments = host.body.arguments
        self.buffers.update(zip(source.body.arguments, arguments, strict=False))
        homes = self.homes(returned, arguments[len(inputs) :])
        for op in source.body.ops[:-1]:
            self.op(op, homes)
        self.copy_out(source.body.terminator, arguments[len(inputs) :], homes)
        self.builder.op("func.return")
        return host

    def homes(self, returned: Sequence[Value], outputs: Sequence[Value]) -> dict[Value, Value]:
        """Values that are computed straight into an output: those a kernel makes, the first time they are returned."""
        homes: dict[Value, Value] = {}
        for value, output in zip(returned, outputs, strict=True):
            made = underlying(value)
            if made.op is not None and made.op.name != "graph.constant" and made not in homes:
                homes[made] = output
        return homes

    def op(self, op: Op, homes: dict[Value, Value]) -> None:
        self.builder.location, self.builder.origin = op.location, (op.id,)
        if op.name in VIEWS:
            self.buffers[op.result] = self.buffer(op.operands[0])
        elif op.name != "graph.constant":
            self.buffers[op.result] = homes.get(op.result) or self.alloc(op.result)
            kernel, operands = self.kernels.of(op)
            self.call(kernel, [*operands, op.result])

    def call(self, kernel: Op, values: Sequence[Value | Weight]) -> None:
        buffers = [self.buffer(v) if isinstance(v, Value) else self.weight(v, ()) for v in values]
        self.builder.op("func.call", buffers, attributes={"callee": SymbolRefAttr(symbol(kernel))})

    def copy_out(self, terminator: Op, outputs: Sequence[Value], homes: dict[Value, Value]) -> None:
        """Outputs that are an input, a constant, or the same value as another output are copies."""
        for value, output in zip(terminator.operands, outputs, strict=True):
            if homes.get(underlying(value)) is output:
                continue
            block = terminator.parent
            assert block is not None
            copy = Builder.before(terminator).op("graph.cast", [value], [value.type], names=[output.name])
            self.builder.location, self.builder.origin = terminator.location, (terminator.id,)
            self.buffers[copy.result] = output
            self.call(self.kernels.of(copy)[0], [value, copy.result])

    def buffer(self, value: Value) -> Value:
        """The flat buffer of a value; a constant's is made from its global."""
        if value not in self.buffers:
            array = array_of(value)
            assert array is not None and value.op is not None
            self.buffers[value] = self.weight(Weight(array, value.name), (value.op.id,))
        return self.buffers[value]

    def alloc(self, value: Value) -> Value:
        type = tensor_type(value)
        made = memref.alloc(self.builder, MemRefType((type.size,), type.element), hint=value.name)
        return self.builder.value("memref.cast", [made], flat(type.element), hint=value.name)

    def weight(self, weight: Weight, origin: tuple[int, ...]) -> Value:
        """A constant's buffer, from its global; `origin` is the graph op that holds it."""
        attribute = resource(weight.array.reshape(-1), weight.name)
        type = MemRefType((weight.array.size,), attribute.type.element)
        name = self.name(weight.name, str(attribute))
        if name not in self.globals:
            attributes = {
                "sym_name": name,
                "type": type,
                "initial_value": attribute,
                "constant": UnitAttr(),
                "sym_visibility": "private",
            }
            constant = Op("memref.global", attributes=attributes, location=self.builder.location, origin=origin)
            self.globals[name] = constant
        got = self.builder.value("memref.get_global", [], type, {"name": SymbolRefAttr(name)}, weight.name)
        return self.builder.value("memref.cast", [got], flat(type.element), hint=weight.name)

    def name(self, wanted: str, text: str) -> str:
        """The symbol of a weight: its own name where that is free or holds the same numbers."""
        base = "".join(c if c.isascii() and (c.isalnum() or c in "_.") else "_" for c in wanted) or "weight"
        name, i = f"{base}" if not base[0].isdigit() else f"_{base}", 1
        while name in self.kernels.taken or (
            name in self.globals and str(self.globals[name].attributes["initial_value"]) != text
        ):
            i += 1
            name = f"{base}_{i}"
        return name


def underlying(value: Value) -> Value:
    """The value whose buffer this is: views are looked through."""
    while value.op is not None and value.op.name in VIEWS:
        value = value.op.operands[0]
    return value


def _types(values: Sequence[Value]) -> ArrayAttr:
    return ArrayAttr(tuple(TypeAttr(TensorType(shape_of(v), tensor_type(v).element)) for v in values))


def _output_names(main: Op) -> list[str]:
    names = main.attributes.get("tilescope.outputs")
    known = [str(n).strip('"') for n in names.values] if isinstance(names, ArrayAttr) else []
    return known or [v.name for v in main.body.terminator.operands]


@dataclass(frozen=True)
class LowerGraph(Pass):
    name = "lower-graph"
    summary = {
        "en": "Makes a tiled kernel of every op, and of the graph a schedule that calls them.",
        "zh": "把每个算子变成分块核函数，把整图变成调用它们的主机调度。",
    }
    stage_in = "graph"
    stage_out = "tensor"
    mandatory = True

    def apply(self, module: Op, context: PassContext) -> None:
        (main,) = functions(module)
        kernels = Kernels(context.chip, {"main"})
        schedule = Schedule(main, kernels)
        host = schedule.lower()
        main.detach()
        main.drop_uses()
        for op in (*schedule.globals.values(), *kernels.made.values(), host):
            module.body.append(op)
