"""What a compilation is asked to do: source, launch, chip, engine, options; canonical JSON and its key."""

import hashlib
from typing import Annotated, Literal, cast

import msgspec

Scalar = bool | int | float
Constexpr = bool | int | float | str | None

MAX_SOURCE_CHARACTERS = 1_000_000
"""Longest accepted kernel or MLIR text. A bound on what the importer parses, far above any real kernel file."""


class TensorArgument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A tensor argument of a launch.

    `dtype` is a numpy name or "bfloat16"; `shape` is in elements; `strides` in elements, contiguous when absent;
    `fill` is one of zeros, ones, normal, uniform, arange, full:V, randint:LO:HI.
    """

    dtype: str
    shape: tuple[Annotated[int, msgspec.Meta(ge=0, le=2**40)], ...]
    fill: str = "normal"
    seed: int = 0
    strides: tuple[int, ...] | None = None


class Launch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """LAUNCH.json. `grid` entries are ints or expressions over the arguments and constexprs, such as "cdiv(n, BLOCK)"."""

    kernel: str | None = None
    grid: tuple[int | str, ...] = ()
    arguments: dict[str, TensorArgument | bool | int | float] = {}
    constexprs: dict[str, Constexpr] = {}


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How to compile. `passes` holds switches such as "-double-buffer" (off) and "+fuse" (on)."""

    passes: tuple[str, ...] = ()
    stop_after: str | None = None
    cycles: Literal["final", "every-pass", "none"] = "every-pass"
    precision: Literal["fp32", "fp16", "bf16", "mixed"] = "fp16"
    trace: bool = False


class CompileRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One compilation. Text sources travel in `source`; a model's bytes travel beside it, named by `model_sha256`."""

    kind: Literal["triton", "onnx", "mlir"]
    source: Annotated[str, msgspec.Meta(max_length=MAX_SOURCE_CHARACTERS)] = ""
    model_sha256: str | None = None
    launch: Launch | None = None
    chip: str = "Ascend910B3"
    engine: Literal["builtin", "bisheng"] = "builtin"
    options: Options = Options()

    def canonical_json(self) -> bytes:
        """The same request always gives the same bytes: fields as declared, defaults left out, written out or not.

        Arguments keep their order, since MLIR functions take them by position.
        """
        return msgspec.json.encode(_without_defaults(self))

    def key(self, engine_version: str) -> str:
        """The compilation's content hash: sha256 of the canonical request and the engine's version, in hex."""
        return hashlib.sha256(self.canonical_json() + b"\0" + engine_version.encode()).hexdigest()


def _without_defaults(value: object) -> object:
    """Plain data without the fields that equal their default; `omit_defaults` leaves out only what is identical to it."""
    if isinstance(value, msgspec.Struct):
        default = {field.name: _default(field) for field in msgspec.structs.fields(value)}
        kept = {name: getattr(value, name) for name in value.__struct_fields__}
        return {name: _without_defaults(field) for name, field in kept.items() if field != default[name]}
    if isinstance(value, dict):
        return {name: _without_defaults(entry) for name, entry in cast(dict[str, object], value).items()}
    return value


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default_factory() if callable(field.default_factory) else field.default
