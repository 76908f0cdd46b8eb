"""Prints Triton's promotion rules as JSON: for each operator class and pair of types, the type it computes in (or null).

Run by the Python of an environment with `triton` 3.5.0 (`python record_promotions.py > ../fixtures/promotions.json`); it
imports nothing of ours. A name with a `#` is a Python number of that type. `division` holds the rules of / // %.
"""

import json

from triton.language import semantic  # pyright: ignore[reportMissingImports]
from triton.language.core import dtype  # pyright: ignore[reportMissingImports]

NAMES = ("int1", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "fp16", "bf16", "fp32", "fp64")
NUMBERS = ("int1", "int32", "uint32", "int64", "uint64", "fp32", "fp64")


def answer(a: str, b: str, division: bool) -> str | None:
    rules = semantic.TritonSemantic(None)
    left, right = (dtype(name.rstrip("#")) for name in (a, b))
    try:
        return str(rules.computation_type_impl(left, a.endswith("#"), right, b.endswith("#"), division))
    except TypeError:
        return None


def table(division: bool) -> dict[str, dict[str, str | None]]:
    columns = (*NAMES, *(f"{n}#" for n in NUMBERS))
    return {a: {b: answer(a, b, division) for b in columns} for a in NAMES}


print(json.dumps({"plain": table(False), "division": table(True)}, indent=None, separators=(",", ":")).replace("},", "},\n"))
