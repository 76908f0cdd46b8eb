"""The generic form reads back as it was printed: one line an op, and every other spacing."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compiler_core.diagnostics import Refused
from compiler_core.ir import Block, Location, Op, Region, StringAttr, Value, module, to_text
from compiler_core.ir.attributes import Attribute, DenseArrayAttr, IntegerAttr, RawAttr, UnitAttr
from compiler_core.ir.parser import parse_module
from compiler_core.ir.types import MemRefType, Strided, TensorType, f16, f32, i1, i32, index

types = st.sampled_from(
    [i1, i32, f32, index, TensorType((4, 8), f16), MemRefType((64, 16), f16, Strided((16, 1), 3), "ub"), MemRefType((2,), f32)]
)
attributes: st.SearchStrategy[Attribute] = st.one_of(
    st.integers(-(2**63), 2**63 - 1).map(IntegerAttr),
    st.lists(st.integers(-9, 9), max_size=3).map(lambda v: DenseArrayAttr(tuple(v), i32)),
    st.sampled_from(["#hivm.pipe<PIPE_V>", "affine_map<(d0) -> (d0 floordiv 2)>", "#arith.overflow<nsw, nuw>"]).map(RawAttr),
    st.text(max_size=6).map(StringAttr),
    st.just(UnitAttr()),
)
dictionaries = st.dictionaries(st.sampled_from(["a", "b.c", "two words", "operandSegmentSizes"]), attributes, max_size=3)


UNHURRIED = settings(suppress_health_check=[HealthCheck.too_slow])
"""A module is drawn op by op, which a busy machine is slow at."""


@st.composite
def modules(draw: st.DrawFn) -> Op:
    top = module()
    top.location = (Location("k.py", 1),)
    fill(draw, top.body, [], 3)
    return top


def fill(draw: st.DrawFn, block: Block, visible: list[Value], depth: int) -> None:
    """Ops that use what is visible, some with regions, in which the values outside are visible too."""
    visible = visible + block.arguments
    for number in range(draw(st.integers(0, 4))):
        operands = draw(st.lists(st.sampled_from(visible), max_size=3)) if visible else []
        results = draw(st.lists(types, max_size=3))
        regions: list[Region] = []
        if depth and draw(st.integers(0, 3)) == 0:
            inner = Block(draw(st.lists(types, max_size=2)), ["i", "carried"])
            fill(draw, inner, visible, depth - 1)
            regions = [Region([inner])]
        names = draw(st.lists(st.sampled_from(["", "x", "acc-1"]), max_size=3))
        op = block.append(
            Op("test.op", operands, results, draw(dictionaries), regions, (Location("k.py", number + 1),), (), names)
        )
        visible = visible + op.results


@UNHURRIED
@given(modules(), st.booleans())
def test_a_module_reads_back_as_it_was_printed(top: Op, locations: bool):
    text = to_text(top, generic=True, locations=locations)
    assert to_text(parse_module(text), generic=True, locations=locations) == text


@UNHURRIED
@given(modules())
def test_the_spacing_between_tokens_does_not_matter(top: Op):
    text = to_text(top, generic=True)
    kept = re.split(r'("(?:[^"\\]|\\.)*"|affine_map<.*?\)>|#\S+<.*?>)', text)
    spaced = "".join(part if i % 2 else re.sub(r"([(){}:,]|->)", r" \1 // why\n ", part) for i, part in enumerate(kept))
    assert to_text(parse_module(spaced), generic=True) == text


def test_results_of_one_op_are_named_together():
    text = '%a:2, %b = "t.make"() : () -> (i32, f32, i1)\n"t.use"(%a#1, %b, %a#0) : (f32, i1, i32) -> ()\n'
    make, use = parse_module(text).body.ops
    assert use.operands == (make.results[1], make.results[2], make.results[0])


def test_names_of_a_region_end_with_it():
    text = '"t.one"() ({\n  %x = "t.make"() : () -> i32\n}) : () -> ()\n"t.use"(%x) : (i32) -> ()\n'
    with pytest.raises(Refused, match="%x is not defined before its use") as refused:
        parse_module(text)
    assert (refused.value.diagnostics[0].spans[0].line, refused.value.diagnostics[0].spans[0].column) == (4, 9)


def test_an_inner_name_may_hide_an_outer_one():
    text = """
    %x = "t.make"() : () -> i32
    "t.one"() ({
      %x = "t.make"() : () -> f32
      "t.use"(%x) : (f32) -> ()
    }) : () -> ()
    "t.use"(%x) : (i32) -> ()
    """
    outer, _, use = parse_module(text).body.ops
    assert use.operands == (outer.result,)


def test_attribute_aliases_are_followed_in_each_text_anew():
    texts = [f'#map = affine_map<() -> ({n})>\n"t.one"() <{{map = #map}}> : () -> ()\n' for n in (1, 2)]
    assert [str(parse_module(t).body.ops[0].attributes["map"]) for t in texts] == [
        "affine_map<() -> (1)>",
        "affine_map<() -> (2)>",
    ]


def test_strings_read_bytes_escaped_as_mlir_does():
    op = parse_module(r'"t.one"() {v = "a\22\E4\BD\A0\\\n"} : () -> ()').body.ops[0]
    assert op.attributes["v"] == StringAttr('a"你\\\n')


def test_aliases_that_stand_for_billions_of_attributes_are_refused():
    lines = ["#a0 = [1, 2]", *(f"#a{n} = [{', '.join([f'#a{n - 1}'] * 100)}]" for n in range(1, 9))]
    with pytest.raises(Refused, match="stand for more than"):
        parse_module("\n".join(lines) + '\n"t.one"() {v = #a8} : () -> ()')


def test_a_dense_value_that_does_not_fill_its_type_is_refused():
    with pytest.raises(Refused, match="has 2 values"):
        parse_module('"t.one"() {v = dense<[1, 2]> : tensor<3xi32>} : () -> ()')


@pytest.mark.parametrize(
    "text", ['"t.one"() {v = #a<b=<)} : () -> ()', '"t.one"() {v = #d.x<=]} : () -> ()', '"t.one"() : () -> !d.t<(((']
)
def test_brackets_that_do_not_match_are_refused(text: str):
    with pytest.raises(Refused, match="expected"):
        parse_module(text)
