"""Records what the judges said of every example, for tests that run without them: `make fixtures`.

NAME.ttir            the importer's text, which the vendor's adapter lowered
NAME-small.npz       every tensor before and after a small launch, as Triton's interpreter left it
"""

import sys

import numpy as np

from tests.cases import FIXTURES, gallery, small
from tests.oracles.judges import lower_ttir
from tests.oracles.ours import arguments, interpreted, ttir


def main() -> None:
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for case in gallery():
        text = ttir(case)
        lower_ttir(text)
        (FIXTURES / f"{case.name}.ttir").write_text(text)
    for case in small():
        before = {f"before/{name}": value for name, value in arguments(case).items() if isinstance(value, np.ndarray)}
        after = {f"after/{name}": value for name, value in interpreted(case).items()}
        np.savez_compressed(FIXTURES / f"{case.name}.npz", allow_pickle=False, **before, **after)


if __name__ == "__main__":
    sys.exit(main())
