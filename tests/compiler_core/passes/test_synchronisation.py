"""Flags: none is missing, hardly one is idle, events are few, and double buffers take turns."""

import numpy as np
import pytest

from compiler_core.chips import chips
from compiler_core.dialects import hivm
from compiler_core.emulator import run
from compiler_core.ir import Op, Value, defining
from tests.compiler_core.passes.machine import LOWERED, OPTIMISED, launch, machine, ops
from tests.compiler_core.passes.test_machine_results import ROW_LOOP, matmul, product

RANDOM = np.random.default_rng(3)


def row_kernel(passes=OPTIMISED):
    x = RANDOM.standard_normal((4, 301)).astype(np.float32)
    arguments = {"x_ptr": x, "out_ptr": np.zeros_like(x), "stride": 301, "n_cols": 301}
    return machine(ROW_LOOP, arguments, (4,), passes, BLOCK=64), arguments, (4,)


def cube_kernel(passes=OPTIMISED):
    arguments, _ = product(70, 45, 150)
    return machine(matmul(), arguments, (3, 2), passes, BM=32, BN=32, BK=32), arguments, (3, 2)


KERNELS = pytest.mark.parametrize("kernel", [row_kernel, cube_kernel])


def races(module: Op, arguments, grid) -> bool:
    """Whether the emulator sees a race, a deadlock or a flag left over."""
    held = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments.values()]
    x, y, z = (*grid, 1, 1)[:3]
    return bool(run(module, None, held, (x, y, z), chips()["Ascend910B3"]).diagnostics)


@KERNELS
def test_hardly_a_wait_or_barrier_is_idle(kernel):
    """Without any one of them there is a race, save for the last barrier and those that only a loop of no iteration needs."""
    module, arguments, grid = kernel()
    needed = [op.id for op in ops(module, "wait_flag", "pipe_barrier")]
    idle = 0
    for identity in needed:
        lacking = module.clone(keep_ids=True)
        next(op for op in lacking.walk() if op.id == identity).erase()
        idle += not races(lacking, arguments, grid)
    assert len(needed) >= 8
    assert idle <= 3


@KERNELS
def test_every_set_has_its_wait(kernel):
    """As many sets as waits of each pair of pipes in every block, a loop's extra ones around it included."""
    module, _, _ = kernel()
    balance: dict[tuple[str, str], int] = {}
    for op in ops(module, "set_flag", "wait_flag"):
        first, second, _ = hivm.flag(op)
        balance[first, second] = balance.get((first, second), 0) + (1 if "set" in op.name else -1)
    assert balance and not any(balance.values())


def test_events_of_a_double_buffered_loop_follow_its_iterations():
    module, _, _ = cube_kernel()
    events = [hivm.flag(op)[2] for op in ops(module, "set_flag") if op.parent_op is not None and op.parent_op.name == "scf.for"]
    assert any(isinstance(e, Value) and e.op is not None and e.op.name == "arith.select" for e in events)
    buffers = [op for op in ops(module, "pointer_cast") if defining(op.operands[0], "arith.select")]
    assert len(buffers) == 2, "one for each operand of the product"


def test_a_loop_without_double_buffers_needs_one_event_each_way():
    module, _, _ = cube_kernel(LOWERED)
    (loop,) = [op for op in module.walk() if op.name == "scf.for"]
    waits = [hivm.flag(op) for op in loop.body.ops if op.name == "hivm.hir.wait_flag"]
    assert sorted(f[:2] for f in waits) == [("PIPE_MTE1", "PIPE_MTE2"), ("PIPE_MTE2", "PIPE_MTE1")]
    assert all(isinstance(f[2], int) for f in waits)


def test_double_buffers_let_loads_run_ahead():
    cycles = {}
    for name, passes in (("single", LOWERED), ("double", OPTIMISED)):
        module, arguments, grid = cube_kernel(passes)
        held = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments.values()]
        cycles[name] = run(module, None, held, (*grid, 1), chips()["Ascend910B3"]).cycles
    assert cycles["double"] < cycles["single"]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_loops_of_few_iterations(count):
    """The flags around a loop fit any number of iterations, none included."""
    x = RANDOM.standard_normal((1, 64 * count + 1)).astype(np.float32)
    n = 64 * count
    source = """def k(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    total = tl.zeros([BLOCK], tl.float32)
    for start in range(0, n, BLOCK):
        i = start + tl.arange(0, BLOCK)
        total += tl.load(x_ptr + i, mask=i < n, other=0.0)
    tl.store(out_ptr + tl.arange(0, BLOCK), total)
"""
    arguments = {"x_ptr": x.reshape(-1), "out_ptr": np.ones(64, np.float32), "n": n}
    got, wrong = launch(machine(source, arguments, (1,), BLOCK=64), arguments, (1,))
    assert not wrong
    np.testing.assert_allclose(got["out_ptr"], x[0, :n].reshape(count, 64).sum(0), rtol=1e-5, atol=1e-6)
