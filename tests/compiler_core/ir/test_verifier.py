"""Code that a parser takes and a dialect's own check does not expect is a violation, never a crash."""

import pytest

import compiler_core.dialects  # noqa: F401 - declares the ops
from compiler_core.ir.parser import parse_module
from compiler_core.ir.verifier import InvalidIR, verify

VIEW = """"func.func"() <{function_type = (memref<?xf32>, index) -> (), sym_name = "k"}> ({
^bb0(%x: memref<?xf32>, %n: index):
  %v = "memref.subview"(%x, %n) <{operandSegmentSizes = array<i32: 1, 0, 1, 0>, static_offsets = array<i64: 0>, """
REST = """static_strides = array<i64: 1>}> : (memref<?xf32>, index) -> memref<?xf32, strided<[1]>>
  "func.return"() : () -> ()
}) : () -> ()
"""
UNKNOWN = "-9223372036854775808"


def test_a_view_of_a_given_size() -> None:
    verify(parse_module(f"{VIEW}static_sizes = array<i64: {UNKNOWN}>, {REST}"))


@pytest.mark.parametrize(
    "sizes",
    [f"static_sizes = array<i64: {UNKNOWN}, {UNKNOWN}, {UNKNOWN}>, ", "", "static_sizes = 3 : i64, "],
    ids=["few", "none", "other"],
)
def test_a_view_whose_sizes_are_not_there(sizes: str) -> None:
    with pytest.raises(InvalidIR, match="subview"):
        verify(parse_module(f"{VIEW}{sizes}{REST}"))


def test_a_loop_with_two_blocks() -> None:
    text = """"func.func"() <{function_type = (index) -> (), sym_name = "k"}> ({
    ^bb0(%n: index):
      "scf.for"(%n, %n, %n) ({
      ^bb1(%i: index):
        "scf.yield"() : () -> ()
      ^bb2(%j: index):
        "scf.yield"() : () -> ()
      }) : (index, index, index) -> ()
      "func.return"() : () -> ()
    }) : () -> ()"""
    with pytest.raises(InvalidIR, match=r"scf\.for"):
        verify(parse_module(text))
