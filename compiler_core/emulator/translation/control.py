"""Control flow: loops and branches that all lanes take alike become Python's; where lanes differ, each side runs for its lanes
and the results merge.
"""

from collections.abc import Callable, Sequence

from compiler_core.emulator.execution.machine import refuse
from compiler_core.emulator.translation import arithmetic as ar
from compiler_core.emulator.translation.carried import check_alike, flatten, moved_by, rebuild, same_address, slot
from compiler_core.emulator.translation.terms import CONSTANT, NOTHING, UNIFORM, UNKNOWN, VARYING, Term, number
from compiler_core.emulator.translation.translator import Known, Translator, translates
from compiler_core.emulator.translation.writer import Line, is_varying
from compiler_core.ir import Block, Op, Value
from compiler_core.ir.types import IntegerType

MOST_LOOPS, MOST_BLOCKS = 16, 80
"""How deep control flow may be nested: Python's own limits are 20 loops and 100 blocks."""


def _check_depth(t: Translator, op: Op) -> None:
    around = [a for a in op.ancestors() if a.name in ("scf.for", "scf.while")]
    if t.writer.depth > MOST_BLOCKS or len(around) > MOST_LOOPS:
        refuse(op, "emulator-unsupported", op=op.name, what=f"control flow nested more than {MOST_LOOPS} deep")


# Branches


@translates("scf.if")
def _if(t: Translator, op: Op) -> None:
    t.scalars += 1
    _check_depth(t, op)
    condition = t.term(op.operands[0])
    sides = [region.blocks[0] if region.blocks else None for region in op.regions]
    then, other = (*sides, None)[:2]
    if condition.kind == CONSTANT:
        taken = then if condition.value else other
        if taken is not None:
            t.block(taken)
            for result, value in zip(op.results, taken.terminator.operands, strict=True):
                t.define(result, t.values[value])
        return
    known = t.need(op, condition)
    if condition.kind == VARYING:
        _divided(t, op, condition, then, other)
        return
    then_lines, then_values = _side(t, then, t.active)
    else_lines, else_values = _side(t, other, t.active)
    names = _assign_sides(t, op, then_lines, then_values, else_lines, else_values, condition.kind)
    w = t.writer
    w.append([_header(t, f"if {condition.code if known else 'True'}:", condition), *(then_lines or [_pass(t)])])
    if else_lines:
        w.append([_header(t, "else:"), *else_lines])
    _define_results(t, op, then_values, else_values, names)


def _header(t: Translator, text: str, *uses: Term) -> Line:
    return Line(0, text, "", uses, t.writer.op)


def _pass(t: Translator) -> Line:
    return Line(1, "pass", "", (), t.writer.op)


Values = list[tuple[Value, Known, list[Term]]]
"""What a side yields: values, what is known of them, and the terms they consist of."""


def _side(t: Translator, block: Block | None, active: str) -> tuple[list[Line], Values]:
    """The lines of a side, one deeper, and what it yields."""
    if block is None:
        return [], []
    before, scalars = t.active, t.scalars
    t.active, t.scalars = active, 0
    t.writer.open()
    t.block(block)
    yielded = block.terminator.operands if block.ops else ()
    values = [(v, t.values[v], flatten(t, t.values[v], v)) for v in yielded]
    lines = t.writer.close("", ())[1:]
    t.active, t.scalars = before, scalars
    return lines, values


def _assign_sides(
    t: Translator, op: Op, then_lines: list[Line], then: Values, else_lines: list[Line], other: Values, kind: int
) -> list[list[Term]]:
    """Ends each side by assigning what it yields; gives the names for each result."""
    depth = t.writer.depth
    names: list[list[Term]] = []
    for (value, a, of_a), (_, b, of_b) in zip(then, other, strict=True):
        check_alike(op, a, b)
        mine: list[Term] = []
        for x, y in zip(of_a, of_b, strict=True):
            if x.code == y.code and x.depth <= depth:
                mine.append(x)
                continue
            name = slot(t, value, max(x.kind, y.kind, kind))
            mine.append(name)
            if name is not NOTHING:
                then_lines.append(Line(1, f"{name.code} = {x.code}", "", (x,), op))
                else_lines.append(Line(1, f"{name.code} = {y.code}", "", (y,), op))
        names.append(mine)
    return names


def _define_results(t: Translator, op: Op, then: Values, other: Values, names: list[list[Term]]) -> None:
    for result, (value, known, _), terms in zip(op.results, then, names, strict=True):
        t.define(result, rebuild(known, value, iter(terms)))


