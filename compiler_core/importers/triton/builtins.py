"""The functions of triton.language that kernels may call: one Python function each, with the parameter names Triton gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from difflib import get_close_matches

from compiler_core.dialects import tt
from compiler_core.importers.triton import semantics
from compiler_core.importers.triton.dtypes import DType, Pointer, float16, float32, float64, int1, int32
from compiler_core.importers.triton.emit import Emitter, Operand
from compiler_core.importers.triton.values import Const, Mistake, Tensor, Thing, Tuple, describe
from compiler_core.ir.attributes import AttributeValue, BoolAttr, DenseAttr, IntegerAttr
from compiler_core.ir.types import TensorType, VectorType, i32

Function = Callable[..., Thing]

BUILTINS: dict[str, Function] = {}
"""Every supported function by its name in triton.language. The first parameter is the Emitter, the rest are Triton's."""

NONE = Const(None)
FALSE = Const(False)


def builtin(*names: str) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        for name in names:
            BUILTINS[name] = function
        return function

    return register


def call(name: str, emitter: Emitter, arguments: Sequence[Thing], keywords: dict[str, Thing]) -> Thing:
    """Calls a built-in. Raises Mistake where there is none, or the arguments do not fit its parameters."""
    function = BUILTINS.get(name)
    if function is None:
        raise unknown(name)
    try:
        bound = inspect.signature(function).bind(emitter, *arguments, **keywords)
    except TypeError as e:
        raise Mistake("wrong-arguments", function=f"tl.{name}", why=str(e), signature=signature_text(name)) from None
    return function(*bound.args, **bound.kwargs)


def argument_position(name: str, parameter: str) -> int:
    """Where a parameter stands in a built-in's signature; -1 where it is not positional."""
    function = BUILTINS.get(name)
    parameters = list(inspect.signature(function).parameters)[1:] if function else []
    return parameters.index(parameter) if parameter in parameters else -1


def signature_text(name: str) -> str:
    parameters = list(inspect.signature(BUILTINS[name]).parameters.values())[1:]
    return f"tl.{name}({', '.join(p.name if p.default is inspect.Parameter.empty else f'{p.name}=…' for p in parameters)})"


def unknown(name: str) -> Mistake:
    """Why there is no such function: Triton has it and we do not, or nobody has it, and what to write instead."""
    if name in RECIPES:
        return Mistake("no-such-function-recipe", name=name, recipe=RECIPES[name])
    if name in UNSUPPORTED:
        return Mistake("function-not-supported", name=name)
    close = get_close_matches(name, BUILTINS, 1)
    if close:
        return Mistake("no-such-function-close", name=name, close=close[0])
    return Mistake("no-such-function", name=name)


RECIPES = {
    "gelu": "0.5 * x * (1 + tl.erf(x * 0.7071067811865476))",
    "relu": "tl.maximum(x, 0.0)",
    "silu": "x * tl.sigmoid(x)",
    "tanh": "2 * tl.sigmoid(2 * x) - 1",
    "pow": "tl.exp2(y * tl.log2(x))",
    "mean": "tl.sum(x, axis=0) / N",
    "square": "x * x",
    "matmul": "tl.dot(a, b)",
    "transpose": "tl.trans(x)",
    "astype": "x.to(tl.float32)",
    "ones": "tl.full(shape, 1.0, tl.float32)",
    "empty": "tl.zeros(shape, tl.float32)",
    "log1p": "tl.log(1 + x)",
    "expm1": "tl.exp(x) - 1",
    "clip": "tl.clamp(x, low, high)",
    "any": "tl.max(x.to(tl.int32), axis=0)",
    "all": "tl.min(x.to(tl.int32), axis=0)",
}
"""What to write for functions that people expect and Triton does not have."""

