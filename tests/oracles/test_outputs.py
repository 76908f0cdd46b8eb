"""`tilescope compile --outputs` on both chips against Triton's interpreter, tensor by tensor, on the same inputs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cases import TOLERANCES, Case, gallery, small
from tests.oracles.ours import arguments, interpreted
from tests.representative import CHIPS


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("case", (*gallery(), *small()), ids=lambda c: c.name)
def test_equal_to_the_interpreter(case: Case, chip: str, tmp_path: Path) -> None:
    given, told = tmp_path / "in.npz", tmp_path / "out.npz"
    tensors = {name: value for name, value in arguments(case).items() if isinstance(value, np.ndarray)}
    np.savez(given, allow_pickle=False, **tensors)
    command = [Path(sys.executable).with_name("tilescope"), "compile", case.source, "--launch", case.launch_file, "--json"]
    options = ["--chip", chip, "--cycles", "final", "--inputs", given, "--outputs", told]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["type"] == "done"
    theirs = interpreted(case)
    with np.load(told) as ours:
        assert set(ours.files) == set(theirs)
        worst = {name: TOLERANCES[ours[name].dtype.name].worst(ours[name], theirs[name]) for name in ours.files}
    assert max(worst.values()) <= 1, worst
    changed = [name for name, before in tensors.items() if not np.array_equal(before, theirs[name])]
    assert changed, "the kernel wrote nothing"