def _divided(t: Translator, op: Op, condition: Term, then: Block | None, other: Block | None) -> None:
    """A branch on what differs between lanes."""
    w = t.writer
    yes, no, mask = w.name("a"), w.name("a"), w.name("m")
    w.do(f"{yes}, {no}, {mask} = machine.divide({condition.code}, {t.active})", condition)
    then_lines, then_values = _side(t, then, yes)
    else_lines, else_values = _side(t, other, no)
    w.op = op
    names: list[list[Term]] = []
    for (value, a, of_a), (_, b, of_b) in zip(then_values, else_values, strict=True):
        check_alike(op, a, b)
        mine: list[Term] = []
        for x, y in zip(of_a, of_b, strict=True):
            name = slot(t, value, UNKNOWN if UNKNOWN in (x.kind, y.kind) else VARYING)
            mine.append(name)
            if name is not NOTHING:
                merged = f"{y.code} if {yes} is False else merge({mask}, {name.code}, {y.code})"
                then_lines.append(Line(1, f"{name.code} = {x.code}", "", (x,), op))
                else_lines.append(Line(1, f"{name.code} = {merged}", "", (y,), op))
        names.append(mine)
    if then_lines:
        w.append([_header(t, f"if {yes} is not False:"), *then_lines])
    if else_lines:
        w.append([_header(t, f"if {no} is not False:"), *else_lines])
    w.do(f"machine.only({t.active})")
    _define_results(t, op, then_values, else_values, names)


# Loops


def _turn(t: Translator, loop: int) -> None:
    """The lines that begin a turn: its mark in the log, and what ends a program that does not end."""
    w = t.writer
    if t.active != "None":
        w.do(f"machine.only({t.active})")
    w.do(f"log({-(loop + 1)})")
    w.do("if len(issued) >= machine.pause: machine.tick(len(issued))")


class _Carried:
    """What a loop hands from turn to turn: its arguments, with names that each turn assigns anew."""

    def __init__(self, t: Translator, op: Op, arguments: Sequence[Value], initial: Sequence[Known], least: int) -> None:
        self.t = t
        self.op = op
        self.arguments = list(arguments)
        self.templates = list(initial)
        self.slots: list[list[Term]] = []
        for argument, known in zip(arguments, initial, strict=True):
            names: list[Term] = []
            for term in flatten(t, known, argument):
                name = slot(t, argument, max(least, t.kinds.get(argument, UNIFORM), term.kind))
                names.append(name)
                if name is not NOTHING:
                    t.writer.do(f"{name.code} = {term.code}", term)
            self.slots.append(names)

    def define(self) -> None:
        """Gives the arguments their values, inside the loop."""
        for argument, template, names in zip(self.arguments, self.templates, self.slots, strict=True):
            inner = [self._inside(x) for x in names]
            self.t.define(argument, rebuild(template, argument, iter(inner)))

    def _inside(self, name: Term) -> Term:
        if name is NOTHING:
            return name
        return Term(name.code, name.kind, self.t.writer.depth, None, name.low, name.high)

    def assign(self, yielded: Sequence[Value], merged: Callable[[str, str], str] = lambda new, old: new) -> None:
        """Ends a turn: every name takes what was yielded for it; `merged` makes the expression from the new and old."""
        targets: list[str] = []
        values: list[str] = []
        uses: list[Term] = []
        for value, argument, template, names in zip(yielded, self.arguments, self.templates, self.slots, strict=True):
            known = self.t.values[value]
            check_alike(self.op, template, known)
            for name, term in zip(names, flatten(self.t, known, argument), strict=True):
                if name is not NOTHING and term.code != name.code:
                    targets.append(name.code)
                    values.append(merged(term.code, name.code))
                    uses.append(term)
        if targets:
            self.t.writer.do(f"{', '.join(targets)} = {', '.join(values)}", *uses)

    def results(self, results: Sequence[Value]) -> None:
        for result, template, names in zip(results, self.templates, self.slots, strict=True):
            self.t.define(result, rebuild(template, result, iter(names)))


@translates("scf.for")
def _for(t: Translator, op: Op) -> None:
    t.scalars += 1
    _check_depth(t, op)
    low, high, by = (t.term(v) for v in op.operands[:3])
    if not t.need(op, low, high, by):
        for result, value in zip(op.results, op.operands[3:], strict=True):
            t.define(result, t.values[value])
        return
    by = ar.maximum(t.writer, by, number(1))
    t.loops += 1
    if is_varying(low, high, by):
        _ragged(t, op, low, high, by)
    else:
        _steady(t, op, low, high, by)


def _steady(t: Translator, op: Op, low: Term, high: Term, by: Term) -> None:
    """A loop of as many turns for all lanes."""
    w, loop = t.writer, t.loops - 1
    index, *arguments = op.body.arguments
    yielded = list(op.body.terminator.operands) if op.body.ops else []
    initial = [t.values[v] for v in op.operands[3:]]
    kept: list[int] = []
    moving: dict[int, Term] = {}
    for i, (argument, value, known) in enumerate(zip(arguments, yielded, initial, strict=True)):
        by_turn = moved_by(argument, value)
        step = number(by_turn) if isinstance(by_turn, int) else t.values.get(by_turn) if by_turn is not None else None
        if same_address(argument, value, known):
            t.define(argument, known)
        elif isinstance(step, Term) and isinstance(known, Term) and UNKNOWN not in (known.kind, step.kind):
            moving[i] = step
        else:
            kept.append(i)
    carried = _Carried(t, op, [arguments[i] for i in kept], [initial[i] for i in kept], UNIFORM)
    w.open()
    turn = w.fresh(UNIFORM, low.low, max(high.high - 1, low.low))
    t.define(index, turn)
    carried.define()
    _turn(t, loop)
    if moving:
        number_of = ar.floor_divide(w, ar.subtract(w, turn, low), by)
        for i, step in moving.items():
            t.define(arguments[i], _after(t, arguments[i], initial[i], step, number_of))
    t.scalars += 1
    t.block(op.body)
    w.op = op
    carried.assign([yielded[i] for i in kept])
    w.append(w.close(f"for {turn.code} in range({low.code}, {high.code}, {by.code}):", (low, high, by)))
    carried.results([op.results[i] for i in kept])
    for i, argument in enumerate(arguments):
        if i in moving:
            span = ar.maximum(w, ar.subtract(w, high, low), number(0))
            turns = ar.negative(w, ar.floor_divide(w, ar.negative(w, span), by))
            t.define(op.results[i], _after(t, argument, initial[i], moving[i], turns))
        elif i not in kept:
            t.define(op.results[i], initial[i])


