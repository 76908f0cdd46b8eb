"""The emulator against Triton's own interpreter, on machine code that the vendor's compiler made, and on ours beside it.

A case is one Triton kernel and one launch of it (`tests/compiler_core/emulator/vendor.py`). The vendor's text is the recorded
one; ours comes from our pipeline. "all" is parsing the text, results and cycles together; the interpreter's time is one call of
the kernel over its grid, in its own pinned environment, which is made on first use. numpy doing the same mathematics on whole
arrays is the floor. All times are processor time of one thread, the best of several runs in a process: what a process remembers
(texts of types, Python's own compilation of a program whose text it has seen) is warm from the second on. A busy machine moves
the ratios by a third. Those of the last line are of the vendor's texts.

    OMP_NUM_THREADS=1 python benchmarks/emulator.py [WORDS OF TITLES …]
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import compiler_core.dialects  # noqa: F401, E402 - declares the ops
from compiler_core.chips import chips  # noqa: E402
from compiler_core.diagnostics import Refused  # noqa: E402
from compiler_core.emulator import Result, run  # noqa: E402
from compiler_core.importers.triton import import_kernel, resolve_launch  # noqa: E402
from compiler_core.ir import to_text  # noqa: E402
from compiler_core.ir.parser import parse_module  # noqa: E402
from compiler_core.passes.base import PassContext  # noqa: E402
from compiler_core.pipelines import pipeline  # noqa: E402
from compiler_core.request import Launch, TensorArgument  # noqa: E402
from tests.compiler_core.emulator.vendor import SOURCE, Kernel, Sizes, kernels  # noqa: E402
from tests.oracles.environments import INTERPRETER, ensure  # noqa: E402

CHIP = chips()["Ascend910B3"]
SECONDS = 2.0
"""How long the best time of a piece of work is looked for."""
Arrays = dict[str, np.ndarray]


def softmax(arrays: Arrays) -> np.ndarray:
    x = arrays["in_ptr"]
    powers = np.exp(x - x.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def layer_norm(arrays: Arrays) -> np.ndarray:
    x = arrays["x_ptr"].astype(np.float32)
    centred = x - x.mean(1, keepdims=True)
    variance = (centred * centred).mean(1, keepdims=True)
    weight, bias = arrays["weight_ptr"].astype(np.float32), arrays["bias_ptr"].astype(np.float32)
    return (centred / np.sqrt(variance + 1e-5) * weight + bias).astype(np.float16)


def matmul(arrays: Arrays) -> np.ndarray:
    return (arrays["a_ptr"].astype(np.float32) @ arrays["b_ptr"].astype(np.float32)).astype(np.float16)


def attention(arrays: Arrays) -> np.ndarray:
    q, k, v = (arrays[name].astype(np.float32) for name in ("q_ptr", "k_ptr", "v_ptr"))
    scores = q @ k.transpose(0, 2, 1) * np.float32(0.125)
    powers = np.exp(scores - scores.max(2, keepdims=True))
    return (powers @ v / powers.sum(2, keepdims=True)).astype(np.float16)


@dataclass(frozen=True)
class Case:
    """A kernel at one size, the mathematics it does, the output that shows it, and how close the two must be."""

    title: str
    kernel: Kernel
    sizes: Sizes
    numpy: Callable[[Arrays], np.ndarray]
    output: str
    tolerance: float
    counted: bool = True
    """In the last line."""


CASES: Sequence[Case] = (
    Case("add 98,432", kernels()["add"], (98_432,), lambda a: a["x_ptr"] + a["y_ptr"], "out_ptr", 0.0),
    Case("softmax 1823 x 781", kernels()["softmax"], (1823, 781), softmax, "out_ptr", 1e-6),
    Case("matmul 512^3 fp16", kernels()["matmul"], (512, 512, 512), matmul, "c_ptr", 0.07),
    Case("layer norm 1151 x 8192", kernels()["layer_norm_blocks"], (1151, 8192), layer_norm, "y_ptr", 0.02),
    Case("attention 1 x 2 x 1024 x 64", kernels()["attention"], (1, 2, 1024), attention, "out_ptr", 2e-3),
    Case("layer norm, a row at once", kernels()["layer_norm"], (1151, 8192), layer_norm, "y_ptr", 0.02, counted=False),
)


def our_text(case: Case) -> str:
    """The kernel after our whole pipeline, as generic text. Raises Refused where it does not compile the kernel yet."""
    source = SOURCE.read_text(encoding="utf-8")
    launch = case.kernel.at(case.sizes)
    arguments: dict[str, TensorArgument | bool | int | float] = {
        name: TensorArgument(str(value.dtype), value.shape) if isinstance(value, np.ndarray) else value
        for name, value in launch.arguments.items()
    }
    asked = Launch(case.kernel.function, launch.grid, arguments, dict(case.kernel.constexprs))
    module = import_kernel(source, resolve_launch(source, asked))
    context = PassContext(CHIP)
    for step in pipeline("tt"):
        step.apply(module, context)
    return to_text(module, generic=True)


def best(work: Callable[[], object]) -> float:
    """Milliseconds: the best of several after one that is not counted, at least three."""
    work()
    times: list[float] = []
    while len(times) < 3 or (sum(times) < SECONDS * 1e3 and len(times) < 30):
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


def interpreter(case: Case) -> float:
    """Milliseconds of Triton's interpreter: the second call, or the first where that takes long."""
    environment = ensure(INTERPRETER)
    launch = case.kernel.at(case.sizes)
    scalars = {n: v for n, v in launch.arguments.items() if not isinstance(v, np.ndarray)} | dict(case.kernel.constexprs)
    call = {"kernel": case.kernel.function, "grid": launch.grid, "arguments": scalars}
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "in.npz"
        np.savez(given, allow_pickle=False, **{n: v for n, v in launch.arguments.items() if isinstance(v, np.ndarray)})
        judge = str(ROOT / "tests" / "oracles")
        words = [judge, str(SOURCE), json.dumps(call), str(given), str(Path(folder) / "out.npz")]
        told = subprocess.run([environment.python, "-c", _TIMED, *words], check=True, capture_output=True, text=True)
    return float(told.stdout.split()[-1])