UNSUPPORTED = frozenset(
    [
        "atomic_add",
        "atomic_and",
        "atomic_cas",
        "atomic_max",
        "atomic_min",
        "atomic_or",
        "atomic_xchg",
        "atomic_xor",
        "make_block_ptr",
        "advance",
        "make_tensor_descriptor",
        "load_tensor_descriptor",
        "store_tensor_descriptor",
        "dot_scaled",
        "argmax",
        "argmin",
        "associative_scan",
        "cumsum",
        "cumprod",
        "histogram",
        "sort",
        "flip",
        "gather",
        "topk",
        "rand",
        "rand4x",
        "randint",
        "randint4x",
        "randn",
        "randn4x",
        "philox",
        "cat",
        "join",
        "split",
        "interleave",
        "inline_asm_elementwise",
        "reduce",
        "map_elementwise",
        "umulhi",
        "xor_sum_scan",
    ]
)
"""Functions that Triton has and this compiler does not lower."""


# What an argument must be


def operand(thing: Thing, argument: str) -> Operand:
    """A runtime value or a number."""
    if isinstance(thing, Tensor):
        return thing
    if isinstance(thing, Const) and isinstance(thing.value, bool | int | float):
        return thing
    raise Mistake("argument-not-a-value", argument=argument, name=argument, thing=describe(thing))


def optional(thing: Thing, argument: str) -> Operand | None:
    return None if thing == NONE else operand(thing, argument)


def tensor(e: Emitter, thing: Thing, argument: str) -> Tensor:
    return e.tensor(operand(thing, argument))


def integer(thing: Thing, argument: str) -> int:
    """A compile-time integer."""
    if isinstance(thing, Const) and isinstance(thing.value, int):
        return int(thing.value)
    raise Mistake("not-constexpr", argument=argument, name=argument, thing=describe(thing))


def boolean(thing: Thing, argument: str) -> bool:
    if isinstance(thing, Const) and isinstance(thing.value, bool | int):
        return bool(thing.value)
    raise Mistake("not-constexpr", argument=argument, name=argument, thing=describe(thing))


def dtype_of(thing: Thing, argument: str = "dtype") -> DType:
    if isinstance(thing, Const) and isinstance(thing.value, DType):
        return thing.value
    raise Mistake("not-a-dtype", argument=argument, thing=describe(thing))


def shape_of(thing: Thing, argument: str = "shape") -> list[int]:
    """A block shape: compile-time powers of two."""
    items = thing.items if isinstance(thing, Tuple) else (thing,)
    shape = [integer(item, argument) for item in items]
    semantics.check_block(shape, argument)
    return shape


def spread(shape: tuple[Thing, ...]) -> list[int]:
    """A shape given as one tuple or as several numbers."""
    return shape_of(shape[0] if len(shape) == 1 else Tuple(shape))


def text(thing: Thing, argument: str) -> str:
    if isinstance(thing, Const) and isinstance(thing.value, str):
        return thing.value
    raise Mistake("not-constexpr", argument=argument, name=argument, thing=describe(thing))


# Programs and creation


def _axis(thing: Thing) -> int:
    axis = integer(thing, "axis")
    if axis not in (0, 1, 2):
        raise Mistake("bad-grid-axis", argument="axis", axis=axis)
    return axis


@builtin("program_id")
def program_id(e: Emitter, axis: Thing) -> Thing:
    value = e.op("tt.get_program_id", [], i32, {"axis": IntegerAttr(_axis(axis), i32)}, f"pid_{tt.AXES[_axis(axis)]}")
    return Tensor(value, int32)


@builtin("num_programs")
def num_programs(e: Emitter, axis: Thing) -> Thing:
    value = e.op("tt.get_num_programs", [], i32, {"axis": IntegerAttr(_axis(axis), i32)}, f"grid_{tt.AXES[_axis(axis)]}")
    return Tensor(value, int32)


