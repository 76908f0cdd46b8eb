"""MLIR text as a source: a launch guessed from its types, arguments bound in order, refusals instead of crashes."""

import msgspec
import pytest

from compiler_core import driver
from compiler_core.blobs import MemoryBlobs
from compiler_core.diagnostics import Refused
from compiler_core.dialects.builtin import functions
from compiler_core.events import Done, Failed, Pass
from compiler_core.importers.mlir import import_mlir, is_mlir
from compiler_core.ir.parser import parse_module
from compiler_core.request import CompileRequest, Launch, TensorArgument
from tests.compiler_core.emulator.vendor import kernels

EXAMPLE = next(e for e in driver.examples() if e.name == "add")


def stages(*, generic: bool = True) -> dict[str, str]:
    """The add example's text at each stage."""
    from compiler_core.chips import chips
    from compiler_core.importers.triton import import_kernel, resolve_launch
    from compiler_core.ir import to_text
    from compiler_core.passes.base import PassContext
    from compiler_core.pipelines import pipeline

    launch = resolve_launch(EXAMPLE.source, EXAMPLE.launch)
    module = import_kernel(EXAMPLE.source, launch)
    found = {"tt": to_text(module, generic=generic)}
    for step in pipeline("tt"):
        step.apply(module, PassContext(chips()["Ascend910B3"]))
        found[step.stage_out] = to_text(module, generic=generic)
    return found


def compiled(text: str, launch: Launch | None) -> list[object]:
    return list(driver.compile(CompileRequest("mlir", text, launch=launch), MemoryBlobs()))


@pytest.mark.parametrize("generic", [True, False], ids=["generic", "custom"])
@pytest.mark.parametrize("stage", ["tt", "machine"])
def test_a_text_of_a_stage_runs_from_there(stage: str, generic: bool):
    source = stages(generic=generic)[stage]
    assert is_mlir(source) and not is_mlir(EXAMPLE.source)
    launch = msgspec.structs.replace(EXAMPLE.launch, constexprs={}, grid=(97,))
    events = compiled(source, launch)
    assert isinstance(events[-1], Done), events[-1]
    assert events[-1].cycles is not None and events[-1].cycles.total > 0
    first = next(e for e in events if isinstance(e, Pass))
    assert (first.stage_in, first.name) == (stage, "import")


def test_a_launch_is_guessed_from_the_types():
    found = driver.inspect(stages()["tt"])
    (kernel,) = found.kernels
    assert [(p.name, p.kind) for p in kernel.parameters] == [
        ("x_ptr", "tensor"),
        ("y_ptr", "tensor"),
        ("out_ptr", "tensor"),
        ("n", "scalar"),
    ]
    assert found.launch is not None
    assert isinstance(compiled(stages()["tt"], found.launch)[-1], Done)


EMPTY = '"builtin.module"() ({\n}) : () -> ()\n'
KERNEL = """
"tt.func"() ({
^bb0(%x: !tt.ptr<f32>):
  "tt.return"() : () -> ()
}) {sym_name = "k", function_type = (!tt.ptr<f32>) -> ()} : () -> ()
"""
TENSOR = TensorArgument("float32", (8,))


@pytest.mark.parametrize(
    ("text", "launch", "says"),
    [
        (EMPTY, Launch(), "no function"),
        (KERNEL, None, "needs a launch"),
        (KERNEL, Launch(grid=(1,)), "takes 1 arguments, the launch gives 0"),
        (KERNEL, Launch(grid=(1,), arguments={"x": TensorArgument("float16", (8,))}), "must be float32"),
        (KERNEL, Launch(grid=(1,), arguments={"x": 3}), "must be float32"),
        (KERNEL.replace('"tt.return"', '"tt.invented"'), Launch(grid=(1,), arguments={"x": TENSOR}), "not declared"),
        (KERNEL.replace('"tt.return"', '"xyz.op"'), Launch(grid=(1,), arguments={"x": TENSOR}), "xyz"),
        ('"tt.func"(', Launch(), "Line 1"),
    ],
)
def test_bad_texts_and_launches_are_refused(text: str, launch: Launch | None, says: str):
    failed = compiled(text, launch)[-1]
    assert isinstance(failed, Failed) and failed.status == 1
    assert says in failed.diagnostic.message.text


def test_another_name_in_the_launch_is_fine():
    assert isinstance(compiled(KERNEL, Launch(grid=(1,), arguments={"whatever": TENSOR}))[-1], Done)


def test_inspecting_a_broken_text_is_refused():
    with pytest.raises(Refused):
        driver.inspect('"builtin.module"() ({')


def test_a_module_without_a_body_gets_one():
    assert functions(parse_module(EMPTY)) == []


def test_a_text_that_the_vendor_compiled_runs_as_it_is():
    """The machine-stage add that the vendor compiled: hidden arguments in front, a host function beside it."""
    text = kernels()["add"].text
    found = driver.inspect(text)
    assert found.launch is not None
    events = compiled(text, found.launch)
    assert isinstance(events[-1], Done), events[-1]
    assert [e.name for e in events if isinstance(e, Pass)] == ["import"]


def test_an_op_that_is_not_of_its_dialects_form_is_refused_by_name():
    source = stages()["machine"].replace("EVENT_ID0", "EVENT_IDX", 1)
    with pytest.raises(Refused, match=r"hivm\.hir\.(set|wait)_flag: is not of the form"):
        import_mlir(source)
