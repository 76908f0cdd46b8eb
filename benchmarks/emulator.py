"""The emulator against Triton's own interpreter, on kernels that our pipeline compiled.

A row's time is parsing the machine text, results and cycles together (and with hazards checked); the interpreter's is one
call of the kernel over its grid, in its own pinned environment, which is made on first use. numpy doing the same mathematics
is the floor. All times are processor time of one thread, so that a busy machine changes the ratios little.

    OMP_NUM_THREADS=1 python benchmarks/emulator.py
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import msgspec
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import compiler_core.dialects  # noqa: F401, E402 - declares the ops
from compiler_core.chips import chips  # noqa: E402
from compiler_core.emulator import Result, run  # noqa: E402
from compiler_core.importers.triton import import_kernel, resolve_launch  # noqa: E402
from compiler_core.inputs import make_inputs  # noqa: E402
from compiler_core.ir import to_text  # noqa: E402
from compiler_core.ir.parser import parse_module  # noqa: E402
from compiler_core.passes.base import PassContext  # noqa: E402
from compiler_core.pipelines import pipeline  # noqa: E402
from compiler_core.request import Launch, TensorArgument  # noqa: E402
from tests.oracles.environments import INTERPRETER, ensure  # noqa: E402

EXAMPLES = ROOT / "compiler_core" / "examples"
CHIP = chips()["Ascend910B3"]
ROUNDS = 5
Arrays = dict[str, np.ndarray]


def softmax(arrays: Arrays) -> np.ndarray:
    x = arrays["in_ptr"]
    powers = np.exp(x - x.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def layer_norm(arrays: Arrays) -> np.ndarray:
    x = arrays["x_ptr"].astype(np.float32)
    centred = x - x.mean(1, keepdims=True)
    variance = (centred * centred).mean(1, keepdims=True)
    scaled = centred / np.sqrt(variance + 1e-5) * arrays["weight_ptr"] + arrays["bias_ptr"]
    return scaled.astype(np.float16)


def matmul(arrays: Arrays) -> np.ndarray:
    return (arrays["a_ptr"].astype(np.float32) @ arrays["b_ptr"].astype(np.float32)).astype(np.float16)


@dataclass(frozen=True)
class Case:
    """A kernel of the gallery, the mathematics it does, the output that shows it, and how close the two must be."""

    title: str
    example: str
    numpy: Callable[[Arrays], np.ndarray]
    output: str
    tolerance: float
    rows: int = 0
    columns: int = 0
    """Other than the gallery's, for the row-wise kernels."""


CASES: Sequence[Case] = (
    Case("add 98,432", "add", lambda a: a["x_ptr"] + a["y_ptr"], "out_ptr", 0.0),
    Case("softmax 1823 x 781", "softmax", softmax, "out_ptr", 1e-6),
    Case("matmul 512^3 fp16", "matmul", matmul, "c_ptr", 0.05),
    Case("layer norm 1151 x 8192", "layer_norm", layer_norm, "out_ptr", 0.02, 1151, 8192),
)


def launch_of(case: Case) -> tuple[str, Launch]:
    """The kernel's source and its launch."""
    source = (EXAMPLES / f"{case.example}.py").read_text(encoding="utf-8")
    described = json.loads((EXAMPLES / f"{case.example}.launch.json").read_text(encoding="utf-8"))
    if case.rows:
        described["grid"] = [case.rows]
        old = described["arguments"]["x_ptr"]["shape"]
        for argument in described["arguments"].values():
            if isinstance(argument, dict):
                argument["shape"] = [{old[0]: case.rows, old[1]: case.columns}[size] for size in argument["shape"]]
        described["arguments"] |= {"stride": case.columns, "n_cols": case.columns}
    return source, resolve_launch(source, msgspec.convert(described, Launch))


def machine_text(source: str, launch: Launch) -> str:
    """The kernel after the whole pipeline, as generic text."""
    module = import_kernel(source, launch)
    context = PassContext(CHIP)
    for step in pipeline("tt"):
        step.apply(module, context)
    return to_text(module, generic=True)


