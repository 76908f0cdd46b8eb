"""What the outside judges say of our text and our numbers, each as one function."""

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.oracles.environments import ADAPTER, FRONTEND, INTERPRETER, NPUIR, Environment, ensure

ADAPTER_PASSES = (
    "--discrete-mask-access-conversion=compile-on-910-95=False force-simt-template=False",
    "--triton-to-annotation",
    "--triton-to-unstructure=compile-on-910-95=False force-simt-template=False",
    "--triton-to-hivm",
    "--triton-to-hfusion",
    "--triton-to-llvm",
    "--bubble-up-operation",
    "--triton-to-linalg=global-kernel=false named-ops=True enable-nd2nz-on-vector=False enable-select-analysis=True"
    " compile-on-910-95=False",
)
"""The passes that triton-ascend's own driver runs on TTIR."""


class Rejected(AssertionError):
    """A judge did not accept what we gave it; its words follow."""


def bishengir_opt() -> Path:
    return ensure(NPUIR).site_packages / "ascendnpuir" / "bin" / "bishengir-opt"


def triton_adapter_opt() -> Path:
    return ensure(ADAPTER).site_packages / "triton" / "backends" / "ascend" / "triton-adapter-opt"


COMPILER_OPTIONS = (
    "--target=Ascend910B3",
    "--enable-hfusion-compile=true",
    "--enable-triton-kernel-compile=true",
    "--enable-hivm-compile=true",
)
"""How triton-ascend's driver calls the compiler."""


def make_ttir(source: Path, calls: dict[str, dict[str, Any]]) -> dict[str, str]:
    """TTIR of kernels of a file, as `make_ttir.py` says. The file is executed: give it the project's own only."""
    script = Path(__file__).parent / "make_ttir.py"
    command = [ensure(FRONTEND).python, script, source, json.dumps(calls)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Rejected(f"Triton does not lower {source.name}:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout)


def compile_linalg(text: str) -> str:
    """Linalg text of the adapter as the vendor's compiler leaves it for its closed back end: generic text, without the module's
    attributes. Raises Rejected.
    """
    said = _compile(text, "--mlir-print-ir-before=convert-hivm-to-std")
    _, dumped, rest = said.partition("// -----// IR Dump Before ")
    if not dumped:
        raise Rejected(f"bishengir-compile does not compile it:\n{said[-4000:]}")
    body = rest.partition("\n")[2].partition("\n}\n")[0] + "\n}\n"
    return _run(
        bishengir_opt(), "--mlir-print-op-generic", text=re.sub(r"^module attributes .* \{$", "module {", body, flags=re.M)
    )


def dumps(text: str) -> list[str]:
    """The text behind each pass of the vendor's compiler, with the header that names it, from linalg text of the adapter."""
    return re.split(r"^(?=// -----// IR Dump)", _compile(text, "--mlir-print-ir-after-all"), flags=re.M)[1:]


def _compile(text: str, dump: str) -> str:
    """What the vendor's compiler says of linalg text. It ends in an error: the back end is not there."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "input.mlir"
        file.write_text(re.sub(r'mix_mode = "\w*", ', "", text))
        command = [
            bishengir_opt().with_name("bishengir-compile"),
            file,
            *COMPILER_OPTIONS,
            dump,
            "-o",
            Path(folder) / "kernel.o",
        ]
        return subprocess.run(command, capture_output=True, text=True).stderr


def verify_ttir(text: str) -> str:
    """The module as the vendor's adapter prints it after its verifier passed. Raises Rejected."""
    return _run(triton_adapter_opt(), text=text)


def lower_ttir(text: str) -> str:
    """The linalg text that the vendor's adapter makes of TTIR. Raises Rejected."""
    return _run(triton_adapter_opt(), *ADAPTER_PASSES, text=text)


def verify_hivm(text: str) -> str:
    """The module as the vendor's tool prints it after its verifier passed. Raises Rejected."""
    return _run(bishengir_opt(), text=text)


def print_hivm(text: str, *, generic: bool) -> str:
    """The module in one of the forms that the vendor's tool prints. Raises Rejected."""
    return _run(bishengir_opt(), *(["--mlir-print-op-generic"] if generic else []), text=text)


def interpret(source: Path, kernel: str, grid: tuple[int, ...], arguments: dict[str, Any]) -> dict[str, np.ndarray]:
    """Runs a kernel in Triton's interpreter.

    `arguments` holds tensors (numpy arrays; bfloat16 as uint16 under NAME:bf16), scalars and constexprs by name. Returns every
    tensor after the run, under the same names. The file is executed: give it the project's own examples only.
    """
    environment: Environment = ensure(INTERPRETER)
    tensors = {name: value for name, value in arguments.items() if isinstance(value, np.ndarray)}
    plain = {name: value for name, value in arguments.items() if name not in tensors}
    with tempfile.TemporaryDirectory() as folder:
        given, told = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(given, allow_pickle=False, **tensors)
        call = json.dumps({"kernel": kernel, "grid": grid, "arguments": plain})
        script = Path(__file__).parent / "run_interpreter.py"
        command = [environment.python, script, source, call, given, told]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise Rejected(f"Triton's interpreter failed on {source.name}:\n{done.stderr[-4000:]}")
        with np.load(told) as outputs:
            return {name: outputs[name] for name in outputs.files}


def _run(tool: Path, *arguments: str, text: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "input.mlir"
        file.write_text(text)
        done = subprocess.run([tool, file, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise Rejected(f"{tool.name} does not accept it:\n{done.stderr[-4000:]}")
    return done.stdout