@dataclass(frozen=True)
class Times:
    """Milliseconds of a text on the emulator, and the cycles it measured."""

    parse: float
    function: float
    total: float
    checked: float
    cycles: int


def measure(case: Case, text: str) -> Times:
    """Raises SystemExit where results are wrong or a fault is reported, Refused where the emulator stops."""
    launch = case.kernel.at(case.sizes)
    module = parse_module(text)

    def once(timing: bool, hazards: bool, parsed: bool = False) -> Result:
        target = parse_module(text) if parsed else module
        return run(target, None, list(launch.arguments.values()), launch.grid, CHIP, timing=timing, hazards=hazards)

    result = once(timing=True, hazards=True)
    arrays = tensors(case)
    expected = case.numpy(arrays)
    ours = np.asarray(launch.arguments[case.output])
    wrong = float(np.abs(ours.astype(np.float64) - expected.astype(np.float64)).max())
    if not wrong <= case.tolerance or result.diagnostics:
        raise SystemExit(f"{case.title}: off by {wrong}; {[d.message.text for d in result.diagnostics]}")
    return Times(
        parse=best(lambda: parse_module(text)),
        function=best(lambda: once(timing=False, hazards=False)),
        total=best(lambda: once(timing=True, hazards=False, parsed=True)),
        checked=best(lambda: once(timing=True, hazards=True, parsed=True)),
        cycles=result.cycles,
    )


def tensors(case: Case) -> Arrays:
    return {n: v for n, v in case.kernel.at(case.sizes).arguments.items() if isinstance(v, np.ndarray)}


def numpy_time(case: Case) -> float:
    arrays = tensors(case)
    return best(lambda: case.numpy(arrays))


def texts(case: Case) -> Iterator[tuple[str, str | Refused]]:
    """The vendor's text, and ours or why there is none."""
    yield "vendor's", case.kernel.text
    try:
        yield "ours", our_text(case)
    except Refused as problem:
        yield "ours", problem


def main(words: Sequence[str]) -> int:
    columns = ("parse", "function", "all", "+hazards", "numpy", "interpreter", "cycles", "function/numpy", "ratio", "+hazards")
    print(f"{'milliseconds':28}{'text':>10}" + "".join(f"{title:>{max(10, len(title) + 2)}}" for title in columns))
    ratios: list[float] = []
    checked: list[float] = []
    for case in (c for c in CASES if all(word in c.title for word in words)):
        floor, theirs = numpy_time(case), interpreter(case)
        for whose, text in texts(case):
            try:
                if not isinstance(text, str):
                    raise text
                row = measure(case, text)
            except Refused as problem:
                print(f"{case.title:28}{whose:>10}  {problem}", flush=True)
                continue
            ratio, with_hazards = theirs / row.total, theirs / row.checked
            if whose == "vendor's" and case.counted:
                ratios.append(ratio)
                checked.append(with_hazards)
            print(
                f"{case.title:28}{whose:>10}{row.parse:10,.1f}{row.function:10,.1f}{row.total:10,.1f}{row.checked:10,.1f}"
                f"{floor:10,.1f}{theirs:13,.0f}{row.cycles:10,}{row.function / floor:16.1f}{ratio:9.0f}x{with_hazards:9.0f}x",
                flush=True,
            )
    print(f"with hazards checked: {geometric_mean(checked):.0f}x geomean, {min(checked):.0f}x worst (vendor's texts)")
    print(f"emulator: {geometric_mean(ratios):.0f}x geomean, {min(ratios):.0f}x worst")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
