"""Translation: a function's ops become lines of a program, each by the rule of its name.

Rules live with what they are about: `scalars`, `views`, `control`, `transfer` and the instructions. Launch arguments count as
constants, so that most of what an op computes is known before anything runs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from compiler_core.dialects.hivm import pipe_of, short
from compiler_core.emulator.execution import lanes as la
from compiler_core.emulator.execution.issue import Bind, Declared, Field, Issuer, Number, Operand, Weight
from compiler_core.emulator.execution.machine import MALFORMED, Machine, Site, refuse
from compiler_core.emulator.translation.roles import belongs
from compiler_core.emulator.translation.terms import CONSTANT, NOTHING, UNKNOWN, VARYING, Term, number
from compiler_core.emulator.translation.viewterms import ViewTerm
from compiler_core.emulator.translation.writer import Writer, is_unknown, is_varying
from compiler_core.ir import Block, Op, Value

Known: TypeAlias = Term | ViewTerm
Translate = Callable[["Translator", Op], None]
TRANSLATORS: dict[str, Translate] = {}
"""By op name."""

TERMINATORS = ("scf.yield", "scf.condition", "func.return")


def translates(*names: str) -> Callable[[Translate], Translate]:
    def register(function: Translate) -> Translate:
        for name in names:
            TRANSLATORS[name] = function
        return function

    return register


@dataclass(slots=True)
class Translator:
    """One function being translated for one launch."""

    machine: Machine
    writer: Writer
    kinds: dict[Value, int]
    """What loops and branches carry, as `uniformity` found it."""
    values: dict[Value, Known] = field(default_factory=dict[Value, Known])
    sites: list[Site] = field(default_factory=list[Site])
    issuers: list[Issuer] = field(default_factory=list[Issuer])
    names: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the program's text refers to: functions, issuers, constants."""
    scalars: int = 0
    """Scalar ops since the last instruction."""
    active: str = "None"
    """The name that holds the lanes which execute what is being translated; None for all."""
    loops: int = 0
    shared: bool = False
    """Whether cores of another kind run the same function: then only what belongs to this kind is translated."""

    def define(self, value: Value, known: Known) -> None:
        self.values[value] = known

    def term(self, value: Value) -> Term:
        found = self.values[value]
        assert isinstance(found, Term)
        return found

    def view(self, value: Value) -> ViewTerm:
        found = self.values[value]
        assert isinstance(found, ViewTerm)
        return found

    def constant(self, value: Any) -> str:
        """A name for an object that the program's text needs."""
        name = f"K{len(self.names)}"
        self.names[name] = value
        return name

    def literal(self, value: Any) -> Term:
        """A constant: an integer, or a numpy number, which the text names."""
        if isinstance(value, int):
            return number(int(value))
        return Term(self.constant(value), CONSTANT, 0, value)

    def need(self, op: Op, *terms: Term) -> bool:
        """Whether all terms are known; where one is not, the program refuses to go on here."""
        if not is_unknown(*terms):
            return True
        self.writer.do(f"{self.constant(lambda: refuse(op, 'emulator-needs-data', op=op.name))}()")
        return False

    # Blocks

    def block(self, block: Block) -> None:
        """Translates a block's ops, without its terminator, and issues the scalar ops that are left."""
        for op in block.ops:
            if op.name in TERMINATORS:
                continue
            if self.shared and not belongs(op, self.machine.kind):
                self.values.update((result, NOTHING) for result in op.results)
                continue
            translate = TRANSLATORS.get(op.name)
            if translate is None:
                refuse(op, "emulator-unknown-op", op=op.name)
            if op.regions:
                self.flush(op)
            self.writer.op = op
            try:
                translate(self, op)
            except MALFORMED as problem:
                refuse(op, "emulator-malformed-op", op=op.name, what=f"{type(problem).__name__}: {problem}")
        if block.ops:
            self.flush(block.ops[-1])

    def flush(self, op: Op) -> None:
        """Issues the scalar ops translated since the last instruction, if there are any."""
        if self.scalars:
            self.writer.op = op
            self.issue(self.site(op, "scalar", "PIPE_S"), [], [], Declared((), 0, None, None))

    # Instructions

    def site(self, op: Op, name: str = "", pipe: str = "") -> Site:
        found = (pipe or pipe_of(op) or "PIPE_S").removeprefix("PIPE_")
        site = Site(len(self.sites), op, name or short(op), found, self.scalars)
        self.scalars = 0
        self.sites.append(site)
        return site

    def instruction(
        self,
        op: Op,
        inputs: Sequence[Value],
        outputs: Sequence[Value],
        bind: Bind | None,
        scratch: Sequence[Value] = (),
        extras: Sequence[Value | Term] = (),
        weight: Weight | None = None,
        *,
        name: str = "",
        pipe: str = "",
    ) -> None:
        """An instruction that reads some operands and writes others; numbers among the inputs go to what `bind` makes."""
        site = self.site(op, name, pipe)
        known = [self.values[v] for v in inputs]
        shaped = tuple([isinstance(k, ViewTerm) for k in known])
        views = [k for k in known if isinstance(k, ViewTerm)]
        numbers = [k for k in known if isinstance(k, Term)]
        written = [self.view(v) for v in (*outputs, *scratch)]
        more = [x if isinstance(x, Term) else self.term(x) for x in extras]
        declared = Declared(shaped, len(outputs), bind, weight)
        operands = [(v, False) for v in views] + [(v, True) for v in written]
        self.issue(site, operands, more, declared, numbers)

    def issue(
        self,
        site: Site,
        views: Sequence[tuple[ViewTerm, bool]],
        extras: Sequence[Term],
        declared: Declared,
        scalars: Sequence[Term] = (),
        result: str = "",
    ) -> None:
        """Writes the lines that issue an instruction: views with whether they are written.

        `result` names what the run gives, for instructions on the chip that all lanes issue alike.
        """
        fields: list[Term] = []
        places: dict[str, Field] = {}

        def known(term: Term) -> Number:
            if term.kind == CONSTANT:
                return int(term.value)
            place = places.get(term.code)
            if place is None:
                place = places[term.code] = Field(len(fields))
                fields.append(term)
            return place

        operands: list[Operand] = []
        outside: list[Term] = []
        codes: list[str] = []
        for view, write in views:
            start: Number = 0
            if view.memory.local:
                start = known(view.address(self.writer))
            else:
                codes += [view.varying.code if view.varying else "None", view.offset.code]
                outside += [view.offset, *([view.varying] if view.varying else [])]
            sizes, strides = tuple([known(x) for x in view.sizes]), tuple([known(x) for x in view.strides])
            operands.append(Operand(view.memory, view.dtype, view.packed, start, sizes, strides, write))
        numbers = [known(x) for x in extras if x.kind != UNKNOWN]
        if not self.need(site.op, *fields, *outside, *extras):
            return
        issuer = Issuer(self.machine, site, operands, numbers, declared)
        self._emit(issuer, fields, outside, codes, [] if not issuer.computes else list(scalars), result)

    def _emit(
        self, issuer: Issuer, fields: list[Term], outside: list[Term], codes: list[str], scalars: list[Term], result: str
    ) -> None:
        w, name = self.writer, self.constant(issuer)
        self.issuers.append(issuer)
        key, starts, plain = _tuple([f.code for f in fields]), _tuple(codes), _tuple([s.code for s in scalars])
        uses = (*fields, *outside, *scalars)
        if self.active != "None" or is_varying(*fields):
            w.do(f"{name}.spread({self.active}, {key}, {starts}, {plain})", *uses)
        elif outside:
            w.do(f"{name}[{key}]({starts}, {plain})" if scalars else f"{name}[{key}]({starts})", *uses)
        elif not self.machine.functional:
            w.do(f"log({name}[{key}])", *uses)
        elif not issuer.computes:
            w.do(f"log({name}[{key}][1])", *uses)
        else:
            shaped = [self.column(s, issuer.rank) for s in scalars]
            run = f"r({', '.join([s.code for s in shaped])})"
            w.do(f"r, c = {name}[{key}]; log(c); {f'{result} = {run}' if result else run}", *fields, *shaped)

    def column(self, scalar: Term, rank: int) -> Term:
        """A number for each lane, shaped to broadcast against tiles of `rank` dimensions."""
        if scalar.kind != VARYING:
            return scalar
        return self.writer.let(f"column({scalar.code}, {rank})", scalar)


def _tuple(codes: list[str]) -> str:
    return f"({', '.join(codes)}, )" if codes else "()"


def column(value: Any, rank: int) -> Any:
    return value.reshape(-1, *(1,) * rank) if la.is_vector(value) else value


def unknown_result(t: Translator, op: Op) -> bool:
    """Defines an op's result as unknown where an operand is."""
    for value in op.operands:
        if t.term(value).kind == UNKNOWN:
            t.define(op.result, NOTHING)
            return True
    return False
