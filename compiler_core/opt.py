"""Runs passes over a text: `python -m compiler_core.opt FILE -p pass1,pass2`; what filecheck tests run."""

import argparse
import sys
from pathlib import Path

import compiler_core.dialects  # noqa: F401  # pyright: ignore[reportUnusedImport] - declares the ops
from compiler_core.chips import chips
from compiler_core.diagnostics import Refused
from compiler_core.ir import Op, to_text
from compiler_core.ir.parser import parse_module
from compiler_core.ir.verifier import InvalidIR, verify
from compiler_core.passes.base import PassContext
from compiler_core.pipelines import all_passes


def run_passes(text: str, names: list[str], chip: str = "Ascend910B3", file: str = "input.mlir") -> Op:
    """The module of a text after the named passes, verified after each. Raises Refused, InvalidIR, KeyError (names)."""
    known = {p.name: p for p in all_passes()}
    module = parse_module(text, file=file)
    context = PassContext(chips()[chip])
    verify(module)
    stage = None
    for name in names:
        known[name].apply(module, context)
        # clean-ups stand at several stages: they leave the module where it is
        stage = known[name].stage_out if known[name].stage_in != known[name].stage_out else stage
        verify(module, stage)
    return module


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="compiler_core.opt", description=__doc__)
    parser.add_argument("file", help="MLIR text, generic or custom, or - for standard input")
    parser.add_argument("-p", "--passes", default="", help="comma-separated pass names, in order")
    parser.add_argument("--chip", default="Ascend910B3", choices=sorted(chips()))
    parser.add_argument("--generic", action="store_true", help="print the generic form")
    parser.add_argument("--locations", action="store_true", help="print locations")
    arguments = parser.parse_args(argv)
    text = sys.stdin.read() if arguments.file == "-" else Path(arguments.file).read_text(encoding="utf-8")
    names = [n for n in arguments.passes.split(",") if n]
    unknown = set(names) - {p.name for p in all_passes()}
    if unknown:
        parser.error(f"no pass named {', '.join(sorted(unknown))}")
    try:
        module = run_passes(text, names, arguments.chip, arguments.file)
    except (Refused, InvalidIR) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    print(to_text(module, generic=arguments.generic, locations=arguments.locations), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
