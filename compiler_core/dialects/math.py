"""math: element-by-element functions."""

from compiler_core.ir import Dialect

math = Dialect("math")

_UNARY = {
    "absf": "Absolute value.",
    "absi": "Absolute value of an integer.",
    "ceil": "Rounds up.",
    "cos": "Cosine.",
    "erf": "Gauss error function.",
    "exp": "e to the x.",
    "exp2": "2 to the x.",
    "floor": "Rounds down.",
    "log": "Natural logarithm.",
    "log2": "Logarithm to base 2.",
    "rsqrt": "1 over the square root.",
    "sin": "Sine.",
    "sqrt": "Square root.",
    "tanh": "Hyperbolic tangent.",
}

for _name, _summary in _UNARY.items():
    math.op(_name, _summary, "{0}{#} : {:r0}", "pure", "elementwise", operands=1, results=1)

math.op("powf", "x to the y.", "{0}, {1}{#} : {:r0}", "pure", "elementwise", operands=2, results=1)
math.op("fma", "a·b + c, rounded once.", "{0}, {1}, {2}{#} : {:r0}", "pure", "elementwise", operands=3, results=1)
