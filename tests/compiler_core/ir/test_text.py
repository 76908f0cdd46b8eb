"""Printing and parsing: pretty text for people, generic text that any MLIR tool reads, and back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler_core.diagnostics import Refused
from compiler_core.ir import Builder, DenseArrayAttr, FloatAttr, IntegerAttr, Op, UnitAttr, module, to_text
from compiler_core.ir.attributes import ArrayAttr, Attribute, BoolAttr, DenseAttr, DictAttr, StringAttr, SymbolRefAttr, TypeAttr
from compiler_core.ir.parser import parse_module, parse_type
from compiler_core.ir.types import (
    DYNAMIC,
    FloatType,
    FunctionType,
    IntegerType,
    MemRefType,
    PointerType,
    Strided,
    TensorType,
    Type,
    bf16,
    f16,
    f32,
    f64,
    i1,
    i8,
    i32,
    i64,
    index,
)
from tests.compiler_core.ir.samples import running_sum

PRETTY = """\
module {
  func.func @kernel(%n: i32, %x: f32) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %count = arith.index_cast %n : i32 to index
    %x_1 = scf.for %i = %c0 to %count step %c1 iter_args(%acc = %x) -> (f32) {
      %acc_1 = arith.addf %acc, %x : f32
      scf.yield %acc_1 : f32
    }
    %cst = arith.constant 2.0 : f32
    %twice = arith.mulf %x_1, %cst : f32
    return
  }
}
"""


def test_pretty_text_keeps_the_names_of_the_source():
    assert to_text(running_sum()) == PRETTY


def test_generic_text_reads_back_as_itself():
    text = to_text(running_sum(), generic=True)
    assert to_text(parse_module(text), generic=True) == text


def test_locations_survive_the_text():
    text = to_text(running_sum(), generic=True, locations=True)
    assert 'loc("kernel.py":4:9)' in text
    again = parse_module(text)
    add = next(op for op in again.walk() if op.name == "arith.addf")
    assert [(loc.file, loc.line, loc.column) for loc in add.location] == [("kernel.py", 4, 9)]


def test_location_aliases_and_fused_locations_are_followed():
    text = """
    #loc = loc("k.py":1:1)
    "func.func"() ({
      %0 = "arith.constant"() {value = 1 : i32} : () -> i32 loc(#loc2)
      "func.return"() : () -> () loc(unknown)
    }) {sym_name = "k", function_type = () -> ()} : () -> () loc(#loc)
    #loc1 = loc("x"(#loc))
    #loc2 = loc(fused[#loc1, "k.py":2:3])
    """
    constant = next(op for op in parse_module(text).walk() if op.name == "arith.constant")
    assert [(loc.line, loc.name) for loc in constant.location] == [(1, "x"), (2, "")]


@pytest.mark.parametrize(
    ("text", "type"),
    [
        ("tensor<1024xf32>", TensorType((1024,), f32)),
        ("tensor<4x?x!tt.ptr<f16>>", TensorType((4, DYNAMIC), PointerType(f16))),
        ("memref<?xf32, #hivm.address_space<gm>>", MemRefType((DYNAMIC,), f32, None, "gm")),
        ("memref<8x4xbf16, strided<[?, 1], offset: ?>>", MemRefType((8, 4), bf16, Strided((DYNAMIC, 1), DYNAMIC))),
        ("(i1, index) -> (i8, f64)", FunctionType((i1, index), (i8, f64))),
        ("tensor<f32>", TensorType((), f32)),
        ("tensor<0x3xi32>", TensorType((0, 3), i32)),
    ],
)
def test_types_read_and_print(text: str, type: Type):
    assert parse_type(text) == type
    assert str(type) == text


@pytest.mark.parametrize(
    ("attribute", "text"),
    [
        (FloatAttr(math.inf, f32), "0x7F800000 : f32"),
        (FloatAttr(-math.inf, f16), "0xFC00 : f16"),
        (FloatAttr(1e-6, f32), "1.0e-06 : f32"),
        (DenseAttr((0.0,), TensorType((4,), f16)), "dense<0.0> : tensor<4xf16>"),
        (DenseAttr((1, 2, 3, 4), TensorType((2, 2), i32)), "dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>"),
        (DenseArrayAttr((1, -2)), "array<i64: 1, -2>"),
        (DenseArrayAttr(()), "array<i64>"),
        (DictAttr((("a.b", UnitAttr()), ("odd key", BoolAttr(True)))), '{a.b, "odd key" = true}'),
    ],
)
def test_attributes_print_as_mlir_and_read_back(attribute: Attribute, text: str):
    assert str(attribute) == text
    assert read_attribute(text) == attribute


def read_attribute(text: str) -> Attribute:
    return parse_module(f'"test.op"() {{value = {text}}} : () -> ()').body.ops[0].attributes["value"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('"a.b"(%x) : (i32) -> ()', "%x is not defined before its use"),
        ('%x = "a.b"() : () -> i32\n"c.d"(%x) : (f32) -> ()', "%x has type i32, not f32"),
        ('"a.b"() : () -> () extra', "expected a string"),
        ('"a.b"()[^bb1] : () -> ()', "successors"),
        ('"a.b"() ({', "expected"),
        ("§", "unexpected character"),
        ('%x = "a.b"() : () -> i32\n%x = "a.b"() : () -> i32', "%x is defined twice"),
        ('"a.b"() {v = ' + "[" * 500 + "} : () -> ()", "nested deeper"),
        ('"a.b"() {v = dense<1> : i32} : () -> ()', "needs a tensor"),
    ],
)
def test_errors_name_the_place_and_the_problem(text: str, problem: str):
    with pytest.raises(Refused) as refused:
        parse_module(text)
    diagnostic = refused.value.diagnostics[0]
    assert problem in diagnostic.message.text
    assert diagnostic.spans[0].line >= 1


scalar_types = st.sampled_from([i1, i8, i32, i64, index, f16, bf16, f32, f64])
shapes = st.lists(st.one_of(st.integers(0, 64), st.just(DYNAMIC)), max_size=4).map(tuple)
tensors = st.builds(TensorType, shapes, scalar_types)
layouts = st.none() | st.builds(Strided, st.lists(st.integers(1, 9) | st.just(DYNAMIC), min_size=2, max_size=2).map(tuple))
memrefs = st.builds(
    MemRefType, st.tuples(st.integers(1, 9), st.integers(1, 9)), scalar_types, layouts, st.sampled_from([None, "ub"])
)
types = st.recursive(
    scalar_types | tensors | memrefs | scalar_types.map(PointerType),
    lambda inner: st.builds(FunctionType, st.lists(inner, max_size=3).map(tuple), st.lists(inner, max_size=3).map(tuple)),
    max_leaves=6,
)


@given(types)
def test_every_type_reads_back(type: Type):
    assert parse_type(str(type)) == type


def numbers() -> st.SearchStrategy[Attribute]:
    floats = st.floats(width=32)
    return st.one_of(
        st.integers(-(2**31), 2**31 - 1).map(lambda v: IntegerAttr(v, i32)),
        floats.map(lambda v: FloatAttr(v, f32)),
        st.floats().map(lambda v: FloatAttr(v, FloatType("f64"))),
    )


attributes = st.recursive(
    numbers()
    | st.text(max_size=8).map(StringAttr)
    | types.map(TypeAttr)
    | st.just(SymbolRefAttr("name"))
    | st.just(UnitAttr()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda v: ArrayAttr(tuple(v))),
        st.dictionaries(st.text("abc_", min_size=1, max_size=4), inner, max_size=3).map(lambda d: DictAttr(tuple(d.items()))),
    ),
    max_leaves=8,
)


@given(attributes)
def test_every_attribute_reads_back(attribute: Attribute):
    assert str(read_attribute(str(attribute))) == str(attribute)


@given(st.text(alphabet='"%@^#!<>()[]{}=:,x0123456789abcdef.-> \n', max_size=60))
def test_arbitrary_text_is_refused_or_read(text: str):
    try:
        parse_module(text)
    except Refused as refused:
        assert refused.diagnostics


def test_names_are_made_unique_even_where_hints_look_numbered():
    block = module()
    builder = Builder.at_end(block.body)
    for hint in ("a", "a", "a_1", "a", "1", "b c"):
        builder.value("test.make", [], IntegerType(32), hint=hint)
    names = [line.split(" =")[0].strip() for line in to_text(block).splitlines()[1:-1]]
    assert len(set(names)) == 6
    assert all(isinstance(op, Op) for op in block.body.ops)
