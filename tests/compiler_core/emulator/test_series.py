"""Live bytes and rates over time."""

from compiler_core.emulator.clock.series import POINTS, Access, curve, live_bytes, rates


def test_bytes_live_from_their_write_to_their_last_read() -> None:
    accesses = [
        Access(0, 64, True, 0, 10),  # filled
        Access(0, 64, False, 20, 30),  # read
        Access(32, 64, True, 50, 60),  # its upper half filled again
        Access(32, 64, False, 60, 80),
    ]
    assert curve(live_bytes(accesses), 100) == ((0, 64.0), (30, 0.0), (50, 32.0), (80, 0.0))


def test_an_accumulator_stays_live_between_its_updates() -> None:
    accesses = [Access(0, 16, True, 0, 5), Access(0, 16, False, 10, 15), Access(0, 16, False, 20, 25)]
    assert curve(live_bytes(accesses), 30) == ((0, 16.0), (25, 0.0))


def test_moves_at_the_same_time_add_up() -> None:
    assert curve(rates([(0, 10, 100), (5, 15, 50)]), 20) == ((0, 10.0), (5, 15.0), (10, 5.0), (15, 0.0))


def test_a_long_curve_is_thinned_and_keeps_its_peak() -> None:
    changes = [(float(i), 1.0 if i % 2 == 0 else -1.0) for i in range(20_000)]
    changes += [(12_345.0, 7.0), (12_346.0, -7.0)]
    points = curve(changes, 20_000)
    assert len(points) <= 2 * POINTS + 2
    assert 7.0 <= max(value for _, value in points) <= 8.0
    assert points[-1][1] == 0.0


def test_a_memory_in_very_many_pieces_is_looked_at_in_coarser_ones() -> None:
    accesses = [Access(i, i + 1, True, 0, 10) for i in range(10_000)]
    changes = live_bytes(accesses)
    assert sum(size for _, size in changes if size > 0) == 10_000
