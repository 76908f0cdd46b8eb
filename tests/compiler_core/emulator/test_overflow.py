"""The first instruction that makes inf or nan is told where an output ends up with it; what comes in as such is not."""

import numpy as np
import pytest

from compiler_core.dialects import arith, hivm
from compiler_core.emulator import Result
from compiler_core.ir.types import f16, f32
from tests.compiler_core.emulator.kernels import Kernel, gm


def chain(*names: str, x: np.ndarray, out: np.ndarray | None = None, hazards: bool = True) -> Result:
    """x through some vector instructions into out; the first stands at line 3, the next at line 4 …"""
    kernel = Kernel([gm(f32), gm(f32)], ["x", "out"])
    tiles = [kernel.buffer(256 * i, [64], f32) for i in range(len(names) + 1)]
    kernel.load(kernel.part("x", 0, [64], [1]), tiles[0])
    kernel.flag("MTE2", "V")
    for i, name in enumerate(names):
        kernel.at(3 + i)
        kernel.vector(name, [tiles[i]] * (2 if name in ("vadd", "vsub", "vmul", "vdiv") else 1), tiles[i + 1])
        kernel.barrier("V")
    kernel.flag("V", "MTE3")
    kernel.store(tiles[-1], kernel.part("out", 0, [64], [1]))
    return kernel.run(x, np.zeros(64, np.float32) if out is None else out, hazards=hazards)


def told(result: Result) -> list[tuple[object, object, int]]:
    assert all(d.message.code == "emulator-overflow" and d.severity == "warning" for d in result.diagnostics)
    return [(d.message.arguments["op"], d.message.arguments["kind"], d.spans[0].line) for d in result.diagnostics]


def test_the_first_of_several() -> None:
    """exp(100) is too much for fp32; the product after it only passes it on."""
    assert told(chain("vexp", "vexp", "vmul", x=np.full(64, 5.0, np.float32))) == [("vexp", "inf", 4)]


def test_nothing_where_all_is_finite() -> None:
    assert told(chain("vexp", "vmul", x=np.ones(64, np.float32))) == []


def test_zero_by_zero() -> None:
    assert told(chain("vdiv", x=np.zeros(64, np.float32))) == [("vdiv", "nan", 3)]


@pytest.mark.parametrize("given", [np.inf, -np.inf, np.nan])
def test_what_came_in_is_passed_on(given: float) -> None:
    x = np.ones(64, np.float32)
    x[7] = given
    assert told(chain("vmul", "vabs", x=x)) == []


def test_a_nan_made_from_an_inf() -> None:
    x = np.ones(64, np.float32)
    x[7] = -np.inf
    assert told(chain("vsub", x=x)) == [("vsub", "nan", 3)]


def test_infinite_inputs_beside_an_overflow() -> None:
    """A mask's −inf in one element does not hide what another makes."""
    x = np.full(64, 100.0, np.float32)
    x[0] = -np.inf
    assert told(chain("vexp", x=x)) == [("vexp", "inf", 3)]


def test_what_no_output_holds_is_not_told() -> None:
    """1 / exp(100) is 1 / inf, which is 0."""
    assert told(chain("vexp", "vrec", x=np.full(64, 100.0, np.float32))) == []


def test_a_constant_that_masks() -> None:
    kernel = Kernel([gm(f32)], ["out"])
    tile = kernel.buffer(0, [64], f32)
    hivm.instruction(kernel.builder, "vbrc", [[arith.constant(kernel.builder, -np.inf, f32)], [tile], []])
    kernel.flag("V", "MTE3")
    kernel.store(tile, kernel.part("out", 0, [64], [1]))
    assert told(kernel.run(np.zeros(64, np.float32))) == []


def test_a_cast_that_is_too_narrow() -> None:
    kernel = Kernel([gm(f32), gm(f16)], ["x", "out"])
    wide, narrow = kernel.buffer(0, [64], f32), kernel.buffer(256, [64], f16)
    kernel.load(kernel.part("x", 0, [64], [1]), wide)
    kernel.flag("MTE2", "V")
    kernel.at(5)
    kernel.vector("vcast", [wide], narrow, attributes={"round_mode": hivm.enum_attribute("round_mode", "rint")})
    kernel.flag("V", "MTE3")
    kernel.store(narrow, kernel.part("out", 0, [64], [1]))
    x = np.full(64, 1e5, np.float32)
    assert told(kernel.run(x, np.zeros(64, np.float16))) == [("vcast", "inf", 5)]


def test_arrays_that_are_read_and_written_stay_as_the_kernel_left_them() -> None:
    """Running again to find the instruction begins with the same array, and changes no result."""
    x = np.full(64, 50.0, np.float32)
    assert told(chain("vmul", "vmul", "vmul", "vmul", "vmul", x=x, out=x)) == [("vmul", "inf", 7)]
    assert np.isinf(x).all()
    assert told(chain("vexp", x=np.full(64, 100.0, np.float32), hazards=False)) == []
