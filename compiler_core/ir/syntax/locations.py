"""Reading locations. An alias's location (`#loc3 = …`) is read when an op first names it."""

import re

from compiler_core.ir.core import Location, Locations
from compiler_core.ir.syntax.attributes import AttributeReader

_ALIAS = re.compile(r"^[ \t]*+([#!][\w$\-]++)[ \t]*+=\s*+", re.ASCII | re.MULTILINE)
_FILE = re.compile(r'loc\("([^"\\\n]*+)":(\d{1,9}+):(\d{1,9}+)\)\s*+', re.ASCII)
_RANGE_END = re.compile(r"[\d:\s]*+")


class LocationReader(AttributeReader):
    def __init__(self, text: str, file: str) -> None:
        super().__init__(text, file)
        self.known: dict[str, Locations] = {}
        self.aliases = {match[1]: match.end() for match in _ALIAS.finditer(text)}

    def named_location(self, name: str, visiting: frozenset[str] = frozenset()) -> Locations:
        """The location of an alias; empty where there is none or it names itself."""
        found = self.known.get(name)
        if found is not None:
            return found
        if name not in self.aliases or name in visiting:
            return ()
        resume, self.at = self.at, self.aliases[name]
        found = self.location(visiting | {name}) if self.sees("loc") else ()
        self.known[name] = found
        self.at = resume
        return found

    def location(self, visiting: frozenset[str] = frozenset()) -> Locations:
        """loc(…): file positions, names, fused lists and call sites; anything else is unknown."""
        match = self.take(_FILE)
        if match is not None:
            return (Location(match[1], int(match[2]), int(match[3])),)
        self.expect_word("loc")
        self.expect("(")
        found = self.location_body(visiting)
        self.expect(")")
        return found

    def location_body(self, visiting: frozenset[str]) -> Locations:
        self.deeper()
        found: Locations = ()
        if self.sees("#"):
            found = self.named_location(self.kind("hash"), visiting)
        elif self.sees('"'):
            found = self.place_or_name(visiting)
        elif self.accept_word("fused"):
            if self.sees("<"):
                self.balanced()
            self.expect("[")
            parts: list[Location] = []
            while not self.accept("]"):
                parts.extend(self.location_body(visiting))
                self.accept(",")
            found = tuple(dict.fromkeys(parts))
        elif self.accept_word("callsite"):
            self.expect("(")
            found = self.location_body(visiting)
            self.expect_word("at")
            self.location_body(visiting)
            self.expect(")")
        elif self.peek("word") == "loc":
            found = self.location(visiting)
        else:
            self.kind("word")
        self.depth -= 1
        return found

    def place_or_name(self, visiting: frozenset[str]) -> Locations:
        """`"file":1:2`, with or without the end of a range, `"name"`, or `"name"(location)`."""
        name = self.string()
        if self.accept(":"):
            line = self.integer()
            self.expect(":")
            column = self.integer()
            if self.accept_word("to"):
                self.take(_RANGE_END)
            return (Location(name, line, column),)
        if self.accept("("):
            inner = self.location_body(visiting)
            self.expect(")")
            return tuple(Location(at.file, at.line, at.column, name) for at in inner) or (Location("", 0, 1, name),)
        return (Location("", 0, 1, name),)
