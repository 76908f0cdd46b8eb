"""Which passes, in which order, for which front door; and what a request's switches make of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from compiler_core.diagnostics import Refused, error
from compiler_core.events import Stage
from compiler_core.ir import Op
from compiler_core.passes.accumulate_products import AccumulateProducts
from compiler_core.passes.assign_units import AssignUnits
from compiler_core.passes.base import Pass, PassContext
from compiler_core.passes.bufferize import Bufferize
from compiler_core.passes.canonicalize import Canonicalize
from compiler_core.passes.convert_precision import ConvertPrecision
from compiler_core.passes.cse import Cse
from compiler_core.passes.dce import Dce
from compiler_core.passes.double_buffer import DoubleBuffer
from compiler_core.passes.eliminate_identities import EliminateIdentities
from compiler_core.passes.expand_graph import ExpandGraph
from compiler_core.passes.fold_batch_norm import FoldBatchNorm
from compiler_core.passes.fold_constants import FoldConstants
from compiler_core.passes.fuse_activation import FuseActivation
from compiler_core.passes.fuse_bias import FuseBias
from compiler_core.passes.inline import Inline
from compiler_core.passes.insert_flags import InsertFlags
from compiler_core.passes.keep_in_vector import KeepInVector
from compiler_core.passes.layout_nhwc import LayoutNHWC
from compiler_core.passes.licm import Licm
from compiler_core.passes.lower_graph import LowerGraph
from compiler_core.passes.persistent_blocks import PersistentBlocks
from compiler_core.passes.plan_memory import PlanMemory
from compiler_core.passes.reuse_buffers import ReuseBuffers
from compiler_core.passes.structure_access import StructureAccess
from compiler_core.passes.tile import Tile

STAGES: tuple[Stage, ...] = ("graph", "tt", "tensor", "tile", "machine")


@dataclass(frozen=True)
class Step:
    """A pass at its place in a pipeline; clean-ups stand at several stages."""

    run: Pass
    stage_in: Stage
    stage_out: Stage

    @property
    def name(self) -> str:
        return self.run.name

    @property
    def mandatory(self) -> bool:
        return self.run.mandatory

    def apply(self, module: Op, context: PassContext) -> None:
        self.run.apply(module, context)


def own(*passes: Pass) -> tuple[Step, ...]:
    """Passes at the stages they declare."""
    return tuple(Step(p, p.stage_in, p.stage_out) for p in passes)


def at(stage: Stage, *passes: Pass) -> tuple[Step, ...]:
    """Clean-ups at a stage of the caller's choice."""
    return tuple(Step(p, stage, stage) for p in passes)


GRAPH: tuple[Step, ...] = own(
    EliminateIdentities(),
    FoldConstants(),
    FoldBatchNorm(),
    FuseBias(),
    FuseActivation(),
    LayoutNHWC(),
    ConvertPrecision(),
    ExpandGraph(),
    LowerGraph(),
)
TT: tuple[Step, ...] = (*own(Inline()), *at("tt", Canonicalize(), Cse(), Licm(), Dce()), *own(StructureAccess()))
BELOW: tuple[Step, ...] = (
    *at("tensor", Canonicalize(), Cse(), Licm()),
    *own(AccumulateProducts(), Tile(), AssignUnits(), PersistentBlocks()),
    *at("tile", Canonicalize(), Cse(), Licm()),
    *own(Bufferize(), KeepInVector(), ReuseBuffers(), DoubleBuffer(), PlanMemory()),
    *at("machine", Canonicalize(), Cse(), Licm()),
    *own(InsertFlags()),
)
"""From the tensor stage down: shared by both doors."""


def pipeline(stage: Stage) -> tuple[Step, ...]:
    """The passes from a stage down to the machine. A machine-stage text is run as it is."""
    if stage == "machine":
        return ()
    if stage in ("graph", "tt"):
        return (GRAPH if stage == "graph" else TT) + BELOW
    return tuple(s for s in BELOW if STAGES.index(s.stage_in) >= STAGES.index(stage))


def all_passes() -> tuple[Step, ...]:
    """Every pass once, where it stands first, in the order of the stages."""
    first: dict[str, Step] = {}
    for step in (*GRAPH, *TT, *BELOW):
        first.setdefault(step.name, step)
    return tuple(first.values())


def switched(steps: Sequence[Step], switches: Sequence[str], stop_after: str | None = None) -> tuple[int, ...]:
    """The positions of the steps that a request's switches leave on.

    Raises Refused for a name there is none of, and for a lowering that is switched off.
    """
    known = {p.name: p for p in all_passes()}
    off: set[str] = set()
    for switch in switches:
        name = switch.removeprefix("-").removeprefix("+")
        if name not in known:
            raise Refused(
                error("unknown-pass", name=name, known=", ".join(sorted(n for n, p in known.items() if not p.mandatory)))
            )
        if switch.startswith("-"):
            if known[name].mandatory:
                raise Refused(error("mandatory-pass", name=name))
            off.add(name)
        else:
            off.discard(name)
    left = tuple(i for i, step in enumerate(steps) if step.name not in off)
    if stop_after is None:
        return left
    stops = [i for i in left if steps[i].name == stop_after]
    if not stops:
        names = dict.fromkeys(steps[i].name for i in left)
        raise Refused(error("unknown-pass", name=stop_after, known=", ".join(names)))
    return tuple(i for i in left if i <= stops[-1])