@builtin("arange")
def arange(e: Emitter, start: Thing, end: Thing) -> Thing:
    low, high = integer(start, "start"), integer(end, "end")
    if high <= low:
        raise Mistake("arange-empty", argument="end", start=semantics.short_number(low), end=semantics.short_number(high))
    length = high - low
    if length & (length - 1):
        wider = low + semantics.next_power_of_two(length)
        raise Mistake(
            "arange-not-power-of-two",
            argument="end",
            start=semantics.short_number(low),
            end=semantics.short_number(high),
            length=semantics.short_number(length),
            wider=semantics.short_number(wider),
            fix=str(wider) if wider < 1 << 31 else "",
        )
    if not -(1 << 31) <= low < high <= 1 << 31:
        raise Mistake("integer-too-large", argument="end", value=semantics.short_number(high))
    semantics.check_block([length])
    attributes: dict[str, AttributeValue] = {"end": IntegerAttr(high, i32), "start": IntegerAttr(low, i32)}
    return Tensor(e.op("tt.make_range", [], TensorType((length,), i32), attributes, "range"), int32)


@builtin("full")
def full(e: Emitter, shape: Thing, value: Thing, dtype: Thing) -> Thing:
    wanted, element = shape_of(shape), dtype_of(dtype)
    number = operand(value, "value")
    if isinstance(number, Const):
        assert isinstance(number.value, bool | int | float)
        semantics.check_number_fits(number.value, element)
        return e.constant(number.value, element, wanted)
    if number.is_block:
        raise Mistake("full-of-block", argument="value", shape=semantics.shape_text(number.shape))
    return e.splat(e.cast(number, element), wanted)


@builtin("zeros")
def zeros(e: Emitter, shape: Thing, dtype: Thing) -> Thing:
    return full(e, shape, Const(0), dtype)


@builtin("zeros_like")
def zeros_like(e: Emitter, input: Thing) -> Thing:
    like = tensor(e, input, "input")
    return e.constant(0, like.dtype, like.shape)


# Memory


def _memory_hints(
    load: bool, cache_modifier: Thing, eviction_policy: Thing, volatile: Thing = FALSE
) -> dict[str, AttributeValue]:
    caches = ["", ".ca", ".cg", ".wb", ".cs", ".wt", ".cv"]
    policies = ["", "evict_first", "evict_last"]
    hints: dict[str, AttributeValue] = {}
    for key, thing, known, argument, first in (
        ("cache", cache_modifier, caches, "cache_modifier", 1),
        ("evict", eviction_policy, policies, "eviction_policy", 1),
    ):
        word = "" if thing == NONE else text(thing, argument)
        if word not in known:
            raise Mistake("unknown-option", argument=argument, name=argument, value=word, known=", ".join(filter(None, known)))
        if word:
            hints[key] = IntegerAttr(known.index(word) + first, i32)
    if load and boolean(volatile, "volatile"):
        hints["isVolatile"] = BoolAttr(True)
    return hints


def _no_block_pointer(boundary_check: Thing, padding_option: Thing) -> None:
    if boundary_check not in (Tuple(()), NONE):
        raise Mistake("block-pointers-only", argument="boundary_check", name="boundary_check")
    if padding_option not in (Const(""), NONE):
        raise Mistake("block-pointers-only", argument="padding_option", name="padding_option")


@builtin("load")
def load(
    e: Emitter,
    pointer: Thing,
    mask: Thing = NONE,
    other: Thing = NONE,
    boundary_check: Thing = Tuple(()),  # noqa: B008
    padding_option: Thing = Const(""),  # noqa: B008
    cache_modifier: Thing = Const(""),  # noqa: B008
    eviction_policy: Thing = Const(""),  # noqa: B008
    volatile: Thing = FALSE,
) -> Thing:
    _no_block_pointer(boundary_check, padding_option)
    hints = _memory_hints(True, cache_modifier, eviction_policy, volatile)
    return e.load(tensor(e, pointer, "pointer"), optional(mask, "mask"), optional(other, "other"), hints)


@builtin("store")
def store(
    e: Emitter,
    pointer: Thing,
    value: Thing,
    mask: Thing = NONE,
    boundary_check: Thing = Tuple(()),  # noqa: B008
    cache_modifier: Thing = Const(""),  # noqa: B008
    eviction_policy: Thing = Const(""),  # noqa: B008
) -> Thing:
    _no_block_pointer(boundary_check, NONE)
    hints = _memory_hints(False, cache_modifier, eviction_policy)
    e.store(tensor(e, pointer, "pointer"), operand(value, "value"), optional(mask, "mask"), hints)
    return NONE


