"""Records the names of hivm's ops as the vendor's tool knows them, for `tests/compiler_core/dialects/test_hivm_table.py`.

The names are among the tool's own strings; the ones that its verifier does not call unregistered are ops.

    python -m tests.oracles.record_hivm_ops
"""

import re
from pathlib import Path

from tests.oracles.judges import Rejected, bishengir_opt, verify_hivm

RECORDED = Path(__file__).parents[1] / "compiler_core" / "dialects" / "data" / "hivm_ops.txt"
HEADER = "# The ops of hivm that AscendNPU-IR 1.2.0's bishengir-opt has registered.\n"


def registered(name: str) -> bool:
    try:
        verify_hivm(f'"{name}"() : () -> ()\n')
    except Rejected as problem:
        return "unregistered" not in str(problem)
    return True


def main() -> None:
    strings = set(re.findall(rb"(?<=\x00)hivm\.hir\.\w+(?=\x00)", Path(bishengir_opt()).read_bytes()))
    found = sorted(name.decode() for name in strings if registered(name.decode()))
    RECORDED.write_text(HEADER + "\n".join(found) + "\n", encoding="utf-8")
    print(f"{len(found)} ops")


if __name__ == "__main__":
    main()
