"""Lanes: offsets factor into progressions that lose none; maps and views."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compiler_core.emulator.execution.memory import GlobalBuffer, LocalMemory, progressions
from compiler_core.emulator.translation.affine import affine_map


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=40), st.booleans())
def test_progressions_give_back_every_lane(offsets: list[int], some: bool) -> None:
    count = len(offsets)
    lanes = np.cumsum(np.ones(count, np.int64) * 2) if some else None
    vector = np.array(offsets, np.int64)
    seen: list[tuple[int, int]] = []
    for piece in progressions(lanes, [vector], count):
        grid = np.indices(piece.shape).reshape(len(piece.shape), -1)
        lane, offset = (f + np.array(s) @ grid for f, s in zip(piece.first, piece.steps, strict=True))
        seen += zip(lane.tolist(), offset.tolist(), strict=True)
    expected = (lanes if lanes is not None else np.arange(count)).tolist()
    assert seen == list(zip(expected, offsets, strict=True))


def test_a_grid_of_tiles_is_one_piece() -> None:
    """Offsets row · 1000 + column · 7 over a 5 × 4 grid: one strided view."""
    offsets = (np.arange(5)[:, None] * 1000 + np.arange(4) * 7).reshape(-1)
    (piece,) = progressions(None, [offsets], 20)
    assert piece.shape == (5, 4)
    assert piece.steps == [(4, 1), (1000, 7)]


def test_bytes_seen_as_another_type_are_the_same_bytes() -> None:
    buffer = GlobalBuffer(0, "workspace", np.zeros(10, np.int8))
    words = buffer.seen_as(np.dtype(np.float32))
    words.array[1] = 1.0
    assert words.size == 2
    assert words is buffer.seen_as(np.dtype(np.float32))
    assert buffer.array.tolist() == [0, 0, 0, 0, 0, 0, -128, 63, 0, 0]


def test_buffers_that_overlap_share_their_bytes() -> None:
    memory = LocalMemory("UB", 1024, [(0, 64), (32, 96), (128, 160)])
    assert memory.intervals == [(0, 96), (128, 160)]
    memory.allocate(2)
    array, at = memory.locate(40)
    assert at == 40
    assert array.shape[0] == 2


def test_affine_maps() -> None:
    """Sums, products, floor and ceiling division and remainders, on numbers and on vectors."""
    (first, second) = affine_map("affine_map<(d0)[s0, s1] -> ((d0 + s1 * 4) floordiv 16, -s0 mod 5 + d0 ceildiv 3)>")
    assert first([7, 2, 9]) == 2
    assert second([7, 2, 9]) == 3 + 3
    np.testing.assert_array_equal(first([np.array([-1, 64]), 0, 0]), [-1, 4])