# Element by element


def _floating(e: Emitter, thing: Thing, function: str, argument: str = "x") -> Tensor:
    """A value that a mathematical function takes: fp32 or fp64."""
    x = tensor(e, thing, argument)
    if x.scalar not in (float32, float64):
        raise Mistake(
            "needs-float32", argument=argument, function=function, type=str(x.scalar), fix="({source}).to(tl.float32)"
        )
    return x


def _register_math() -> None:
    ops = {
        **{n: f"math.{n}" for n in ("exp", "exp2", "log", "log2", "sqrt", "rsqrt", "erf", "sin", "cos", "floor", "ceil")},
        "sqrt_rn": "math.sqrt",
    }
    for name, op in ops.items():

        def function(e: Emitter, x: Thing, name: str = name, op: str = op) -> Thing:
            return e.unary(op, _floating(e, x, name), name)

        function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [inspect.Parameter(p, inspect.Parameter.POSITIONAL_OR_KEYWORD) for p in ("e", "x")]
        )
        BUILTINS[name] = function


_register_math()


@builtin("abs")
def absolute(e: Emitter, x: Thing) -> Thing:
    value = tensor(e, x, "x")
    if value.dtype.is_float:
        return e.unary("math.absf", value, "abs")
    return e.unary("math.absi", value, "abs") if value.dtype.is_signed else value


@builtin("maximum")
def maximum(e: Emitter, x: Thing, y: Thing, propagate_nan: Thing = NONE) -> Thing:
    return e.binary("maximum", *_numbers(x, y))


@builtin("minimum")
def minimum(e: Emitter, x: Thing, y: Thing, propagate_nan: Thing = NONE) -> Thing:
    return e.binary("minimum", *_numbers(x, y))


def _numbers(x: Thing, y: Thing) -> tuple[Operand, Operand]:
    pair = operand(x, "x"), operand(y, "y")
    for one, argument in zip(pair, "xy", strict=True):
        if isinstance(one, Tensor) and one.is_pointer:
            raise Mistake("pointer-as-number", argument=argument, type=str(one))
    return pair


@builtin("clamp")
def clamp(e: Emitter, x: Thing, min: Thing, max: Thing, propagate_nan: Thing = NONE) -> Thing:
    low, high, _ = e.promoted(*_numbers(min, max))
    value, low, _ = e.promoted(tensor(e, x, "x"), low)
    value, high, dtype = e.promoted(value, high)
    if not dtype.is_float:
        raise Mistake("needs-float", argument="x", function="clamp", type=str(dtype))
    value, low, high = e.together(value, e.cast(low, dtype), high)
    return e.binary("minimum", e.binary("maximum", value, low), high)


@builtin("where")
def where(e: Emitter, condition: Thing, x: Thing, y: Thing) -> Thing:
    return e.select(tensor(e, condition, "condition"), operand(x, "x"), operand(y, "y"))


@builtin("fma")
def fma(e: Emitter, x: Thing, y: Thing, z: Thing) -> Thing:
    a, b, _ = e.promoted(*_numbers(x, y))
    a, c, _ = e.promoted(a, operand(z, "z"))
    a, b, dtype = e.promoted(a, b)
    if not dtype.is_float:
        raise Mistake("needs-float", argument="x", function="fma", type=str(dtype))
    a, b, c = e.together(a, b, c)
    return Tensor(e.op("math.fma", [a.value, b.value, c.value], a.value.type, hint="fma"), dtype)


@builtin("fdiv", "div_rn")
def fdiv(e: Emitter, x: Thing, y: Thing, ieee_rounding: Thing = FALSE) -> Thing:
    return e.binary("/", *_numbers(x, y))


