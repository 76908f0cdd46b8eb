"""Records what the judges said of every example, for tests that run without them: `make fixtures`.

NAME.ttir            the importer's text, which the vendor's adapter verified, and lowered once it was inlined
NAME-small.npz       every tensor before and after a small launch, as Triton's interpreter left it
"""

import sys

import numpy as np

from compiler_core.ir import to_text
from tests.cases import FIXTURES, gallery, small
from tests.oracles.judges import lower_ttir, verify_ttir
from tests.oracles.ours import arguments, imported, inlined, interpreted


def main() -> None:
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for case in gallery():
        lower_ttir(to_text(inlined(case), generic=True))
        text = to_text(imported(case), generic=True)
        verify_ttir(text)
        (FIXTURES / f"{case.name}.ttir").write_text(text)
    for case in small():
        before = {f"before/{name}": value for name, value in arguments(case).items() if isinstance(value, np.ndarray)}
        after = {f"after/{name}": value for name, value in interpreted(case).items()}
        np.savez_compressed(FIXTURES / f"{case.name}.npz", allow_pickle=False, **before, **after)


if __name__ == "__main__":
    sys.exit(main())