def _after(t: Translator, argument: Value, initial: Known, step: Term, turns: Term) -> Term:
    """A carried integer after so many turns."""
    assert isinstance(initial, Term)
    type = argument.type
    width = type.width if isinstance(type, IntegerType) else 64
    return ar.add(t.writer, initial, ar.exact_multiply(t.writer, step, turns), width)


def _ragged(t: Translator, op: Op, low: Term, high: Term, by: Term) -> None:
    """Lanes drop out as their loops end; what they carried stays."""
    w, loop, before = t.writer, t.loops - 1, t.active
    index, *arguments = op.body.arguments
    trips, most = w.name("m"), w.name("n")
    bounds = f"{low.code}, {high.code}, {by.code}"
    w.do(f"{most}, {trips} = machine.trips({bounds}, {before})", low, high, by)
    carried = _Carried(t, op, arguments, [t.values[v] for v in op.operands[3:]], VARYING)
    w.open()
    turn = w.fresh(UNIFORM, 0)
    lanes, mask = w.name("a"), w.name("m")
    t.active = lanes
    w.do(f"{lanes}, {mask} = machine.alive({trips}, {turn.code}, {before})")
    step = ar.exact_multiply(w, by, turn)
    t.define(index, ar.wrapped(w, ar.exact_add(w, low, step), index.type.width if isinstance(index.type, IntegerType) else 64))
    carried.define()
    _turn(t, loop)
    t.scalars += 1
    t.block(op.body)
    w.op = op
    carried.assign(op.body.terminator.operands, lambda new, old: f"merge({mask}, {new}, {old})")
    w.append(w.close(f"for {turn.code} in range({most}):"))
    t.active = before
    w.do(f"machine.only({before})")
    carried.results(op.results)


@translates("scf.while")
def _while(t: Translator, op: Op) -> None:
    t.scalars += 1
    _check_depth(t, op)
    t.loops += 1
    w, loop, outer = t.writer, t.loops - 1, t.active
    before, after = (region.blocks[0] for region in op.regions)
    condition, *passed = before.terminator.operands
    varying = t.kinds.get(condition, UNIFORM) == VARYING
    carried = _Carried(t, op, before.arguments, [t.values[v] for v in op.operands], VARYING if varying else UNIFORM)
    mask = w.name("m")
    if varying:
        t.active = w.name("a")
        w.do(f"{t.active}, {mask} = {outer}, None")
    w.open()
    carried.define()
    _turn(t, loop)
    t.block(before)
    w.op = op
    results = _passed(t, op, passed, mask if varying else "")
    holds = t.term(condition)
    if t.need(op, holds):
        if varying:
            w.do(f"{t.active}, {mask} = machine.narrow({holds.code}, {t.active})", holds)
            w.do(f"if {t.active} is False: break")
        else:
            w.do(f"if not {holds.code}: break", holds)
    for argument, value in zip(after.arguments, passed, strict=True):
        t.define(argument, t.values[value])
    t.block(after)
    w.op = op
    if varying:
        carried.assign(after.terminator.operands, lambda new, old: f"merge({mask}, {new}, {old})")
    else:
        carried.assign(after.terminator.operands)
    w.append(w.close("while True:"))
    t.active = outer
    if varying:
        w.do(f"machine.only({outer})")
    for result, known in zip(op.results, results, strict=True):
        t.define(result, known)


def _passed(t: Translator, op: Op, passed: Sequence[Value], mask: str) -> list[Known]:
    """Names for what the loop gives in the end, assigned in every turn; lanes that left keep theirs."""
    w = t.writer
    found: list[Known] = []
    for value in passed:
        known = t.values[value]
        names: list[Term] = []
        for term in flatten(t, known, value):
            name = slot(t, value, VARYING if mask and term.kind != UNKNOWN else term.kind)
            if name is not NOTHING:
                name = Term(name.code, name.kind, w.depth - 1, None, name.low, name.high)
                text = f"{term.code} if {mask} is None else merge({mask}, {term.code}, {name.code})" if mask else term.code
                w.do(f"{name.code} = {text}", term)
            names.append(name)
        found.append(rebuild(known, value, iter(names)))
    return found