@builtin("cdiv")
def cdiv(e: Emitter, x: Thing, div: Thing) -> Thing:
    a, b = operand(x, "x"), operand(div, "div")
    if isinstance(a, Const) and isinstance(b, Const):
        top, bottom = integer(a, "x"), integer(b, "div")
        if bottom == 0:
            raise Mistake("constant-division-by-zero", argument="div")
        return Const((top + bottom - 1) // bottom)
    if isinstance(b, Const):
        return e.binary("//", e.binary("+", a, Const(integer(b, "div") - 1)), b)
    return e.binary("//", e.binary("-", e.binary("+", a, b), Const(1)), b)


@builtin("sigmoid")
def sigmoid(e: Emitter, x: Thing) -> Thing:
    value = _floating(e, x, "sigmoid")
    return e.binary("/", Const(1), e.binary("+", Const(1), e.unary("math.exp", e.negate(value), "exp")))


@builtin("softmax")
def softmax(e: Emitter, x: Thing, dim: Thing = NONE, keep_dims: Thing = FALSE, ieee_rounding: Thing = FALSE) -> Thing:
    value = _floating(e, x, "softmax")
    axis = 0 if dim == NONE else integer(dim, "dim")
    centred = e.binary("-", value, e.reduce("max", value, axis, True))
    powers = e.unary("math.exp", centred, "exp")
    return e.binary("/", powers, e.reduce("sum", powers, axis, True))


@builtin("cast")
def cast(e: Emitter, input: Thing, dtype: Thing, fp_downcast_rounding: Thing = NONE, bitcast: Thing = FALSE) -> Thing:
    value, target = tensor(e, input, "input"), dtype_of(dtype)
    if fp_downcast_rounding not in (NONE, Const("rtne")):
        raise Mistake("rounding-mode", argument="fp_downcast_rounding", mode=describe(fp_downcast_rounding))
    return e.bitcast(value, target) if boolean(bitcast, "bitcast") else e.cast(value, target)


# Reductions and products


def _reduction(e: Emitter, kind: str, input: Thing, axis: Thing, keep_dims: Thing, to: Callable[[DType], DType]) -> Thing:
    value = tensor(e, input, "input")
    if not value.is_block:
        raise Mistake("reduce-scalar", argument="input", kind=kind)
    along = None if axis == NONE else integer(axis, "axis")
    return e.reduce(kind, e.cast(value, to(value.dtype)), along, boolean(keep_dims, "keep_dims"))


@builtin("sum")
def sum_(e: Emitter, input: Thing, axis: Thing = NONE, keep_dims: Thing = FALSE, dtype: Thing = NONE) -> Thing:
    wanted = None if dtype == NONE else dtype_of(dtype)
    return _reduction(e, "sum", input, axis, keep_dims, lambda d: wanted or semantics.sum_type(d))


@builtin("max")
def max_(
    e: Emitter,
    input: Thing,
    axis: Thing = NONE,
    return_indices: Thing = FALSE,
    return_indices_tie_break_left: Thing = Const(True),  # noqa: B008
    keep_dims: Thing = FALSE,
) -> Thing:
    if boolean(return_indices, "return_indices"):
        raise Mistake("function-not-supported", argument="return_indices", name="max(…, return_indices=True)")
    return _reduction(e, "max", input, axis, keep_dims, semantics.extreme_type)


@builtin("min")
def min_(
    e: Emitter,
    input: Thing,
    axis: Thing = NONE,
    return_indices: Thing = FALSE,
    return_indices_tie_break_left: Thing = Const(True),  # noqa: B008
    keep_dims: Thing = FALSE,
) -> Thing:
    if boolean(return_indices, "return_indices"):
        raise Mistake("function-not-supported", argument="return_indices", name="min(…, return_indices=True)")
    return _reduction(e, "min", input, axis, keep_dims, semantics.extreme_type)


@builtin("xor_sum")
def xor_sum(e: Emitter, input: Thing, axis: Thing = NONE, keep_dims: Thing = FALSE) -> Thing:
    value = tensor(e, input, "input")
    if value.dtype.is_float:
        raise Mistake("operator-needs-integers", argument="input", operator="xor_sum", type=str(value.dtype))
    return _reduction(e, "xor", input, axis, keep_dims, lambda d: d)


@builtin("dot")
def dot(
    e: Emitter,
    input: Thing,
    other: Thing,
    acc: Thing = NONE,
    input_precision: Thing = NONE,
    allow_tf32: Thing = NONE,
    max_num_imprecise_acc: Thing = NONE,
    out_dtype: Thing = Const(float32),  # noqa: B008
) -> Thing:
    a, b = tensor(e, input, "input"), tensor(e, other, "other")
    added = optional(acc, "acc")
    precision = "ieee" if input_precision == NONE else text(input_precision, "input_precision")
    if input_precision == NONE and allow_tf32 != NONE and boolean(allow_tf32, "allow_tf32"):
        precision = "tf32"
    if precision not in tt.INPUT_PRECISIONS:
        known = ", ".join(tt.INPUT_PRECISIONS)
        raise Mistake("unknown-option", argument="input_precision", name="input_precision", value=precision, known=known)
    return e.dot(a, b, e.tensor(added) if added is not None else None, dtype_of(out_dtype, "out_dtype"), precision)


# Shapes


@builtin("broadcast_to")
def broadcast_to(e: Emitter, input: Thing, *shape: Thing) -> Thing:
    return e.broadcast(tensor(e, input, "input"), spread(shape))


@builtin("broadcast")
def broadcast(e: Emitter, input: Thing, other: Thing) -> Thing:
    return Tuple(tuple(e.together(tensor(e, input, "input"), tensor(e, other, "other"))))


@builtin("expand_dims")
def expand_dims(e: Emitter, input: Thing, axis: Thing) -> Thing:
    value = tensor(e, input, "input")
    axes = [integer(a, "axis") for a in (axis.items if isinstance(axis, Tuple) else (axis,))]
    rank = len(value.shape) + len(axes)
    for one in axes:
        if not -rank <= one < rank:
            raise Mistake("bad-axis", argument="axis", axis=one, shape=semantics.shape_text(value.shape))
    for one in sorted(a % rank for a in axes):
        value = e.expand_dims(value, one)
    return value


@builtin("reshape", "view")
def reshape(e: Emitter, input: Thing, *shape: Thing, can_reorder: Thing = FALSE) -> Thing:
    return e.reshape(tensor(e, input, "input"), spread(shape))


@builtin("ravel")
def ravel(e: Emitter, x: Thing, can_reorder: Thing = FALSE) -> Thing:
    value = tensor(e, x, "x")
    size = 1
    for extent in value.shape:
        size *= extent
    return e.reshape(value, [size])


@builtin("trans", "permute")
def trans(e: Emitter, input: Thing, *dims: Thing) -> Thing:
    value = tensor(e, input, "input")
    given = dims[0].items if len(dims) == 1 and isinstance(dims[0], Tuple) else dims
    rank = len(value.shape)
    if not given and rank < 2:
        raise Mistake("bad-permutation", argument="input", order="[1, 0]", shape=semantics.shape_text(value.shape))
    default = [*range(rank - 2), rank - 1, rank - 2]
    return e.transpose(value, [integer(d, "dims") % max(rank, 1) for d in given] if given else default)


# Promises and checks


def _register_promises() -> None:
    for name, attribute in tt.ALIGNMENT_HINTS.items():

        def function(e: Emitter, input: Thing, values: Thing, attribute: str = attribute) -> Thing:
            if not isinstance(input, Tensor):
                return input
            numbers = [integer(v, "values") for v in (values.items if isinstance(values, Tuple) else (values,))]
            op = input.value.op
            if op is not None:
                dense = numbers if len(set(numbers)) > 1 else numbers[:1]
                op.attributes[attribute] = DenseAttr(tuple(dense), VectorType((len(numbers),), i32))  # type: ignore[arg-type]
            return input

        function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [inspect.Parameter(p, inspect.Parameter.POSITIONAL_OR_KEYWORD) for p in ("e", "input", "values")]
        )
        BUILTINS[name] = function


