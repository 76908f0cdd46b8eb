"""Arithmetic of terms: constants fold, ranges follow, what may wrap wraps, and what varies keeps its shared step apart.

Expressions mean the same for numbers and for vectors over lanes, or call a function of `lanes` that does.
"""

from compiler_core.emulator.execution import lanes as la
from compiler_core.emulator.translation.terms import CONSTANT, VARYING, Term, number
from compiler_core.emulator.translation.writer import Writer, is_varying


def exact_add(w: Writer, a: Term, b: Term) -> Term:
    """The sum, not wrapped: for addresses and offsets, which are checked when they are used."""
    if a.kind == CONSTANT and b.kind == CONSTANT:
        return number(a.value + b.value)
    if a.kind == CONSTANT and not a.value:
        return b
    if b.kind == CONSTANT and not b.value:
        return a
    low, high = a.low + b.low, a.high + b.high
    if a.kind == VARYING or b.kind == VARYING:
        return _split_sum(w, a, b, low, high)
    return w.let(f"{a.code} + {b.code}", a, b, low=low, high=high)


def _split_sum(w: Writer, a: Term, b: Term, low: int, high: int) -> Term:
    base_a, step_a = parts(a)
    base_b, step_b = parts(b)
    step = exact_add(w, step_a, step_b)
    if base_a is not None and base_b is not None:
        text = f"{base_a.code} + {base_b.code}"
        base = w.let(text, base_a, base_b, low=base_a.low + base_b.low, high=base_a.high + base_b.high)
    else:
        base = base_a or base_b
        assert base is not None
    return _together(w, base, step, low, high)


def _together(w: Writer, base: Term, step: Term, low: int, high: int) -> Term:
    if step.kind == CONSTANT and not step.value:
        return base
    found = w.let(f"{base.code} + {step.code}", base, step, low=low, high=high)
    if found is not base and found.base is None:
        found.base, found.step = base, step
    return found


ZERO = number(0)


def parts(term: Term) -> tuple[Term | None, Term]:
    """What varies of a term (None for nothing), and what all lanes share."""
    if term.kind != VARYING:
        return None, term
    if term.base is not None and term.step is not None:
        return term.base, term.step
    return term, ZERO


def exact_multiply(w: Writer, a: Term, b: Term) -> Term:
    """The product, not wrapped."""
    if a.kind == CONSTANT and b.kind == CONSTANT:
        return number(a.value * b.value)
    if a.kind == CONSTANT:
        a, b = b, a
    if b.kind == CONSTANT:
        if b.value == 1:
            return a
        if b.value == 0:
            return ZERO
    corners = (a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high)
    low, high = min(corners), max(corners)
    if a.kind == VARYING and b.kind == VARYING:
        return w.let(f"{a.code} * {b.code}", a, b, low=low, high=high)
    if b.kind == VARYING:
        a, b = b, a
    if a.kind == VARYING and a.base is not None and a.step is not None:
        base = exact_multiply(w, a.base, b)
        return _together(w, base, exact_multiply(w, a.step, b), low, high)
    return w.let(f"{a.code} * {b.code}", a, b, low=low, high=high)


def wrapped(w: Writer, term: Term, width: int) -> Term:
    """The term modulo 2^width as a signed number."""
    if term.within(width):
        return term
    if term.kind == CONSTANT:
        return number(int(la.wrap(term.value, width)))
    if width == 1:
        return w.let(f"{term.code} & 1", term, low=0, high=1)
    half = 1 << (width - 1)
    if width == 64 and term.kind == VARYING:
        return w.let(f"wrap({term.code}, 64)", term)
    return w.let(f"({term.code} + {half} & {2 * half - 1}) - {half}", term, low=-half, high=half - 1)


def add(w: Writer, a: Term, b: Term, width: int = 64) -> Term:
    return wrapped(w, exact_add(w, a, b), width)


def subtract(w: Writer, a: Term, b: Term, width: int = 64) -> Term:
    if a.kind == CONSTANT and b.kind == CONSTANT:
        return wrapped(w, number(a.value - b.value), width)
    if b.kind == CONSTANT or (is_varying(a) and not is_varying(b)):
        return add(w, a, negative(w, b), width)
    apart = distance(w, a, b)
    if apart is not None:
        return wrapped(w, apart, width)
    found = w.let(f"{a.code} - {b.code}", a, b, low=a.low - b.high, high=a.high - b.low)
    return wrapped(w, found, width)


def distance(w: Writer, a: Term, b: Term) -> Term | None:
    """a - b, where the same varies in both, so that all lanes share it; None elsewhere."""
    (base, step), (other, shared) = parts(a), parts(b)
    if base is None or base is not other:
        return None
    return number(step.value - shared.value) if step.kind == shared.kind == CONSTANT else subtract(w, step, shared)


def negative(w: Writer, a: Term) -> Term:
    if a.kind == CONSTANT:
        return number(-a.value)
    return w.let(f"-{a.code}", a, low=-a.high, high=-a.low)


def multiply(w: Writer, a: Term, b: Term, width: int = 64) -> Term:
    return wrapped(w, exact_multiply(w, a, b), width)


