"""Values, uses, cloning; the verifier; folding and patterns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler_core.dialects import arith
from compiler_core.dialects.builtin import function
from compiler_core.ir import Builder, Op, module, to_text
from compiler_core.ir.rewriter import apply_patterns, erase_dead
from compiler_core.ir.types import IntegerType, f32, i1, i8, i32, index
from compiler_core.ir.verifier import InvalidIR, verify
from tests.compiler_core.ir.samples import find, running_sum


def test_replacing_a_value_moves_its_uses_and_keeps_its_name():
    root = running_sum()
    loop, twice = find(root, "scf.for"), find(root, "arith.mulf")
    x = find(root, "func.func").body.arguments[1]
    loop.result.replace_all_uses_with(x)
    assert twice.operands[0] is x
    assert loop.result.uses == []


def test_an_op_whose_result_is_used_cannot_be_erased():
    root = running_sum()
    with pytest.raises(ValueError, match="is used by"):
        find(root, "arith.index_cast").erase()


def test_a_clone_with_ids_kept_is_the_same_text_and_shares_nothing():
    root = running_sum()
    copy = root.clone(keep_ids=True)
    assert to_text(copy) == to_text(root)
    assert [op.id for op in copy.walk()] == [op.id for op in root.walk()]
    erase_dead(copy)
    assert to_text(copy) != to_text(root)
    verify(root)
    verify(copy)


def test_a_plain_clone_originates_from_the_original():
    add = find(running_sum(), "arith.addf")
    assert add.clone().origin == (add.id,)


def test_use_before_definition_does_not_verify():
    root = running_sum()
    body = find(root, "func.func").body
    body.ops.insert(0, body.ops.pop(2))  # the cast goes first: fine, it uses an argument
    verify(root)
    body.ops.insert(0, body.ops.pop(3))  # the loop goes before its bounds
    with pytest.raises(InvalidIR, match="is not defined before its use"):
        verify(root)


def test_a_value_does_not_leave_its_region():
    root = running_sum()
    find(root, "arith.mulf").set_operand(0, find(root, "arith.addf").result)
    with pytest.raises(InvalidIR, match="is not defined before its use"):
        verify(root)


def test_types_of_a_loop_must_agree():
    root = running_sum()
    loop = find(root, "scf.for")
    loop.results[0].type = i32
    with pytest.raises(InvalidIR, match=r"scf\.for: the types of iter_args"):
        verify(root)


def test_an_op_of_another_stage_does_not_verify():
    with pytest.raises(InvalidIR, match=r"func\.func: not allowed at the tt stage"):
        verify(running_sum(), "tt")
    verify(running_sum(), "tensor")


def test_an_undeclared_op_does_not_verify():
    with pytest.raises(InvalidIR, match="is not declared by any dialect"):
        verify(module([Op("nobody.knows")]))


def test_folding_and_dead_code():
    kernel = function("k", [i32], [i32], ["n"])
    builder = Builder.at_end(kernel.body)
    one, two = arith.constant(builder, 1, i32), arith.constant(builder, 2, i32)
    three = builder.value("arith.addi", [one, two], i32, hint="three")
    zero = builder.value("arith.subi", [three, three], i32)
    builder.value("arith.muli", [zero, kernel.body.arguments[0]], i32, hint="unused")
    total = builder.value("arith.addi", [kernel.body.arguments[0], zero], i32)
    builder.op("func.return", [total])
    root = module([kernel])
    assert apply_patterns(root, {}, fold=True)
    assert [op.name for op in kernel.body.ops] == ["func.return"]
    verify(root)


def test_patterns_that_never_settle_are_a_bug():
    def flip(op: Op) -> bool:
        op.operands = (op.operands[1], op.operands[0])
        return True

    root = running_sum()
    twice = find(root, "arith.mulf")
    Builder.after(twice).op("test.use", [twice.result])
    with pytest.raises(RuntimeError, match="did not settle"):
        apply_patterns(root, {"arith.addf": [flip]})


@given(st.integers(), st.sampled_from([i1, i8, i32, index, IntegerType(64)]))
def test_wrapping_is_modular_and_in_range(value: int, type: IntegerType):
    width = getattr(type, "width", 64)
    wrapped = arith.wrap(value, type)
    assert (wrapped - value) % (1 << width) == 0
    assert -(1 << (width - 1)) <= wrapped < (1 << width)
    assert arith.wrap(wrapped, type) == wrapped


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1))
def test_division_and_remainder_agree_as_in_c(a: int, b: int):
    builder = Builder.at_end(module().body)
    x, y = arith.constant(builder, a, i32), arith.constant(builder, b, i32)
    results = [builder.value(name, [x, y], i32) for name in ("arith.divsi", "arith.remsi")]
    root = builder.block
    for value in results:
        builder.op("test.use", [value])
    assert root.parent_op is not None
    apply_patterns(root.parent_op, {}, fold=True)
    folded = [arith.constant_value(op.operands[0]) for op in root.ops if op.name == "test.use"]
    if b == 0:
        assert folded == [None, None]
    else:
        quotient, remainder = folded
        assert isinstance(quotient, int) and isinstance(remainder, int)
        assert arith.wrap(quotient * b + remainder, i32) == a
        assert abs(remainder) < abs(b) and (remainder == 0 or (remainder < 0) == (a < 0))


def test_float_constants_fold_with_one_rounding():
    builder = Builder.at_end(module().body)
    third = builder.value("arith.divf", [arith.constant(builder, 1.0, f32), arith.constant(builder, 3.0, f32)], f32)
    builder.op("test.use", [third])
    assert builder.block.parent_op is not None
    apply_patterns(builder.block.parent_op, {}, fold=True)
    assert arith.constant_value(builder.block.ops[-1].operands[0]) == 0.3333333432674408
