"""What vector instructions compute, on arrays whose leading axes are lanes.

fp16, bf16 and fp8 are computed in fp32 and rounded once on writing; integers wrap; reductions add in numpy's fixed pairwise
order, so that a run gives the same bits every time.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from compiler_core.emulator.lanes import COMPARE, Array, Scalar, is_wide, quotient

Ufunc = Callable[..., Any]


def _erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


def _rsqrt(x: Array) -> Array:
    return 1 / np.sqrt(x)


def _reciprocal(x: Array) -> Array:
    return 1 / x


UNARY: dict[str, Ufunc] = {
    "vexp": np.exp,
    "vexp2": np.exp2,
    "vln": np.log,
    "vlog2": np.log2,
    "vlog10": np.log10,
    "vlog1p": np.log1p,
    "vexpm1": np.expm1,
    "vabs": np.absolute,
    "vsqrt": np.sqrt,
    "vtanh": np.tanh,
    "vsin": np.sin,
    "vcos": np.cos,
    "vtan": np.tan,
    "vatan": np.arctan,
    "verf": _erf,
    "vrelu": _relu,
    "vrsqrt": _rsqrt,
    "vrec": _reciprocal,
    "vnot": np.invert,
}

BINARY: dict[str, Ufunc] = {
    "vadd": np.add,
    "vsub": np.subtract,
    "vmul": np.multiply,
    "vmax": np.maximum,
    "vmin": np.minimum,
    "vand": np.bitwise_and,
    "vor": np.bitwise_or,
    "vxor": np.bitwise_xor,
    "vshl": np.left_shift,
    "vshr": np.right_shift,
    "vpow": np.power,
}


def _widen(value: Scalar) -> Scalar:
    """fp16, bf16 and fp8 as fp32; anything else as it is."""
    dtype = getattr(value, "dtype", None)
    return value if dtype is None or is_wide(dtype) else value.astype(np.float32)


def elementwise(name: str, inputs: Sequence[Scalar], out: Array) -> None:
    """An element-by-element instruction; dimensions of size 1 repeat."""
    ufunc = UNARY.get(name) or BINARY.get(name)
    values = [_widen(v) for v in inputs]
    if name == "vdiv":
        out[...] = np.divide(*values) if out.dtype.kind not in "iu" else quotient(*values)
    elif name == "vmod":
        out[...] = np.fmod(*values)
    elif isinstance(ufunc, np.ufunc) and is_wide(out.dtype) and out.dtype.kind != "b":
        ufunc(*values, out=out)
    elif ufunc is not None:
        out[...] = ufunc(*values)
    else:
        raise KeyError(name)


def compare(mode: str, a: Scalar, b: Scalar) -> Array:
    """vcmp: bools."""
    return COMPARE[mode](_widen(a), _widen(b))


ROUNDINGS: dict[str, Callable[[Array], Array]] = {
    "rint": np.rint,
    "round": lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x),
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "truncwithoverflow": np.trunc,
}


def cast(source: Array, out: Array, mode: str, is_unsigned: bool) -> None:
    """vcast: float to integer rounds by `mode` and saturates; between integers it saturates, unless the mode says overflow.

    From a float type to itself it rounds to whole numbers. Raises KeyError for a mode that has no such conversion.
    """
    if source.dtype.kind in "iu" and is_unsigned:
        source = source.view(np.dtype(f"uint{source.dtype.itemsize * 8}"))
    floating = source.dtype.kind not in "iub"
    if out.dtype.kind in "iu" and source.dtype.kind != "b":
        wide: Array = ROUNDINGS[mode](source.astype(np.float64)) if floating else source
        info = np.iinfo(out.dtype)
        if mode == "truncwithoverflow":
            out[...] = wide.astype(np.int64).astype(out.dtype)
        elif floating:
            out[...] = _saturated(wide, out.dtype)
        else:
            out[...] = np.clip(wide, max(info.min, np.iinfo(wide.dtype).min), min(info.max, np.iinfo(wide.dtype).max))
    elif floating and source.dtype == out.dtype:
        out[...] = ROUNDINGS[mode](_widen(source))
    elif floating and mode not in ("rint", "trunc") and source.dtype.itemsize > out.dtype.itemsize:
        raise KeyError(mode)
    elif floating and mode == "trunc" and source.dtype.itemsize > out.dtype.itemsize:
        out[...] = _toward_zero(source, out.dtype)
    else:
        out[...] = source


def _saturated(wide: Array, dtype: np.dtype[Any]) -> Array:
    """Whole float64 numbers as integers; nan gives 0, what is too large the nearest number there is."""
    info = np.iinfo(dtype)
    inside = np.nan_to_num(wide, nan=0.0, posinf=np.inf, neginf=-np.inf)
    found = np.clip(inside, float(info.min), float(info.max)).astype(np.int64 if info.max < 2**62 else dtype)
    return np.where(inside >= float(info.max), info.max, found)


def _toward_zero(source: Array, dtype: np.dtype[Any]) -> Array:
    """The nearest number of a narrower float type that is no farther from zero."""
    near = source.astype(dtype)
    beyond = np.abs(near.astype(np.float64)) > np.abs(source.astype(np.float64))
    return np.where(beyond, np.nextafter(near, np.zeros((), dtype)), near)


_REDUCE: dict[str, Ufunc] = {
    "sum": np.add.reduce,
    "prod": np.multiply.reduce,
    "max": np.maximum.reduce,
    "min": np.minimum.reduce,
    "any": np.logical_or.reduce,
    "all": np.logical_and.reduce,
    "xori": np.bitwise_xor.reduce,
    "ori": np.bitwise_or.reduce,
    "andi": np.bitwise_and.reduce,
}


def reduce(kind: str, source: Array, outs: Sequence[Array], dims: Sequence[int], lanes: int, leftmost: bool) -> None:
    """vreduce over `dims` (of the tile, lanes not counted), which keep size 1; …_with_index also writes positions."""
    axes = tuple(lanes + d for d in dims)
    if "with_index" not in kind:
        outs[0][...] = _REDUCE[kind](_widen(source), axis=axes, keepdims=True)
        return
    (axis,) = axes
    pick = np.argmax if kind.startswith("max") else np.argmin
    if leftmost and not kind.endswith("right"):
        found = np.expand_dims(pick(source, axis=axis), axis)
    else:
        found = source.shape[axis] - 1 - np.expand_dims(pick(np.flip(source, axis), axis=axis), axis)
    outs[1][...] = found
    outs[0][...] = np.take_along_axis(source, found, axis)


def arange(out: Array, offset: Scalar, strides: Sequence[Scalar], lanes: int) -> None:
    """varange: offset plus the sum of index times stride; the scalars are shaped to broadcast against the tile."""
    rank = out.ndim - lanes
    total: Scalar = offset
    for d, stride in enumerate(strides):
        shape: list[int] = [1] * lanes + [-1 if i == d else 1 for i in range(rank)]
        index: Array = np.reshape(np.arange(int(out.shape[lanes + d])), shape)
        total = total + index * stride
    out[...] = total


def interleave(sources: Sequence[Array], out: Array) -> None:
    """vinterleave: elements of the sources in turn along the last dimension."""
    for i, source in enumerate(sources):
        out[..., i :: len(sources)] = source


def deinterleave(source: Array, outs: Sequence[Array], channel: int | None) -> None:
    """vdeinterleave: every second element; both channels, or the one named."""
    if channel is not None:
        outs[0][...] = source[..., channel::2]
        return
    for i, out in enumerate(outs):
        out[...] = source[..., i :: len(outs)]


def cumulative(name: str, source: Array, out: Array, axis: int, reverse: bool) -> None:
    """vcumsum or vcumprod along one axis (lanes counted)."""
    wide: Array = _widen(source)
    if reverse:
        wide = np.flip(wide, axis)
    found: Array = np.cumsum(wide, axis=axis) if name == "vcumsum" else np.cumprod(wide, axis=axis)
    out[...] = np.flip(found, axis) if reverse else found


def sort(source: Array, outs: Sequence[Array], axis: int, descending: bool) -> None:
    """vsort: stable; the second output takes the positions."""
    keys = np.flip(source, axis) if descending else source
    order = np.argsort(_widen(keys), axis=axis, kind="stable")
    if descending:
        order = source.shape[axis] - 1 - np.flip(order, axis)
    values = np.take_along_axis(source, order, axis)
    if len(outs) > 1:
        outs[1][...] = order
    outs[0][...] = values


ATOMICS: dict[str, np.ufunc] = {
    "add": np.add,
    "max": np.maximum,
    "min": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}


def accumulate(kind: str, target: Array, values: Array) -> None:
    """An atomic store of one lane's tile: the target combined with the values, rounded once."""
    target[...] = ATOMICS[kind](_widen(target), _widen(values))