def best(work: Callable[[], object]) -> float:
    """Milliseconds, the best of ROUNDS after one that is not counted."""
    work()
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append((time.process_time() - start) * 1e3)
    return min(times)


_TIMED = """
import sys, time
sys.path.insert(0, sys.argv[1])
import run_interpreter
for _ in range(2):
    start = time.process_time()
    run_interpreter.main(*sys.argv[2:])
    spent = time.process_time() - start
    if spent > 5:
        break
print(spent * 1e3)
"""


def interpreter(case: Case, launch: Launch, inputs: dict[str, np.ndarray | int | float]) -> float:
    """Milliseconds of Triton's interpreter: the second call, or the first where that takes long."""
    environment = ensure(INTERPRETER)
    scalars = {n: v for n, v in inputs.items() if not isinstance(v, np.ndarray)} | dict(launch.constexprs)
    call = {"kernel": launch.kernel, "grid": list(launch.grid), "arguments": scalars}
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "in.npz"
        np.savez(given, allow_pickle=False, **{n: v for n, v in inputs.items() if isinstance(v, np.ndarray)})
        judge = str(ROOT / "tests" / "oracles")
        source = str(EXAMPLES / f"{case.example}.py")
        words = [judge, source, json.dumps(call), str(given), str(Path(folder) / "out.npz")]
        told = subprocess.run([environment.python, "-c", _TIMED, *words], check=True, capture_output=True, text=True)
    return float(told.stdout.split()[-1])


@dataclass(frozen=True)
class Row:
    """Milliseconds of a case, and the cycles the emulator measured."""

    parse: float
    function: float
    total: float
    checked: float
    floor: float
    interpreter: float
    cycles: int


def measure(case: Case) -> Row:
    source, launch = launch_of(case)
    inputs = make_inputs(launch)
    shapes = {n: a.shape for n, a in launch.arguments.items() if isinstance(a, TensorArgument)}
    arrays: Arrays = {n: np.asarray(inputs[n]).reshape(shape) for n, shape in shapes.items()}
    tensors = dict(inputs) | arrays
    text = machine_text(source, launch)
    module = parse_module(text)
    x, y, z = (*launch.grid, 1, 1)[:3]
    grid = (int(x), int(y), int(z))

    def once(timing: bool, hazards: bool, parsed: bool = False) -> Result:
        target = parse_module(text) if parsed else module
        return run(target, None, list(tensors.values()), grid, CHIP, timing=timing, hazards=hazards)

    result = once(timing=True, hazards=True)
    expected = case.numpy(arrays)
    wrong = float(np.abs(arrays[case.output].astype(np.float64) - expected.astype(np.float64)).max())
    if wrong > case.tolerance or result.diagnostics:
        raise SystemExit(f"{case.title}: off by {wrong}; {[d.message.text for d in result.diagnostics]}")
    return Row(
        parse=best(lambda: parse_module(text)),
        function=best(lambda: once(timing=False, hazards=False)),
        total=best(lambda: once(timing=True, hazards=False, parsed=True)),
        checked=best(lambda: once(timing=True, hazards=True, parsed=True)),
        floor=best(lambda: case.numpy(arrays)),
        interpreter=interpreter(case, launch, tensors),
        cycles=result.cycles,
    )


def main() -> int:
    titles = ("parse", "function", "all", "+hazards", "numpy", "interpreter", "cycles")
    print(f"{'milliseconds':24}" + "".join(f"{t:>13}" for t in titles) + f"{'ratio':>9}")
    ratios: list[float] = []
    for case in CASES:
        row = measure(case)
        ratios.append(row.interpreter / row.total)
        cells = (row.parse, row.function, row.total, row.checked, row.floor, row.interpreter)
        print(f"{case.title:24}" + "".join(f"{c:13,.1f}" for c in cells) + f"{row.cycles:13,}{ratios[-1]:8.0f}x", flush=True)
    print(f"emulator: {geometric_mean(ratios):.0f}x geomean, {min(ratios):.0f}x worst")
    return 0


if __name__ == "__main__":
    sys.exit(main())
