"""fp8 is refused on chips that have none, and runs where a chip file says it has."""

from typing import Any

import ml_dtypes
import msgspec
import numpy as np
import pytest

from compiler_core.diagnostics import Refused
from compiler_core.dialects.hivm import enum_attribute
from tests.compiler_core.emulator.kernels import B3
from tests.compiler_core.emulator.ops import BLOCKS, Bench

LATER = msgspec.structs.replace(B3, fp8=True)


def converting(x: np.ndarray, out: np.ndarray) -> Bench:
    bench = Bench([x], [out])
    bench.op("vcast", [bench.sources, bench.targets], {"round_mode": enum_attribute("round_mode", "rint")})
    bench.store()
    return bench


@pytest.mark.parametrize("dtype", [ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2])
def test_a_chip_has_it_or_is_named(dtype: Any) -> None:
    x, out = np.array([[1.5, -2, 0.26, 448]] * BLOCKS, np.float32), np.zeros((BLOCKS, 4), dtype)
    with pytest.raises(Refused, match=r"Ascend910B3 has no f8.*Keep such numbers as f16"):
        converting(x, out).run()
    converting(x, out).kernel.run(x, out, grid=(BLOCKS, 1, 1), chip=LATER)
    np.testing.assert_array_equal(out, x.astype(dtype))
