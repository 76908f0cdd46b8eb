"""Forms of builtin, func (and tt.func), scf, affine and cf."""

from compiler_core.ir.attributes import (
    ArrayAttr,
    Attribute,
    DenseArrayAttr,
    DictAttr,
    IntegerAttr,
    RawAttr,
    StringAttr,
    TypeAttr,
)
from compiler_core.ir.core import Region, Value
from compiler_core.ir.syntax.forms import Parts, form, mixed_list, operand_list, read_attributes, read_function_type, reads
from compiler_core.ir.syntax.operations import OperationReader
from compiler_core.ir.types import FunctionType, IndexType, Type

_INDEX = IndexType()
VISIBILITIES = ("public", "private", "nested")

form("builtin.unrealized_conversion_cast", "inputs*", "(? $inputs : @inputs ?) to @result {}")
form("scf.yield", "values*", "{} (? $values : @values ?)")
form("scf.condition", "condition values*", "($condition) {} (? $values : @values ?)")
form("affine.yield", "values*", "{} (? $values : @values ?)")
form("cf.assert", "condition", "$condition, $msg {}", {"msg": "any"})
form("func.return", "values*", "{} (? $values : @values ?)")
form("tt.return", "values*", "{} (? $values : @values ?)")


def read_keyword_attributes(reader: OperationReader, parts: Parts) -> None:
    """`attributes {…}` if there."""
    if reader.accept_word("attributes"):
        parts.attributes.update(reader.dictionary())


@reads("builtin.module")
def _module(reader: OperationReader, parts: Parts) -> None:
    if reader.sees("@"):
        parts.attributes["sym_name"] = StringAttr(symbol_name(reader))
    read_keyword_attributes(reader, parts)
    parts.regions.append(reader.region())


def symbol_name(reader: OperationReader) -> str:
    name = reader.symbol()
    return str(name).removeprefix("@")


@reads("func.func", "tt.func")
def _function(reader: OperationReader, parts: Parts) -> None:
    visibility = reader.peek("word")
    if visibility in VISIBILITIES:
        reader.kind("word")
        parts.attributes["sym_visibility"] = StringAttr(visibility)
    parts.attributes["sym_name"] = StringAttr(symbol_name(reader))
    names, types, extras = _parameters(reader)
    results: list[Type] = []
    result_extras: list[Attribute] = []
    if reader.accept("->"):
        results, result_extras = _results(reader)
    parts.attributes["function_type"] = TypeAttr(FunctionType(tuple(types), tuple(results)))
    if any(isinstance(e, DictAttr) and e.entries for e in extras):
        parts.attributes["arg_attrs"] = ArrayAttr(tuple(extras))
    if any(isinstance(e, DictAttr) and e.entries for e in result_extras):
        parts.attributes["res_attrs"] = ArrayAttr(tuple(result_extras))
    read_keyword_attributes(reader, parts)
    if reader.sees("{"):
        parts.regions.append(reader.region(list(zip(names, types, strict=False))))
    else:
        parts.regions.append(Region())


def _extra(reader: OperationReader) -> Attribute:
    """The attributes of an argument or a result, and its location, which is passed over."""
    extra = DictAttr(tuple(reader.dictionary().items())) if reader.sees("{") else DictAttr(())
    if reader.sees("loc("):
        reader.location()
    return extra


def _parameters(reader: OperationReader) -> tuple[list[str], list[Type], list[Attribute]]:
    """`(%a: type {…}, …)`, or `(type, …)` where there is no body."""
    names: list[str] = []
    types: list[Type] = []
    extras: list[Attribute] = []
    reader.expect("(")
    while not reader.accept(")"):
        if reader.sees("%"):
            names.append(reader.kind("value"))
            reader.expect(":")
        types.append(reader.type())
        extras.append(_extra(reader))
        reader.accept(",")
    return names, types, extras


def _results(reader: OperationReader) -> tuple[list[Type], list[Attribute]]:
    if not reader.accept("("):
        return [reader.type()], []
    types: list[Type] = []
    extras: list[Attribute] = []
    while not reader.accept(")"):
        types.append(reader.type())
        extras.append(_extra(reader))
        reader.accept(",")
    return types, extras


@reads("func.call", "tt.call")
def _call(reader: OperationReader, parts: Parts) -> None:
    parts.attributes["callee"] = reader.symbol()
    reader.expect("(")
    parts.operands["arguments"] = operand_list(reader)
    reader.expect(")")
    read_attributes(reader, parts)
    reader.expect(":")
    read_function_type(reader, parts)


# scf


def read_pairs(reader: OperationReader) -> tuple[list[str], list[Value]]:
    """`(%inner = %outer, …)`: names of block arguments and what they start from."""
    names: list[str] = []
    values: list[Value] = []
    reader.expect("(")
    while not reader.accept(")"):
        names.append(reader.kind("value"))
        reader.expect("=")
        values.append(reader.operand())
        reader.accept(",")
    return names, values


