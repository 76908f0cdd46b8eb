"""Records what the vendor's compiler has between its passes, in both of the forms its tool prints: printed_both_ways.json.xz.

The kernels of `KERNELS` between all passes, and all of `emulator/data` as the compiler leaves them. And the generic form of the
text that has every op of hivm.

    python -m tests.oracles.record_text
"""

import gzip
import json
import lzma
import re
import sys
from collections.abc import Iterator

from tests.compiler_core.emulator.vendor import SOURCE, kernels
from tests.compiler_core.ir.test_custom_text import DATA
from tests.oracles.judges import Rejected, dumps, lower_ttir, make_ttir, print_hivm

KERNELS = ("add", "softmax", "matmul")
_NAME = re.compile(r"IR Dump After (\w+)")


def between_passes(name: str) -> Iterator[tuple[str, str]]:
    """The name of each pass that changed the kernel, and the text behind it."""
    kernel = kernels()[name]
    call = {"kernel": kernel.function, "types": kernel.types, "constexprs": dict(kernel.constexprs)}
    seen: set[str] = set()
    for number, dump in enumerate(dumps(lower_ttir(make_ttir(SOURCE, {name: call})[name]))):
        header, _, body = dump.partition("\n")
        found = _NAME.search(header)
        if found and body not in seen:
            seen.add(body)
            yield f"{name}_{number:03} {found[1]}", body


def both(text: str) -> tuple[str, str] | None:
    """Custom and generic form; None for what the tool itself does not read again."""
    try:
        return print_hivm(text, generic=False), print_hivm(text, generic=True)
    except Rejected:
        return None


def main() -> None:
    texts = {name: text for kernel in KERNELS for name, text in between_passes(kernel)}
    texts |= {f"kernel {name}": gzip.decompress(k.code.read_bytes()).decode() for name, k in kernels().items()}
    printed = {name: forms for name, text in texts.items() if (forms := both(text))}
    (DATA / "printed_both_ways.json.xz").write_bytes(lzma.compress(json.dumps(printed).encode(), preset=9))
    every = print_hivm((DATA / "hivm_ops.mlir").read_text(encoding="utf-8"), generic=True)
    (DATA / "hivm_ops.generic.mlir").write_text(every, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
