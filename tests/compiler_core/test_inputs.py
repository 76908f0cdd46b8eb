"""The arguments of a launch: deterministic, typed, strided."""

import ml_dtypes
import numpy as np
import pytest

from compiler_core.diagnostics import Refused
from compiler_core.inputs import flat, make_inputs
from compiler_core.request import Launch, TensorArgument


def made(dtype: str, fill: str, shape: tuple[int, ...] = (6,), seed: int = 0) -> np.ndarray:
    value = make_inputs(Launch(arguments={"x": TensorArgument(dtype, shape, fill, seed)}))["x"]
    assert isinstance(value, np.ndarray)
    return value


def test_fills() -> None:
    assert made("float32", "zeros").tolist() == [0] * 6
    assert made("float16", "ones").tolist() == [1] * 6
    assert made("int32", "arange").tolist() == [0, 1, 2, 3, 4, 5]
    assert made("float32", "full:-1.5").tolist() == [-1.5] * 6
    assert set(made("int64", "randint:2:4", (100,)).tolist()) == {2, 3}
    assert 0 <= made("float32", "uniform").min() <= made("float32", "uniform").max() < 1


def test_dtypes() -> None:
    assert made("bfloat16", "normal").dtype == ml_dtypes.bfloat16
    assert made("bool", "ones").dtype == np.bool_


def test_a_seed_gives_the_same_numbers_again_and_another_seed_others() -> None:
    assert (made("float32", "normal", seed=3) == made("float32", "normal", seed=3)).all()
    assert (made("float32", "normal", seed=3) != made("float32", "normal", seed=4)).any()


def test_strides_leave_gaps_in_the_buffer() -> None:
    launch = Launch(arguments={"x": TensorArgument("int32", (2, 3), "arange", strides=(5, 1))})
    x = make_inputs(launch)["x"]
    assert isinstance(x, np.ndarray)
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert flat(x).tolist() == [0, 1, 2, 0, 0, 3, 4, 5]
    assert flat(made("int32", "arange", (2, 3))).tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("dtype", "fill"), [("float7", "ones"), ("float32", "junk"), ("int32", "full:x"), ("int32", "randint:3")]
)
def test_unknown_dtypes_and_fills_are_refused(dtype: str, fill: str) -> None:
    with pytest.raises(Refused):
        made(dtype, fill)
