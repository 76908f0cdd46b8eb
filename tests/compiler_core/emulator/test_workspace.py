"""Workspace that a kernel allocates: each block has its own, both halves of a mixed kernel have the same."""

import numpy as np
import pytest

import compiler_core.dialects  # noqa: F401 - declares the ops
from compiler_core.diagnostics import Refused
from compiler_core.emulator import run
from compiler_core.ir.parser import parse_module
from tests.compiler_core.emulator.kernels import B3

GM, UB = "#hivm.address_space<gm>", "#hivm.address_space<ub>"
ROW = f"memref<64xf32, strided<[1], offset: ?>, {GM}>"
PLAIN = f"memref<64xf32, {GM}>"


def through(allocation: str, extra: str = "") -> str:
    """A kernel that moves each block's row by way of two allocations of workspace, the second after the first in time."""
    return f"""
    module {{
      func.func @kernel(%x: memref<?xf32, {GM}>, %out: memref<?xf32, {GM}>{extra}, %gx: i32, %gy: i32, %gz: i32)
          attributes {{hivm.func_core_type = #hivm.func_core_type<AIV>}} {{
        %c0 = arith.constant 0 : i64
        %at = arith.constant 4096 : index
        %c64 = arith.constant 64 : index
        %number = hivm.hir.get_block_idx -> i64
        %block = arith.index_cast %number : i64 to index
        %start = arith.muli %block, %c64 : index
        %from = memref.reinterpret_cast %x to offset: [%start], sizes: [64], strides: [1] : memref<?xf32, {GM}> to {ROW}
        %to = memref.reinterpret_cast %out to offset: [%start], sizes: [64], strides: [1] : memref<?xf32, {GM}> to {ROW}
        %tile = hivm.hir.pointer_cast(%c0) : memref<64xf32, {UB}>
        %other = memref_ext.alloc_workspace() : {PLAIN}
        %space = {allocation}
        hivm.hir.load ins(%from : {ROW}) outs(%tile : memref<64xf32, {UB}>)
        hivm.hir.pipe_barrier[<PIPE_ALL>]
        hivm.hir.store ins(%tile : memref<64xf32, {UB}>) outs(%space : {PLAIN})
        hivm.hir.pipe_barrier[<PIPE_ALL>]
        hivm.hir.vadd ins(%tile, %tile : memref<64xf32, {UB}>, memref<64xf32, {UB}>) outs(%tile : memref<64xf32, {UB}>)
        hivm.hir.pipe_barrier[<PIPE_ALL>]
        hivm.hir.store ins(%tile : memref<64xf32, {UB}>) outs(%other : {PLAIN})
        hivm.hir.pipe_barrier[<PIPE_ALL>]
        hivm.hir.load ins(%space : {PLAIN}) outs(%tile : memref<64xf32, {UB}>)
        hivm.hir.pipe_barrier[<PIPE_ALL>]
        hivm.hir.store ins(%tile : memref<64xf32, {UB}>) outs(%to : {ROW})
        return
      }}
    }}"""


WORKSPACE = f", %w: memref<?xi8, {GM}> {{hacc.arg_type = #hacc.arg_type<workspace>}}"
FROM = f"memref_ext.alloc_workspace() from %w offset = [%at] : from memref<?xi8, {GM}> to {PLAIN}"


@pytest.mark.parametrize(
    ("allocation", "extra"),
    [
        (f"memref_ext.alloc_workspace() : {PLAIN}", ""),
        (f"memref_ext.alloc_workspace() : {PLAIN}", WORKSPACE),
        (FROM, WORKSPACE),
    ],
)
def test_every_block_has_its_own_and_allocations_lie_apart(allocation: str, extra: str) -> None:
    x, out = np.arange(256, dtype=np.float32), np.zeros(256, np.float32)
    result = run(parse_module(through(allocation, extra)), None, [x, out], (4, 1, 1), B3)
    assert result.diagnostics == ()
    np.testing.assert_array_equal(out, x)


def test_more_than_a_block_has_is_refused_with_both_sizes() -> None:
    text = through(f"memref_ext.alloc_workspace() : {PLAIN}").replace(
        f"%other = memref_ext.alloc_workspace() : {PLAIN}",
        f"%big = memref_ext.alloc_workspace() : memref<1048577xi8>\n %other = memref_ext.alloc_workspace() : {PLAIN}",
    )
    with pytest.raises(Refused, match="1048577 bytes of workspace: a block has 1048576"):
        run(parse_module(text), None, [np.zeros(64, np.float32)] * 2, (1, 1, 1), B3)
