"""Guesses a launch from a kernel's signature and use: which parameters are tensors, their sizes, the constants, the grid."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from compiler_core.catalogue import Inspection, KernelEntry, Parameter
from compiler_core.importers.triton.launch import first_configuration, literal_of
from compiler_core.importers.triton.source import Source, dotted, is_constexpr, parameters, parse
from compiler_core.request import Constexpr, Launch, TensorArgument

ELEMENTS = 98_432
"""Size of a vector: not a multiple of usual blocks, so that the mask matters."""
ROWS, COLUMNS = 256, 781
SIDE = 256
"""Sides of the matrices of a product."""

_FLOAT_NAMES = ("eps", "epsilon", "scale", "alpha", "beta", "p", "lr", "momentum", "slope", "temperature", "value", "threshold")


def inspect_source(source: str) -> Inspection:
    """The kernels of a source text and an inferred launch for the first. Raises Refused where the text does not parse."""
    text = parse(source)
    kernels = tuple(_entry(text, node) for node in text.kernels)
    if not kernels:
        return Inspection((), None, ())
    launch = infer_launch(text, text.kernels[0])
    assumed = (*launch.arguments, *(n for n in launch.constexprs if not _has_default(text, text.kernels[0], n)))
    return Inspection(kernels, launch, assumed)


def infer_launch(source: Source, node: ast.FunctionDef) -> Launch:
    """A launch for a kernel whose sizes fit each other. Every value in it is a guess, except defaults and configurations."""
    use = _use(source, node)
    return _Guess(source, node, use).launch()


def _has_default(source: Source, node: ast.FunctionDef, name: str) -> bool:
    if name in first_configuration(source, node):
        return True
    return any(p.arg == name and default is not None for p, default in parameters(node))


def _entry(source: Source, node: ast.FunctionDef) -> KernelEntry:
    pointers = _use(source, node).pointers
    found: list[Parameter] = []
    for parameter, default in parameters(node):
        kind = "constexpr" if is_constexpr(parameter) else "tensor" if parameter.arg in pointers else "scalar"
        annotated = ast.unparse(parameter.annotation) if parameter.annotation is not None else ""
        found.append(Parameter(parameter.arg, kind, literal_of(default), annotated))
    return KernelEntry(node.name, node.lineno, tuple(found))


@dataclass
class _Use:
    """How a kernel uses its parameters."""

    pointers: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Pointer parameter → what its offsets are made of: "program", "range", names of parameters."""
    stored: set[str] = field(default_factory=set[str])
    loaded: set[str] = field(default_factory=set[str])
    dotted: set[str] = field(default_factory=set[str])
    """Pointers whose contents go into tl.dot."""
    dot: bool = False
    axes: int = 1
    loops: bool = False


