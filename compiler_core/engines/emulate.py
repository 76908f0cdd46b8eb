"""Machine-stage text straight onto the emulated chip, ours or the vendor's: no pass runs; what was written is what is run."""

import time
from collections.abc import Iterator, Mapping

import numpy as np

import compiler_core.dialects  # noqa: F401  # pyright: ignore[reportUnusedImport] - declares the ops
from compiler_core import __version__, emulator
from compiler_core.blobs import BlobSink
from compiler_core.chips import chips
from compiler_core.diagnostics import Refused, error
from compiler_core.dialects.builtin import entry, symbol
from compiler_core.engines.builtin import bound_memory, grid_of, output, results, view_like, with_given
from compiler_core.engines.measure import cycles_of
from compiler_core.events import AnyEvent, DiagnosticEvent, Done, Outputs, Started
from compiler_core.importers.mlir import bind, guess, import_machine
from compiler_core.importers.triton import with_grid
from compiler_core.inputs import flat, make_inputs
from compiler_core.request import Launch


def emulate(
    text: str,
    launch: Launch | None,
    chip_name: str,
    blobs: BlobSink,
    given: Mapping[str, np.ndarray],
    *,
    time_only: bool = False,
) -> Iterator[AnyEvent]:
    """Runs the text's kernel under a launch, whose arguments are those after the vendor's hidden ones, in order; without a
    launch under one guessed from their types.

    With `time_only` nothing is computed. Raises Refused and LimitHit.
    """
    began = time.perf_counter()
    if chip_name not in chips():
        raise Refused(error("unknown-chip", name=chip_name, known=", ".join(chips())))
    chip = chips()[chip_name]
    module = import_machine(text)
    asked = with_grid(launch) if launch else guess(module, "machine").launch
    assert asked is not None
    bound_memory(asked)
    bind(module, "machine", asked)
    yield Started(engine="emulator", version=__version__, chip=chip.name, clock_mhz=chip.clock_mhz, launch=asked)
    inputs = with_given(make_inputs(asked), given)
    arguments = [flat(value) if isinstance(value, np.ndarray) else value for value in inputs.values()]
    name = launch.kernel if launch else None
    result = emulator.run(module, name, arguments, grid_of(asked), chip, functional=not time_only)
    for diagnostic in result.diagnostics:
        yield DiagnosticEvent(diagnostic=diagnostic)
    yield from results(chip, blobs, name or symbol(entry(module)), result)
    if not time_only:
        yield _outputs(asked, dict(zip(inputs, arguments, strict=True)), blobs)
    ms = (time.perf_counter() - began) * 1000
    yield Done(cycles=cycles_of(result, chip), verification=None, ms=round(ms, 3), passes=0)


def _outputs(launch: Launch, after: Mapping[str, np.ndarray | int | float], blobs: BlobSink) -> Outputs:
    tensors = {name: value for name, value in after.items() if isinstance(value, np.ndarray)}
    return Outputs(outputs=tuple(output(blobs, name, view_like(array, launch, name), None) for name, array in tensors.items()))