_register_promises()


@builtin("static_assert")
def static_assert(e: Emitter, cond: Thing, msg: Thing = Const("")) -> Thing:  # noqa: B008
    if not isinstance(cond, Const):
        raise Mistake("not-constexpr", argument="cond", name="cond", thing=describe(cond))
    if not cond.value:
        said = msg.value if isinstance(msg, Const) else ""
        raise Mistake("static-assert-failed", message=str(said or "no message"))
    return NONE


@builtin("assume", "debug_barrier", "device_assert", "static_print", "device_print")
def no_effect(e: Emitter, *args: Thing, **kwargs: Thing) -> Thing:
    """Accepted and without effect: hints to the optimiser, barriers between the threads of a program, and debug output."""
    return NONE


@builtin("swizzle2d")
def swizzle2d(e: Emitter, i: Thing, j: Thing, size_i: Thing, size_j: Thing, size_g: Thing) -> Thing:
    rows, columns, group = (operand(t, n) for t, n in ((size_i, "size_i"), (size_j, "size_j"), (size_g, "size_g")))
    linear = e.binary("+", e.binary("*", tensor(e, i, "i"), columns), operand(j, "j"))
    per_group = e.binary("*", e.tensor(group), columns)
    first = e.binary("*", e.binary("//", linear, per_group), group)
    height = e.binary("minimum", e.binary("-", e.tensor(rows), first), group)
    inside = e.binary("%", linear, per_group)
    return Tuple((e.binary("+", first, e.binary("%", inside, height)), e.binary("//", inside, height)))


