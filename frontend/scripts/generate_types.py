"""TypeScript types of the page, emitted from compiler_core's structs: `generate_types.py` prints them to standard output.

A field with a default may be absent (`?`); what a struct does not name is ignored by the page, so a newer server keeps working.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from compiler_core.catalogue import Catalogue, Inspection
from compiler_core.events import AnyEvent, ProfileDetail
from compiler_core.request import CompileRequest

Schema = dict[str, Any]
ROOTS = (AnyEvent, CompileRequest, Catalogue, Inspection, ProfileDetail)
PRIMITIVES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
HEADER = (
    "/** Generated from compiler_core's structs by scripts/generate_types.py; run `npm run types` after changing those. */\n"
)


def literal(value: object) -> str:
    return msgspec.json.encode(value).decode()


def name_of(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]


def array(schema: Schema) -> str:
    if "prefixItems" in schema:
        return f"readonly [{', '.join(map(type_of, schema['prefixItems']))}]"
    if not schema.get("items"):
        return "readonly unknown[]"
    item = type_of(schema["items"])
    return f"readonly ({item})[]" if " " in item else f"readonly {item}[]"


def type_of(schema: Schema) -> str:
    """The TypeScript type of a JSON schema, as msgspec writes them."""
    if "$ref" in schema:
        return name_of(schema["$ref"])
    if "enum" in schema:
        return " | ".join(map(literal, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(map(type_of, schema["anyOf"])))
    match schema.get("type"):
        case "array":
            return array(schema)
        case "object":
            return f"Readonly<Record<string, {type_of(schema['additionalProperties'])}>>"
        case str(primitive):
            return PRIMITIVES[primitive]
        case _:
            return "unknown"


def interface(name: str, schema: Schema) -> str:
    required = set(schema.get("required", ()))
    marks = {field: "" if field in required else "?" for field in schema["properties"]}
    fields = [f"  readonly {field}{marks[field]}: {type_of(s)};" for field, s in schema["properties"].items()]
    return f"export interface {name} {{\n" + "\n".join(fields) + "\n}\n"


def emit() -> str:
    roots, components = msgspec.json.schema_components(ROOTS)
    interfaces = [interface(name, schema) for name, schema in sorted(components.items())]
    chip = next(field.default for field in msgspec.structs.fields(CompileRequest) if field.name == "chip")
    tail = f"\nexport type AnyEvent = {type_of(roots[0])};\n\nexport const DEFAULT_CHIP = {literal(chip)};\n"
    return HEADER + "\n" + "\n".join(interfaces) + tail


if __name__ == "__main__":
    sys.stdout.write(emit())
