"""Which ops of a mixed function a cube core runs, and which a vector core: by the memories and pipes they use."""

from compiler_core.dialects.hivm import enum
from compiler_core.ir import Op
from compiler_core.ir.types import MemRefType

SPACES = {"ub": "AIV", "cbuf": "AIC", "ca": "AIC", "cb": "AIC", "cc": "AIC"}
PIPES = {"PIPE_V": "AIV", "PIPE_MTE3": "AIV", "PIPE_M": "AIC", "PIPE_MTE1": "AIC", "PIPE_FIX": "AIC"}
CORES = {"CUBE": "AIC", "VECTOR": "AIV"}
INSTRUCTIONS = ("memref.load", "memref.store")


def belongs(op: Op, kind: str) -> bool:
    """Whether a core of a kind (AIC or AIV) runs the op. Scalar ops and views belong to both."""
    if op.regions or not (op.name in INSTRUCTIONS or op.name.startswith("hivm.hir.")) or op.name == "hivm.hir.pointer_cast":
        return True
    named = CORES.get(enum(op.attributes.get("tcore_type")))
    if named is not None:
        return named == kind
    spaces = {SPACES[v.type.space] for v in op.operands if isinstance(v.type, MemRefType) and v.type.space in SPACES}
    pipes = {PIPES[p] for key in ("set_pipe", "wait_pipe", "pipe") if (p := enum(op.attributes.get(key))) in PIPES}
    found = spaces or pipes
    if op.name == "memref.store" and not found:
        return kind == "AIV"
    return not found or kind in found