@reads("scf.for", groups="low high step carried")
def _for(reader: OperationReader, parts: Parts) -> None:
    names = [reader.kind("value")]
    for mark, group in (("=", "low"), ("to", "high"), ("step", "step")):
        reader.expect(mark) if mark == "=" else reader.expect_word(mark)
        parts.operands[group] = [reader.operand()]
    types: list[Type] = []
    if reader.accept_word("iter_args"):
        more, carried = read_pairs(reader)
        names += more
        parts.operands["carried"] = carried
        reader.expect("->")
        types = reader.type_list()
        if len(types) != len(carried):
            raise reader.fail(f"{len(carried)} values are carried, {len(types)} types are given")
    index = reader.type() if reader.accept(":") else _INDEX
    parts.results = types
    parts.regions.append(reader.region(list(zip(names, [index, *types], strict=True)), "scf.yield"))
    read_attributes(reader, parts)


@reads("scf.if", groups="condition")
def _if(reader: OperationReader, parts: Parts) -> None:
    parts.operands["condition"] = [reader.operand()]
    parts.results = reader.type_list() if reader.accept("->") else []
    parts.regions.append(reader.region((), "scf.yield"))
    parts.regions.append(reader.region((), "scf.yield") if reader.accept_word("else") else Region())
    read_attributes(reader, parts)


@reads("scf.while", groups="carried")
def _while(reader: OperationReader, parts: Parts) -> None:
    names, parts.operands["carried"] = read_pairs(reader) if reader.sees("(") else ([], [])
    reader.expect(":")
    read_function_type(reader, parts)
    types = [v.type for v in parts.operands["carried"]]
    parts.regions.append(reader.region(list(zip(names, types, strict=True))))
    reader.expect_word("do")
    parts.regions.append(reader.region((), "scf.yield"))
    read_keyword_attributes(reader, parts)
    read_attributes(reader, parts)


@reads("scf.forall", groups="lower upper step outputs", segments=True)
def _forall(reader: OperationReader, parts: Parts) -> None:
    """`(%i, %j) in (4, %n) shared_outs(…) -> (…) {…}`, or `= (…) to (…) step (…)`."""
    reader.expect("(")
    names: list[str] = []
    while not reader.accept(")"):
        names.append(reader.kind("value"))
        reader.accept(",")
    if reader.accept_word("in"):
        bounds = {"upper": mixed_list(reader, "()")}
        bounds["lower"], bounds["step"] = ([], [0] * len(names)), ([], [1] * len(names))
    else:
        reader.expect("=")
        bounds = {"lower": mixed_list(reader, "()")}
        for word, group in (("to", "upper"), ("step", "step")):
            reader.expect_word(word)
            bounds[group] = mixed_list(reader, "()")
    for group, (values, numbers) in bounds.items():
        parts.operands[group] = values
        parts.attributes[f"static{group.capitalize()}Bound".replace("StepBound", "Step")] = DenseArrayAttr(tuple(numbers))
    outputs: list[Type] = []
    if reader.accept_word("shared_outs"):
        more, parts.operands["outputs"] = read_pairs(reader)
        names += more
        reader.expect("->")
        outputs = reader.type_list()
    parts.results = outputs
    types = [_INDEX] * (len(names) - len(outputs)) + outputs
    parts.regions.append(reader.region(list(zip(names, types, strict=True)), "scf.forall.in_parallel"))
    read_attributes(reader, parts)


@reads("scf.forall.in_parallel")
def _in_parallel(reader: OperationReader, parts: Parts) -> None:
    parts.results = []
    parts.regions.append(reader.region())
    read_attributes(reader, parts)


# affine


def read_map(reader: OperationReader) -> tuple[Attribute, list[Value]]:
    """`#map(%dims)[%symbols]`: the map and its operands."""
    start = reader.at
    found = reader.attribute()
    if not isinstance(found, RawAttr) or not found.text.startswith("affine_"):
        raise reader.fail("expected an affine map", start)
    values: list[Value] = []
    for opening, closing in (("(", ")"), ("[", "]")):
        if reader.accept(opening):
            values += operand_list(reader)
            reader.expect(closing)
    return found, values


@reads("affine.apply", "affine.min", "affine.max")
def _apply(reader: OperationReader, parts: Parts) -> None:
    parts.attributes["map"], parts.operands["operands"] = read_map(reader)
    read_attributes(reader, parts)
    parts.results = [_INDEX]


@reads("affine.for", groups="low high carried", segments=True)
def _affine_for(reader: OperationReader, parts: Parts) -> None:
    """`%i = 0 to #map(%n) step 2 iter_args(…) -> (…) {…}`."""
    names = [reader.kind("value")]
    reader.expect("=")
    for bound, reduction, group in (("lower", "max", "low"), ("upper", "min", "high")):
        if group == "high":
            reader.expect_word("to")
        reader.accept_word(reduction)
        parts.attributes[f"{bound}BoundMap"], parts.operands[group] = _bound(reader)
    step = reader.integer() if reader.accept_word("step") else 1
    parts.attributes["step"] = IntegerAttr(step, _INDEX)
    types: list[Type] = []
    if reader.accept_word("iter_args"):
        more, parts.operands["carried"] = read_pairs(reader)
        names += more
        reader.expect("->")
        types = reader.type_list()
    parts.results = types
    parts.regions.append(reader.region(list(zip(names, [_INDEX, *types], strict=True)), "affine.yield"))
    read_attributes(reader, parts)


def _bound(reader: OperationReader) -> tuple[Attribute, list[Value]]:
    if reader.sees("%"):
        return RawAttr("affine_map<()[s0] -> (s0)>"), [reader.operand()]
    if reader.peek("number"):
        return RawAttr(f"affine_map<() -> ({reader.integer()})>"), []
    return read_map(reader)
