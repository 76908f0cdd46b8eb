"""Reading ops in the custom forms that their dialects declare."""

from compiler_core.ir.core import Op
from compiler_core.ir.syntax.forms import FORMS, SHORT_NAMES, Parts, finish
from compiler_core.ir.syntax.operations import OperationReader


class CustomReader(OperationReader):
    def starts_op(self) -> bool:
        """Whether the next token can be the first of an op."""
        word = self.peek("word")
        return self.sees('"') or self.sees("%") or SHORT_NAMES.get(word, word) in FORMS

    def custom_op(self, start: int, count: int) -> Op:
        location = self.place(start)
        word = self.peek("word")
        name = SHORT_NAMES.get(word, word)
        form = FORMS.get(name)
        if form is None:
            if "." not in name:
                raise self.unexpected("a string or the name of an op")
            raise self.fail(
                f"the custom form of {name} is not known here; print the text with --mlir-print-op-generic, which every op has"
            )
        self.kind("word")
        parts = Parts(name, count)
        for step in form.steps:
            step(self, parts)
        operands, results = finish(form, parts)
        return Op(name, operands, results, parts.attributes, parts.regions, location)
