"""One node of a model as an operator reads it: attributes with their types and defaults, and what was not read."""

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, NodeProto

from compiler_core.diagnostics import Diagnostic, Refused, message
from compiler_core.importers.onnx.proto import array_of

T = TypeVar("T")


@dataclass
class Node:
    """`name` is the node's own, or made from its operator and position where it has none."""

    proto: NodeProto
    name: str
    opset: int
    read: set[str] = field(default_factory=set[str])

    @property
    def kind(self) -> str:
        return self.proto.op_type

    def _attribute(self, name: str, type: int) -> AttributeProto | None:
        self.read.add(name)
        for attribute in self.proto.attribute:
            if attribute.name == name:
                if attribute.type != type:
                    raise self.refused("onnx-attribute-type", attribute=name)
                return attribute
        return None

    def _default(self, name: str, default: T | None) -> T:
        if default is None:
            raise self.refused("onnx-attribute-missing", attribute=name)
        return default

    def integer(self, name: str, default: int | None = None) -> int:
        """Raises Refused where it is missing and has no default; so do the others."""
        found = self._attribute(name, AttributeProto.INT)
        return found.i if found is not None else self._default(name, default)

    def integers(self, name: str, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        found = self._attribute(name, AttributeProto.INTS)
        return tuple(found.ints) if found is not None else self._default(name, default)

    def number(self, name: str, default: float | None = None) -> float:
        found = self._attribute(name, AttributeProto.FLOAT)
        return found.f if found is not None else self._default(name, default)

    def text(self, name: str, default: str | None = None) -> str:
        found = self._attribute(name, AttributeProto.STRING)
        return found.s.decode("utf-8", "replace") if found is not None else self._default(name, default)

    def tensor(self, name: str) -> NDArray[np.generic] | None:
        found = self._attribute(name, AttributeProto.TENSOR)
        return array_of(found.t, self.name) if found is not None else None

    def has(self, name: str) -> bool:
        return any(a.name == name for a in self.proto.attribute)

    def ignore(self, *names: str) -> None:
        """Attributes that change nothing at inference."""
        self.read.update(names)

    def unread(self) -> list[str]:
        return [a.name for a in self.proto.attribute if a.name not in self.read]

    def refused(self, code: str, **arguments: str | int | float) -> Refused:
        """The refusal of this node, to be raised; `op` and `node` are among the template's arguments."""
        return Refused(Diagnostic("error", message(code, op=self.kind, name=self.name, **arguments), node=self.name))
