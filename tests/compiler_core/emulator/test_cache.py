"""L2 as a launch sees it: first touches, shared lines, displaced lines, torn lines; and the short cuts change nothing."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler_core.emulator.clock.cache import L2, LINE, Lines
from compiler_core.emulator.execution.memory import GlobalBuffer, Tile

F16 = np.dtype(np.float16)


def buffer(lines: int, index: int = 0) -> GlobalBuffer:
    return GlobalBuffer(index, "x", np.zeros(lines * LINE // 2, np.float16))


def tile(memory: GlobalBuffer, *sizes: int, pitch: int = 0) -> Tile:
    strides = (pitch, 1) if len(sizes) == 2 else (1,)
    return Tile(memory, F16, False, 0, sizes, strides)


def test_what_was_read_once_is_found() -> None:
    memory, l2 = buffer(64), L2(1 << 20)
    whole = tile(memory, 8 * LINE // 2)
    assert l2.touch(memory, whole, 0, 1) == Lines(1, 8 * LINE, 8, 8 * LINE, 1.0, 1)
    assert l2.touch(memory, whole, 0, 1).missed == 0.0
    assert l2.touch(memory, tile(memory, 16 * LINE // 2), 0, 1).missed == 0.5


def test_blocks_in_step_pay_for_a_line_once() -> None:
    """Four blocks read the same eight lines: each misses a quarter of them."""
    memory, l2 = buffer(64), L2(1 << 20)
    found = l2.touch(memory, tile(memory, 8 * LINE // 2), 0, 4)
    assert (found.missed, found.sharers) == (0.25, 4)


def test_a_line_is_displaced_by_as_much_as_the_cache_holds() -> None:
    memory, l2 = buffer(64), L2(16 * LINE)
    first, other = tile(memory, 8 * LINE // 2), tile(memory, 12 * LINE // 2)
    l2.touch(memory, first, 0, 1)
    assert l2.touch(memory, first, 0, 1).missed == 0.0
    l2.touch(memory, other, 16 * LINE // 2, 1)
    l2.touch(memory, other, 32 * LINE // 2, 1)
    assert l2.touch(memory, first, 0, 1).missed == 1.0


def test_what_is_not_to_be_kept_is_not_found() -> None:
    memory, l2 = buffer(64), L2(1 << 20)
    short = tile(memory, 32)
    assert l2.touch(memory, short, 0, 1, keep=False) == Lines(1, 64, 1, 128, 1.0, 1)
    assert l2.touch(memory, short, 0, 1).missed == 1.0


def test_rows_that_start_anywhere_bring_their_ends_again() -> None:
    """512-byte rows two bytes off: two lines each, none of them found by the next tile."""
    memory, l2 = buffer(256), L2(1 << 20)
    rows = tile(memory, 4, 256, pitch=1027)
    assert l2.touch(memory, rows, 1, 1).lines == 8
    assert l2.touch(memory, rows, 257, 1).missed > 0.8


def test_the_next_launch_finds_what_this_one_left() -> None:
    memory, l2 = buffer(64), L2(1 << 20)
    l2.touch(memory, tile(memory, 8 * LINE // 2), 0, 1)
    l2.next_launch()
    assert l2.touch(memory, tile(memory, 8 * LINE // 2), 0, 1).missed == 0.0


class Plain:
    """The same by the rule alone: a dictionary of lines."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.clock = 0
        self.seen: dict[int, int] = {}

    def missed(self, held: Tile, starts: list[int]) -> int:
        """Different lines missed, of tiles whose runs are whole sectors."""
        run, offsets = held.rows()
        lines = {
            byte // LINE
            for start in starts
            for offset in offsets.tolist()
            for byte in range((start + offset) * 2, (start + offset + run) * 2, 128)
        }
        absent = [line for line in lines if self.seen.get(line, -(1 << 62)) + self.capacity < self.clock]
        self.clock += len(absent) * LINE
        self.seen.update(dict.fromkeys(lines, self.clock))
        return len(absent)


touches = st.lists(
    st.tuples(
        st.sampled_from([(64,), (256,), (1024,), (4, 64), (3, 256), (8, 512)]),
        st.lists(st.integers(0, 60).map(lambda n: n * 64), min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None, max_examples=200)
@given(touches, st.sampled_from([8, 24, 1 << 12]))
def test_short_cuts_find_what_the_rule_finds(asked: list[tuple[tuple[int, ...], list[int]]], lines: int) -> None:
    memory, l2, plain = buffer(256), L2(lines * LINE), Plain(lines * LINE)
    tiles = {sizes: tile(memory, *sizes, pitch=1024) for sizes, _ in asked}
    for sizes, starts in asked:
        before = l2.clock
        l2.touch(memory, tiles[sizes], np.array(starts, np.int64), len(starts))
        assert (l2.clock - before) // LINE == plain.missed(tiles[sizes], starts)


def test_lines_touched_together_and_apart() -> None:
    """After lines were displaced: two tiles of the same lines share what is known of them, until a third takes some of them."""
    memory, l2, plain = buffer(256), L2(24 * LINE), Plain(24 * LINE)
    quarter, whole, part = tile(memory, 8, 64, pitch=1024), tile(memory, 8, 256, pitch=1024), tile(memory, 2, 256, pitch=1024)
    for held, start in [(whole, n * 8192) for n in range(7)] + [(quarter, 64), (whole, 0), (quarter, 128), (part, 1024)] * 3:
        before = l2.clock
        l2.touch(memory, held, start, 1)
        assert (l2.clock - before) // LINE == plain.missed(held, [start])
