"""The diff by identity: what became of every op."""

from hypothesis import given
from hypothesis import strategies as st

from compiler_core.dialects import arith
from compiler_core.ir import Builder, Op, fuse_locations, module
from compiler_core.ir.diff import Entry, Snapshot, compare, counts, origins, snapshot
from compiler_core.ir.types import f32, i32
from tests.compiler_core.ir.samples import find, running_sum


def changes(root: Op, before: Snapshot) -> list[Entry]:
    return [e for e in compare(before, snapshot(root), origins(root)) if e.kind != "kept"]


def test_nothing_changed_is_all_kept():
    root = running_sum()
    before = snapshot(root)
    assert counts(compare(before, snapshot(root), origins(root))) == {"kept": 11}


def test_an_op_hoisted_out_of_a_loop_has_moved():
    root = running_sum()
    before = snapshot(root)
    one = find(root, "arith.mulf")
    constant = one.operands[1].op
    assert constant is not None and constant.parent is not None
    block = constant.parent
    block.insert(0, constant.detach())
    assert changes(root, before) == [Entry("moved", (10,), (3,))]


def test_a_rewrite_is_told_by_its_origin():
    root = running_sum()
    before = snapshot(root)
    multiply = find(root, "arith.mulf")
    builder = Builder.before(multiply)
    twice = builder.value("arith.addf", [multiply.operands[0], multiply.operands[0]], f32, hint="twice")
    multiply.replace_with(twice)
    assert changes(root, before) == [Entry("rewritten", (11,), (11,))]


def test_a_fusion_names_all_it_was_made_from():
    root = module()
    builder = Builder.at_end(root.body)
    x = builder.value("test.make", [], f32, hint="x")
    product = builder.op("arith.mulf", [x, x], [f32], names=["p"])
    total = builder.op("arith.addf", [product.result, x], [f32], names=["s"])
    before = snapshot(root)
    fused = Builder(root.body, 3, fuse_locations(product.location, total.location), (product.id, total.id))
    fma = fused.op("math.fma", [x, x, x], [f32], names=["s"])
    total.replace_with(fma.result)
    product.erase()
    assert changes(root, before) == [Entry("fused", (3, 4), (3,))]


def test_new_and_gone():
    root = module()
    builder = Builder.at_end(root.body)
    arith.constant(builder, 1, i32)
    before = snapshot(root)
    root.body.ops[0].erase()
    arith.constant(Builder.at_end(root.body), 2, i32)
    assert [e.kind for e in changes(root, before)] == ["new", "gone"]


@given(st.permutations(range(8)))
def test_a_shuffle_moves_as_few_ops_as_possible(order: list[int]):
    root = module()
    builder = Builder.at_end(root.body)
    ops = [builder.op("test.make", [], [i32], names=[f"v{i}"]) for i in range(8)]
    before = snapshot(root)
    root.body.ops[:] = [ops[i] for i in order]
    entries = compare(before, snapshot(root), origins(root))
    moved = sum(e.kind == "moved" for e in entries)
    assert moved == 8 - longest_ascending(order)


def longest_ascending(order: list[int]) -> int:
    best = [1] * len(order)
    for i in range(len(order)):
        for j in range(i):
            if order[j] < order[i]:
                best[i] = max(best[i], best[j] + 1)
    return max(best)
