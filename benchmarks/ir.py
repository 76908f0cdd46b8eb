"""Clone, print and verify 1,000 ops (arith, scf, func): our IR beside xDSL, on the same module; and reading its generic text.

Both print their pretty form. Prints milliseconds for each, and microseconds an op read; each text read is a new one,
of types and attributes met before. The last line is `ir: <ratio>x`, xDSL's time over ours.
"""

import gc
import io
import sys
import time
from collections.abc import Callable
from statistics import median

from xdsl.context import Context
from xdsl.dialects import arith as xdsl_arith
from xdsl.dialects import builtin as xdsl_builtin
from xdsl.dialects import func as xdsl_func
from xdsl.dialects import scf as xdsl_scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.printer import Printer

import compiler_core.dialects  # noqa: F401 - declares the ops
from compiler_core.dialects import arith, builtin, scf
from compiler_core.ir import Builder, Op, module, to_text
from compiler_core.ir.parser import parse_module
from compiler_core.ir.types import f32, i32, index
from compiler_core.ir.verifier import verify

OPS = 1000
ROUNDS = 20
LOOP_OPS = 50
"""Ops of one loop: its bounds, itself, its body and its yield."""


def build() -> Op:
    """A function of loops whose bodies do integer and float arithmetic: OPS ops, the module not counted."""
    function = builtin.function("kernel", [i32, f32], names=["n", "x"])
    builder = Builder.at_end(function.body)
    n, x = function.body.arguments
    top = module([function])
    while sum(1 for _ in top.walk()) <= OPS - LOOP_OPS - 1:
        lower, upper, step = (arith.constant(builder, value, index) for value in (0, 16, 1))
        loop = scf.for_loop(builder, lower, upper, step, [x])
        inside = Builder.at_end(loop.body)
        number, carried = n, loop.body.arguments[1]
        for i in range((LOOP_OPS - 5) // 3):
            number = inside.value("arith.addi", [number, n], i32, hint="offs")
            carried = inside.value("arith.mulf", [carried, x], f32, hint="acc")
            carried = inside.value("arith.addf" if i % 2 else "arith.subf", [carried, x], f32)
        inside.op("scf.yield", [carried])
        x = loop.results[0]
    while sum(1 for _ in top.walk()) <= OPS - 1:
        n = builder.value("arith.muli", [n, n], i32)
    builder.op("func.return")
    return top


def ours(top: Op) -> None:
    copy = top.clone()
    to_text(copy)
    verify(copy)


def xdsl_module(text: str) -> ModuleOp:
    context = Context()
    for dialect in (xdsl_builtin.Builtin, xdsl_func.Func, xdsl_arith.Arith, xdsl_scf.Scf):
        context.load_dialect(dialect)
    return Parser(context, text).parse_module()


def theirs(top: ModuleOp) -> None:
    copy = top.clone()
    Printer(stream=io.StringIO()).print_op(copy)
    copy.verify()


def milliseconds(work: Callable[[], object]) -> float:
    """Median over ROUNDS, after one round that is not counted."""
    work()
    times: list[float] = []
    for _ in range(ROUNDS):
        gc.collect()
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return median(times)


def main() -> int:
    top = build()
    verify(top)
    other = xdsl_module(to_text(top, generic=True))
    counts = [sum(1 for _ in m.walk()) - 1 for m in (top, other)]
    if counts != [OPS, OPS]:
        print(f"the two modules differ: {counts} ops", file=sys.stderr)
        return 1
    mine, xdsl = milliseconds(lambda: ours(top)), milliseconds(lambda: theirs(other))
    texts = iter([to_text(top, generic=True).replace("%offs", f"%offs{i}") for i in range(ROUNDS + 1)])
    reading = milliseconds(lambda: parse_module(next(texts))) * 1e3 / OPS
    print(f"parse of the generic text, median of {ROUNDS}: {reading:.1f} µs per op")
    print(f"clone + print + verify of {OPS} ops, median of {ROUNDS}: ours {mine:.2f} ms, xDSL {xdsl:.2f} ms")
    print(f"ir: {xdsl / mine:.1f}x")
    return 0


if __name__ == "__main__":
    sys.exit(main())
