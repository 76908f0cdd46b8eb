"""Element types and numpy's: float16, bfloat16 and float8 included, the last two by ml_dtypes."""

import ml_dtypes
import numpy as np

from compiler_core.ir.types import FloatType, IndexType, IntegerType, PointerType, Type, element_of

_FLOATS: dict[str, np.dtype[np.generic]] = {
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    "f8E4M3FN": np.dtype(ml_dtypes.float8_e4m3fn),
    "f8E5M2": np.dtype(ml_dtypes.float8_e5m2),
}


def dtype_of(type: Type) -> np.dtype[np.generic]:
    """The numpy dtype of one element: i1 is bool, index and pointers are int64. Raises TypeError for what is no number."""
    element = element_of(type)
    if isinstance(element, FloatType) and element.name in _FLOATS:
        return _FLOATS[element.name]
    if isinstance(element, IntegerType):
        unsigned = "u" if element.signedness == "u" else ""
        return np.dtype(np.bool_) if element.width == 1 else np.dtype(f"{unsigned}int{element.width}")
    if isinstance(element, IndexType | PointerType):
        return np.dtype(np.int64)
    raise TypeError(f"{type} holds no numbers that numpy knows")