class _Flow:
    """Follows values through a function's assignments, by name and without regard to order."""

    def __init__(self, source: Source, node: ast.FunctionDef, bound: dict[str, set[str]], use: _Use, depth: int = 0) -> None:
        self.source = source
        self.use = use
        self.depth = depth
        self.bound = bound
        self.assigned: dict[str, list[ast.expr]] = {}
        for statement in ast.walk(node):
            if isinstance(statement, ast.Assign):
                for target in statement.targets:
                    self._assign(target, statement.value)
            elif isinstance(statement, ast.AugAssign | ast.AnnAssign) and statement.value is not None:
                self._assign(statement.target, statement.value)
            elif isinstance(statement, ast.For):
                self._assign(statement.target, statement.iter)
                use.loops = True
        for call in ast.walk(node):
            if isinstance(call, ast.Call):
                self._call(call)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.assigned.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple | ast.List):
            parts = (
                value.elts
                if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts)
                else [value] * len(target.elts)
            )
            for one, part in zip(target.elts, parts, strict=True):
                self._assign(one, part)

    def _call(self, call: ast.Call) -> None:
        name = dotted(call.func).rpartition(".")[2]
        if name in ("load", "store") and call.args:
            base = self.base(call.args[0], set())
            if base is not None:
                self.use.pointers.setdefault(base, set()).update(self.parts(call.args[0], set()) - {base})
                (self.use.loaded if name == "load" else self.use.stored).add(base)
        elif (
            name == "program_id"
            and call.args
            and isinstance(call.args[0], ast.Constant)
            and isinstance(call.args[0].value, int)
        ):
            self.use.axes = max(self.use.axes, min(call.args[0].value, 2) + 1)
        elif name == "program_id" and call.keywords and isinstance(call.keywords[0].value, ast.Constant):
            axis = call.keywords[0].value.value
            self.use.axes = max(self.use.axes, min(axis, 2) + 1 if isinstance(axis, int) else 1)
        elif name == "dot":
            self.use.dot = True
            for operand in call.args[:2]:
                self.use.dotted.update(self.loads_of(operand, set()))
        helper = self.source.functions.get(name)
        if helper is not None and self.depth < 8:
            bound: dict[str, set[str]] = {}
            names = [p.arg for p, _ in parameters(helper)]
            given = [*zip(names, call.args, strict=False), *((k.arg or "", k.value) for k in call.keywords)]
            for parameter, value in given:
                base = self.base(value, set())
                bound[parameter] = {base} if base is not None else self.parts(value, set())
            _Flow(self.source, helper, bound, self.use, self.depth + 1)

    def base(self, node: ast.expr, seen: set[str]) -> str | None:
        """The parameter at the head of a pointer expression: the leftmost name of its sum."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            return self.base(node.left, seen) or self.base(node.right, seen)
        if isinstance(node, ast.Subscript):
            return self.base(node.value, seen)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            inner = dotted(node.func).rpartition(".")[2]
            if inner in ("multiple_of", "max_contiguous", "broadcast_to") and node.args:
                return self.base(node.args[0], seen)
            return self.base(node.func.value, seen) if inner == "to" else None
        if isinstance(node, ast.Name):
            if node.id in self.bound:
                names = self.bound[node.id]
                return next(iter(names)) if len(names) == 1 else None
            if node.id in seen:
                return None
            for value in self.assigned.get(node.id, []):
                found = self.base(value, seen | {node.id})
                if found is not None:
                    return found
        return None

    def parts(self, node: ast.expr, seen: set[str]) -> set[str]:
        """What an expression is made of: parameters, "program", "range"."""
        found: set[str] = set()
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                if inner.id in self.bound:
                    found |= self.bound[inner.id]
                if inner.id not in seen:
                    seen.add(inner.id)
                    for value in self.assigned.get(inner.id, []):
                        found |= self.parts(value, seen)
            elif isinstance(inner, ast.Call):
                name = dotted(inner.func).rpartition(".")[2]
                if name == "program_id":
                    found.add("program")
                elif name == "arange":
                    found.add("range")
        return found

    def loads_of(self, node: ast.expr, seen: set[str]) -> set[str]:
        """The pointers whose loaded contents an expression holds."""
        found: set[str] = set()
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call) and dotted(inner.func).rpartition(".")[2] == "load" and inner.args:
                base = self.base(inner.args[0], set())
                if base is not None:
                    found.add(base)
            elif isinstance(inner, ast.Name) and inner.id not in seen:
                seen.add(inner.id)
                for value in self.assigned.get(inner.id, []):
                    found |= self.loads_of(value, seen)
        return found


def _use(source: Source, node: ast.FunctionDef) -> _Use:
    use = _Use()
    bound = {p.arg: {p.arg} for p, _ in parameters(node)}
    _Flow(source, node, bound, use)
    for parameter, _ in parameters(node):
        name = parameter.arg
        if name.lower().endswith(("_ptr", "_pointer")) and not is_constexpr(parameter):
            use.pointers.setdefault(name, set())
        elif is_constexpr(parameter):
            use.pointers.pop(name, None)
    return use


@dataclass
class _Guess:
    """Chooses consistent values: a product of matrices, rows of a matrix, or a vector."""

    source: Source
    node: ast.FunctionDef
    use: _Use

    def launch(self) -> Launch:
        constexprs = self.constants()
        arguments: dict[str, TensorArgument | bool | int | float] = {}
        for position, (parameter, default) in enumerate(parameters(self.node)):
            name = parameter.arg
            if is_constexpr(parameter):
                continue
            if name in self.use.pointers:
                arguments[name] = self.tensor(name, position)
            elif literal_of(default) is None:
                arguments[name] = self.number(name)
            else:
                value = literal_of(default)
                assert isinstance(value, bool | int | float | str)
                if not isinstance(value, str):
                    arguments[name] = value
        return Launch(self.node.name, self.grid(constexprs), arguments, constexprs)

    @property
    def by_rows(self) -> bool:
        """Programs work on rows: some pointer's offset has a program id times a stride (or size), and a range beside it."""
        names = {n for parts in self.use.pointers.values() for n in parts if {"program", "range"} <= parts}
        return any("stride" in n.lower() or n.lower() in _COLUMN_NAMES for n in names - set(self.constexpr_names()))

    def constexpr_names(self) -> list[str]:
        return [p.arg for p, _ in parameters(self.node) if is_constexpr(p)]

    def constants(self) -> dict[str, Constexpr]:
        configured = first_configuration(self.source, self.node)
        values: dict[str, Constexpr] = {}
        for parameter, default in parameters(self.node):
            name = parameter.arg
            if not is_constexpr(parameter):
                continue
            if name in configured:
                values[name] = configured[name]
            elif default is not None:
                values[name] = literal_of(default)
            else:
                values[name] = self.constant(name)
        return values

    def constant(self, name: str) -> Constexpr:
        upper = name.upper()
        if upper.startswith("GROUP"):
            return 8
        if "STAGE" in upper:
            return 2
        if "WARPS" in upper:
            return 4
        if upper in ("ACTIVATION", "ACT"):
            return ""
        if upper.startswith(("IS_", "HAS_", "USE_", "EVEN", "WITH_", "RETURN")):
            return False
        if self.use.dot:
            return 64 if upper.endswith(("K", "M")) else 128 if upper.endswith("N") else 64
        return 1024

    def number(self, name: str) -> int | float:
        lower = name.lower()
        if lower in _FLOAT_NAMES or lower.endswith(("_scale", "_eps")):
            return 1e-5 if "eps" in lower else 0.5
        if self.use.dot:
            return self.matrix_number(lower)
        if self.by_rows:
            if lower in ("m", "n_rows", "rows", "num_rows", "batch", "nrows"):
                return ROWS
            return COLUMNS if "stride" not in lower or not lower.endswith(("col", "_n", "cols")) else 1
        return (
            1
            if "stride" in lower
            else ELEMENTS
            if lower in _SIZE_NAMES or lower.startswith(("n", "size", "len", "total"))
            else 1
        )

    def matrix_number(self, lower: str) -> int:
        """Sizes are SIDE; of the two strides of a matrix the second is 1."""
        if "stride" not in lower and not lower.startswith("s_"):
            return SIDE
        strides = [p.arg.lower() for p, _ in parameters(self.node) if "stride" in p.arg.lower()]
        family = lower.rstrip("0123456789")[:-1] if len(lower) > 1 else lower
        same = [s for s in strides if s.startswith(family)]
        return 1 if len(same) > 1 and same.index(lower) == len(same) - 1 else SIDE

    def tensor(self, name: str, position: int) -> TensorArgument:
        parts = self.use.pointers[name]
        written = name in self.use.stored
        fill = "zeros" if written and name not in self.use.loaded else "normal"
        seed = 0 if fill == "zeros" else position + 1
        if self.use.dot:
            half = name in self.use.dotted or (written and not name.lower().startswith(("acc", "bias")))
            return TensorArgument("float16" if half else "float32", (SIDE, SIDE), fill, seed)
        if self.by_rows:
            shape = (
                (ROWS, COLUMNS) if {"program", "range"} <= parts or not parts else (COLUMNS,) if "range" in parts else (ROWS,)
            )
            return TensorArgument("float32", shape, fill, seed)
        return TensorArgument("float32", (ELEMENTS,), fill, seed)

    def grid(self, constexprs: dict[str, Constexpr]) -> tuple[int | str, ...]:
        names = [p.arg for p, _ in parameters(self.node)]
        if self.use.dot:
            sizes = {n.upper(): n for n in names if n.upper() in ("M", "N")}
            numbers = [n for n, v in constexprs.items() if isinstance(v, int) and v > 1 and "GROUP" not in n.upper()]
            blocks = {letter: n for n in numbers for letter in "MN" if n.upper().endswith(letter)}
            tiles = [f"cdiv({sizes.get(s, SIDE)}, {blocks[s]})" if s in blocks else "1" for s in "MN"]
            return (tiles[0], tiles[1]) if self.use.axes > 1 else (f"{tiles[0]} * {tiles[1]}",)
        if self.by_rows:
            return (ROWS, *(1,) * (self.use.axes - 1))
        block = next((n for n, v in constexprs.items() if isinstance(v, int) and not isinstance(v, bool) and v > 1), None)
        size = next((n for n in names if n.lower() in _SIZE_NAMES), None)
        first = f"cdiv({size or ELEMENTS}, {block})" if block else str(1)
        return (first, *(1,) * (self.use.axes - 1))


_SIZE_NAMES = ("n", "n_elements", "numel", "size", "num_elements", "n_element", "length", "xnumel", "total", "n_elem", "count")
_COLUMN_NAMES = ("n_cols", "cols", "ncols", "num_cols", "n_columns", "hidden_size", "hidden", "dim")