LIBDEVICE = {
    "tanh": "math.tanh",
    **{n: f"math.{n}" for n in ("exp", "exp2", "log", "log2", "sqrt", "rsqrt", "erf", "sin", "cos", "floor", "ceil")},
    "abs": "math.absf",
    "fabs": "math.absf",
}
"""Functions of libdevice with one operand, and the op each is."""


def call_libdevice(name: str, e: Emitter, arguments: Sequence[Thing]) -> Thing:
    """libdevice.tanh(x) and the like. Raises Mistake for functions without an op."""
    if name in LIBDEVICE and len(arguments) == 1:
        return e.unary(LIBDEVICE[name], _floating(e, arguments[0], f"libdevice.{name}"), name)
    if name == "pow" and len(arguments) == 2:
        a, b, dtype = e.promoted(_floating(e, arguments[0], "libdevice.pow"), operand(arguments[1], "y"))
        return Tensor(e.op("math.powf", [a.value, b.value], a.value.type, hint="pow"), dtype)
    if name in ("fma", "div_rn"):
        return call(name, e, arguments, {})
    raise Mistake("function-not-supported", name=f"libdevice.{name}")


METHODS = frozenset(BUILTINS) - {"program_id", "num_programs", "arange", "full", "zeros", "static_assert", "swizzle2d"}
"""Built-ins that are methods of values too, with the value as first argument."""

_DTYPE_TESTS: dict[str, Callable[[DType], bool]] = {
    "is_floating": lambda d: d.is_float,
    "is_standard_floating": lambda d: d.is_float and d.bits >= 16,
    "is_int": lambda d: d.is_int,
    "is_int_signed": lambda d: d.is_signed,
    "is_int_unsigned": lambda d: d.is_int and not d.is_signed,
    "is_bool": lambda d: d == int1,
    "is_int1": lambda d: d == int1,
    "is_fp8": lambda d: d.is_float and d.bits == 8,
    "is_fp16": lambda d: d == float16,
    "is_bf16": lambda d: d.name == "bfloat16",
    "is_fp32": lambda d: d == float32,
    "is_fp64": lambda d: d == float64,
    "is_int8": lambda d: d.name == "int8",
    "is_int32": lambda d: d.name == "int32",
    "is_int64": lambda d: d.name == "int64",
}


def dtype_test(scalar: DType | Pointer, name: str) -> bool | None:
    """The answer of a type's test such as `.is_floating()`; None where there is no such test."""
    if name == "is_ptr":
        return isinstance(scalar, Pointer)
    test = _DTYPE_TESTS.get(name)
    return None if test is None else isinstance(scalar, DType) and test(scalar)
