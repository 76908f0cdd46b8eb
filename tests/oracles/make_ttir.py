"""Prints TTIR of kernels: what Triton hands to any backend. Started with the Python of the frontend environment; needs no GPU.

make_ttir.py SOURCE.py '{NAME: {"kernel": …, "types": […], "constexprs": {…}}}' prints {NAME: TTIR}; types are those of the
arguments that are no constexprs.
"""

import json
import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any

from triton._C.libtriton import ir  # pyright: ignore[reportMissingImports]
from triton.backends.compiler import GPUTarget  # pyright: ignore[reportMissingImports]
from triton.compiler import ASTSource  # pyright: ignore[reportMissingImports]
from triton.compiler.compiler import make_backend  # pyright: ignore[reportMissingImports]

TARGET = GPUTarget("cuda", 80, 32)
"""Any: TTIR does not depend on it but for a few functions that kernels here do not use."""


def lowered(kernel: Any, types: list[str], constexprs: dict[str, Any]) -> str:
    names = list(kernel.arg_names)
    plain = iter(types)
    signature = {name: "constexpr" if name in constexprs else next(plain) for name in names}
    source = ASTSource(kernel, signature, {(names.index(name),): value for name, value in constexprs.items()})
    backend = make_backend(TARGET)
    options = backend.parse_options({})
    context = ir.context()
    ir.load_dialects(context)
    backend.load_dialects(context)
    module = source.make_ir(TARGET, options, backend.get_codegen_implementation(options), backend.get_module_map(), context)
    return str(backend.make_ttir(module, {}, options, TARGET.arch))


def main(source: str, calls: str) -> None:
    loader = SourceFileLoader("kernels", source)
    module = ModuleType(loader.name)
    loader.exec_module(module)
    told = {
        name: lowered(getattr(module, call["kernel"]), call["types"], call["constexprs"])
        for name, call in json.loads(calls).items()
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
