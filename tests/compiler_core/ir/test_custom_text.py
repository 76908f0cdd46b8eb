"""Custom forms: what the vendor's tools print reads as the same program in both of their forms."""

import json
import lzma
from pathlib import Path

import pytest

from compiler_core.diagnostics import Refused
from compiler_core.dialects.hivm_table import OPS
from compiler_core.ir import Op, to_text
from compiler_core.ir.parser import parse_module
from compiler_core.ir.syntax.forms import FORMS
from tests.compiler_core.ir.structure import structure

DATA = Path(__file__).parent / "data"
PRINTED: dict[str, tuple[str, str]] = json.loads(lzma.decompress((DATA / "printed_both_ways.json.xz").read_bytes()))
"""What AscendNPU-IR 1.2.0 has between two of its passes, and kernels as it leaves them: custom text and generic text."""


@pytest.mark.parametrize("name", PRINTED)
def test_both_forms_of_a_vendor_text_are_one_program(name: str):
    custom, generic = PRINTED[name]
    assert structure(parse_module(custom)) == structure(parse_module(generic))


def test_every_op_of_hivm_reads_in_its_custom_form():
    text = (DATA / "hivm_ops.mlir").read_text(encoding="utf-8")
    module = parse_module(text)
    assert {op.name for op in module.walk() if op.dialect == "hivm"} == {f"hivm.hir.{name}" for name in OPS}
    generic = parse_module((DATA / "hivm_ops.generic.mlir").read_text(encoding="utf-8"))
    assert structure(module) == structure(generic)


def test_every_op_of_hivm_has_a_form():
    assert {f"hivm.hir.{name}" for name in OPS} <= FORMS.keys()


def first(text: str) -> Op:
    """The first op behind the declarations of some values."""
    return parse_module(f'%i = "t.make"() : () -> index\n%a = "t.make"() : () -> memref<4x8xf32>\n{text}').body.ops[2]


def test_attributes_that_a_text_leaves_out_have_their_defaults():
    add = first("%x = arith.addi %i, %i : index")
    assert str(add.attributes["overflowFlags"]) == "#arith.overflow<none>"
    assert str(first("%x = arith.addi %i, %i overflow<nsw> : index").attributes["overflowFlags"]) == "#arith.overflow<nsw>"


def test_lists_of_numbers_and_values_read_as_two():
    view = first("%v = memref.subview %a[0, %i] [4, 2] [1, 1] : memref<4x8xf32> to memref<4x2xf32, strided<[8, 1], offset: ?>>")
    assert str(view.attributes["operandSegmentSizes"]) == "array<i32: 1, 1, 0, 0>"
    assert str(view.attributes["static_offsets"]) == f"array<i64: 0, {-(2**63)}>"


def test_regions_get_the_ends_that_they_do_not_write():
    loop = first("scf.for %j = %i to %i step %i {\n}")
    assert [op.name for op in loop.body.ops] == ["scf.yield"]


def test_what_a_tool_says_behind_its_module_is_passed_over():
    text = (
        '// -----// IR Dump After CSE (cse) //----- //\nmodule {\n}\n[ERROR] Cannot find it\nloc("a.mlir":1:1): error: failed'
    )
    assert parse_module(text).name == "builtin.module"


def test_module_attributes_are_kept():
    text = 'module attributes {dlti.spec = #dlti.spec<"NPU" : #hacc.spec<#dlti.dl_entry<"UB_SIZE", 1572864 : i32>>>} {\n}\n'
    assert "1572864" in to_text(parse_module(text))


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("my.op %i : index", 3, "the custom form of my.op is not known here; print the text with --mlir-print-op-generic"),
        ("%x = arith.addi %i, %i : i32", 3, "index"),
        ("%x = arith.cmpi near, %i, %i : index", 3, "arith.cmpi knows no predicate near"),
        ("memref.store %i, %a[%i, %i] : memref<4xf32>", 3, "the operands have types memref<4x8xf32>, not memref<4xf32>"),
        ("%x = affine.apply #map(%i)", 3, "expected an affine map"),
        ("%x, %y = arith.addi %i, %i : index", 3, "arith.addi has 1 results, but 2 are named"),
        ("scf.for %j = %i to %i {\n}", 3, "expected 'step', found '{'"),
        ("hivm.hir.load ins(%a : memref<4x8xf32>)", 3, "expected 'outs', found 'the end of the text'"),
    ],
)
def test_errors_name_the_place_the_problem_and_the_remedy(text: str, line: int, problem: str):
    with pytest.raises(Refused) as refused:
        first(text)
    diagnostic = refused.value.diagnostics[0]
    assert problem in diagnostic.message.text
    assert diagnostic.spans[0].line == line


@pytest.mark.parametrize("name", [n for n in PRINTED if n.startswith("kernel ")])
def test_a_kernel_reads_back_from_our_own_custom_text(name: str):
    module = parse_module(PRINTED[name][1])
    assert structure(parse_module(to_text(module))) == structure(module)


def test_every_op_of_hivm_is_written_as_it_reads():
    module = parse_module((DATA / "hivm_ops.generic.mlir").read_text(encoding="utf-8"))
    text = to_text(module)
    assert structure(parse_module(text)) == structure(module)
    generic = {line.split('"')[1] for line in text.splitlines() if '"hivm.hir.' in line}
    assert generic == {f"hivm.hir.{name}" for name in GENERIC_ONLY}


GENERIC_ONLY = ("create_sync_block_lock", "custom", "custom_macro", "gather_load", "load_scalar", "scatter_store")
"""Written in the generic form, in custom text too."""


def test_an_op_without_a_form_is_written_generically_among_the_others():
    text = 'module {\n  %0 = "my.op"() {a = 1 : i64} : () -> i32\n}\n'
    assert to_text(parse_module(text)) == text


TTIR = Path(__file__).parents[2] / "fixtures" / "oracles"


@pytest.mark.parametrize("file", sorted(TTIR.glob("*.ttir")), ids=lambda file: file.stem)
def test_ttir_reads_in_its_custom_form(file: Path):
    custom = to_text(parse_module(file.read_text(encoding="utf-8")))
    module = parse_module(custom)
    assert '"tt.load"' not in custom
    assert structure(parse_module(to_text(module, generic=True))) == structure(module)
    assert structure(parse_module(to_text(module))) == structure(module)


def test_hints_of_triton_loads_are_kept():
    text = """
    %p = "t.make"() : () -> tensor<4x!tt.ptr<f32>>
    %m = "t.make"() : () -> tensor<4xi1>
    %x = tt.load %p, %m cacheModifier = cg evictionPolicy = evict_last : tensor<4x!tt.ptr<f32>>
    """
    load = parse_module(text).body.ops[2]
    assert str(load.results[0].type) == "tensor<4xf32>"
    shown = {key: str(load.attributes[key]) for key in ("cache", "evict", "operandSegmentSizes")}
    assert shown == {"cache": "3 : i32", "evict": "3 : i32", "operandSegmentSizes": "array<i32: 1, 1, 0>"}