def floor_divide(w: Writer, a: Term, b: Term) -> Term:
    """Rounds down. Division by a constant zero raises ZeroDivisionError."""
    if a.kind == CONSTANT and b.kind == CONSTANT:
        return number(a.value // b.value)
    if b.low > 0:
        if b.high == 1:
            return a
        corners = (a.low // b.low, a.low // b.high, a.high // b.low, a.high // b.high)
        return w.let(f"{a.code} // {b.code}", a, b, low=min(corners), high=max(corners))
    return w.let(f"floor({a.code}, {b.code})", a, b, may_fail=True)


def modulo(w: Writer, a: Term, b: Term) -> Term:
    """The remainder of `floor_divide`."""
    if a.kind == CONSTANT and b.kind == CONSTANT:
        return number(a.value % b.value)
    if b.low > 0:
        if a.low >= 0 and a.high < b.low:
            return a
        return w.let(f"{a.code} % {b.code}", a, b, low=0, high=b.high - 1)
    return w.let(f"{a.code} - floor({a.code}, {b.code}) * {b.code}", a, b, may_fail=True)


def divide(w: Writer, a: Term, b: Term, width: int) -> Term:
    """Rounds towards zero."""
    if a.low >= 0 and b.low > 0:
        return floor_divide(w, a, b)
    if a.kind == CONSTANT and b.kind == CONSTANT:
        return wrapped(w, number(la.quotient(a.value, b.value)), width)
    most = max(abs(a.low), abs(a.high))
    found = w.let(f"quotient({a.code}, {b.code})", a, b, low=-most, high=most, may_fail=b.low <= 0 <= b.high)
    return wrapped(w, found, width)


def remainder(w: Writer, a: Term, b: Term, width: int) -> Term:
    """What `divide` leaves."""
    if a.low >= 0 and b.low > 0:
        return modulo(w, a, b)
    if a.kind == CONSTANT and b.kind == CONSTANT:
        return wrapped(w, number(la.remainder(a.value, b.value)), width)
    most = max(abs(b.low), abs(b.high))
    found = w.let(f"remainder({a.code}, {b.code})", a, b, low=-most, high=most, may_fail=b.low <= 0 <= b.high)
    return wrapped(w, found, width)


def minimum(w: Writer, a: Term, b: Term) -> Term:
    chosen = _smaller(w, a, b)
    if chosen is not None:
        return chosen
    low, high = min(a.low, b.low), min(a.high, b.high)
    if is_varying(a, b):
        return w.let(f"minimum({a.code}, {b.code})", a, b, low=low, high=high)
    return w.let(f"{a.code} if {a.code} < {b.code} else {b.code}", a, b, low=low, high=high)


def maximum(w: Writer, a: Term, b: Term) -> Term:
    chosen = _smaller(w, a, b)
    if chosen is not None:
        return b if chosen is a else a
    low, high = max(a.low, b.low), max(a.high, b.high)
    if is_varying(a, b):
        return w.let(f"maximum({a.code}, {b.code})", a, b, low=low, high=high)
    return w.let(f"{a.code} if {a.code} > {b.code} else {b.code}", a, b, low=low, high=high)


def _smaller(w: Writer, a: Term, b: Term) -> Term | None:
    """The one of two terms that is never greater, where that is known."""
    if a.high <= b.low:
        return a
    if b.high <= a.low:
        return b
    apart = distance(w, a, b)
    if apart is None:
        return None
    return a if apart.high <= 0 else b if apart.low >= 0 else None


SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def compare(w: Writer, sign: str, a: Term, b: Term) -> Term:
    """0 or 1, or a bool vector; `sign` is eq, ne, lt, le, gt or ge."""
    known = _known_comparison(sign, a, b)
    if known is not None:
        return number(int(known))
    apart = distance(w, a, b)
    if apart is not None:
        return compare(w, sign, apart, ZERO)
    return w.let(f"{a.code} {SIGNS[sign]} {b.code}", a, b, low=0, high=1)


def _known_comparison(sign: str, a: Term, b: Term) -> bool | None:
    """What the ranges already decide."""
    if sign in ("gt", "ge"):
        return _known_comparison({"gt": "lt", "ge": "le"}[sign], b, a)
    if sign == "lt":
        return True if a.high < b.low else False if a.low >= b.high else None
    if sign == "le":
        return True if a.high <= b.low else False if a.low > b.high else None
    apart = a.high < b.low or b.high < a.low
    same = a.low == a.high == b.low == b.high
    return (sign == "ne") if apart else (sign == "eq") if same else None


class Symbol:
    """A term with operators, for expressions that are written with operators."""

    __slots__ = ("term", "writer")

    def __init__(self, writer: Writer, term: Term) -> None:
        self.writer = writer
        self.term = term

    def _term(self, other: "Symbol | int") -> Term:
        return number(other) if isinstance(other, int) else other.term

    def _of(self, term: Term) -> "Symbol":
        return Symbol(self.writer, wrapped(self.writer, term, 64))

    def __add__(self, other: "Symbol | int") -> "Symbol":
        return self._of(exact_add(self.writer, self.term, self._term(other)))

    __radd__ = __add__

    def __sub__(self, other: "Symbol | int") -> "Symbol":
        return self._of(subtract(self.writer, self.term, self._term(other)))

    def __rsub__(self, other: int) -> "Symbol":
        return self._of(subtract(self.writer, number(other), self.term))

    def __mul__(self, other: "Symbol | int") -> "Symbol":
        return self._of(exact_multiply(self.writer, self.term, self._term(other)))

    __rmul__ = __mul__

    def __floordiv__(self, other: "Symbol | int") -> "Symbol":
        return self._of(floor_divide(self.writer, self.term, self._term(other)))

    def __rfloordiv__(self, other: int) -> "Symbol":
        return self._of(floor_divide(self.writer, number(other), self.term))

    def __mod__(self, other: "Symbol | int") -> "Symbol":
        return self._of(modulo(self.writer, self.term, self._term(other)))

    def __rmod__(self, other: int) -> "Symbol":
        return self._of(modulo(self.writer, number(other), self.term))

    def __neg__(self) -> "Symbol":
        return self._of(negative(self.writer, self.term))
