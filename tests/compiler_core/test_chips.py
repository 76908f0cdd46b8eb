"""Chip files: what a chip gives is its own, the rest is that of the chip it is like."""

import pytest

from compiler_core.chips import chips

SPLIT = {"Ascend910B1": (24, 1850), "Ascend910B2": (24, 1800), "Ascend910B3": (20, 1800), "Ascend910B4": (20, 1500)}
COUPLED = {"Ascend910A": (32, 1000), "Ascend310P3": (8, 1060), "Ascend310": (2, 680)}


def test_every_chip_has_its_cores_and_clock() -> None:
    assert {name: (c.cube_cores, c.clock_mhz) for name, c in chips().items()} == {**SPLIT, **COUPLED}
    assert {name for name, c in chips().items() if c.split} == set(SPLIT)
    assert all(chips()[name].vector_cores == 2 * cores for name, (cores, _) in SPLIT.items())


def test_a_chip_overrides_a_number_and_keeps_its_neighbours() -> None:
    """The 910A's ports to memory are its own; the path inside the core is the 310P3's."""
    own, base = chips()["Ascend910A"].timing, chips()["Ascend310P3"].timing
    assert own.moves["GM->UB"].rate == 110.0 != base.moves["GM->UB"].rate
    assert own.moves["L0C->UB"] == base.moves["L0C->UB"]
    assert own.vector == base.vector


@pytest.mark.parametrize("fewer", ["Ascend910B3", "Ascend910B4"])
def test_memory_is_as_fast_in_bytes_a_second_or_half_so(fewer: str) -> None:
    """The B1's rates at another clock; half of them on the B4."""
    base, chip = chips()["Ascend910B1"], chips()[fewer]
    share = 0.5 if fewer == "Ascend910B4" else 1.0
    for rate in ("gm_rate", "l2_rate"):
        bytes_a_second = getattr(chip.timing.memory, rate) * chip.clock_mhz
        assert bytes_a_second == pytest.approx(share * getattr(base.timing.memory, rate) * base.clock_mhz, rel=1e-3)
