"""The tool `calculate`: arithmetic by a small interpreter of its own. Nothing is ever evaluated as code."""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable
from typing import Any

from aether.tools.base import ToolError, tool

Number = int | float

LONGEST_EXPRESSION = 500
LARGEST_BITS = 13_000
"""Size of whole numbers in between; about 3,900 digits, which Python still writes out."""
LARGEST_FACTORIAL = 1_000
LARGEST_DIGITS = 300
SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-"})
NAMES = {"pi": math.pi, "e": math.e, "tau": math.tau}
BINARY: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
UNARY: dict[type[ast.unaryop], Callable[[Number], Number]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}


def factorial(n: Number) -> int:
    """Return n!, for whole numbers that are not too large."""
    if not isinstance(n, int) or not 0 <= n <= LARGEST_FACTORIAL:
        raise ToolError(f"factorial takes whole numbers from 0 to {LARGEST_FACTORIAL}.")
    return math.factorial(n)


def rounded(value: Number, digits: Number = 0) -> Number:
    """Round to some digits; unlike Python's own, never to a billion of them."""
    if not isinstance(digits, int) or abs(digits) > LARGEST_DIGITS:
        raise ToolError(f"round takes a whole number of digits, {LARGEST_DIGITS} at the most.")
    return round(value, digits)


FUNCTIONS: dict[str, Any] = {
    **{"abs": abs, "round": rounded, "min": min, "max": max, "factorial": factorial},
    **{"sqrt": math.sqrt, "cbrt": math.cbrt, "exp": math.exp, "log": math.log, "ln": math.log},
    **{"log2": math.log2, "log10": math.log10, "floor": math.floor, "ceil": math.ceil, "gcd": math.gcd},
    **{"sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin, "acos": math.acos, "atan": math.atan},
    **{"atan2": math.atan2, "hypot": math.hypot, "degrees": math.degrees, "radians": math.radians},
}


@tool(reads_only=True, quotes=False, timeout_s=2.0)
def calculate(expression: str) -> str:
    """Calculate an arithmetic expression, such as 2**10 / 3 or sqrt(2) * sin(pi/4).

    expression: Numbers, + - * / // % **, brackets, the names pi, e, tau, and functions such as sqrt, log, round, min.
    """
    if len(expression) > LONGEST_EXPRESSION:
        raise ToolError(f"The expression is longer than {LONGEST_EXPRESSION} characters. Calculate it in parts.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # of what a model wrote, which is not the log's concern
            tree = ast.parse(expression.translate(SIGNS).strip(), mode="eval")
        return shown(value_of(tree.body))
    except (SyntaxError, RecursionError, MemoryError):
        raise ToolError("This is not an arithmetic expression. Write it like (3 + 4) * 2 ** 10.") from None
    except ZeroDivisionError:
        raise ToolError("This divides by zero.") from None
    except OverflowError:
        raise ToolError("A number in this calculation is too large.") from None
    except (ValueError, TypeError) as error:
        raise ToolError(f"This has no value: {error}.") from None


def value_of(node: ast.expr) -> Number:
    """Return the value of an expression's node; raise ToolError for all that is not arithmetic."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return bounded(value)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in UNARY:
            return UNARY[type(op)](value_of(operand))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return power(value_of(left), value_of(right))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            return bounded(BINARY[type(op)](value_of(left), value_of(right)))
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if name in FUNCTIONS:
            return bounded(FUNCTIONS[name](*map(value_of, given)))
        case ast.Name(id=name) if name in NAMES:
            return NAMES[name]
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)):
            raise ToolError(f"{name[:40]} is not known. Known: {', '.join([*NAMES, *FUNCTIONS])}.")
        case ast.BinOp(op=ast.BitXor()):
            raise ToolError("Write powers with **, not with ^.")
        case _:
            raise ToolError("Only numbers, + - * / // % **, brackets and the known functions can be calculated.")


def power(base: Number, exponent: Number) -> Number:
    """Return base ** exponent; raise OverflowError before a number grows too large to hold."""
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1:
        if abs(exponent) * (abs(base).bit_length() - 1) > LARGEST_BITS:
            raise OverflowError
        base = base if exponent >= 0 else float(base)
    value = base**exponent
    if isinstance(value, complex):
        raise ValueError("the root of a negative number is not a real number")
    return bounded(value)


def bounded(value: Number) -> Number:
    """Return the value; raise OverflowError if it is too large to hold or no number."""
    if isinstance(value, int) and value.bit_length() > LARGEST_BITS:
        raise OverflowError
    if isinstance(value, float) and not math.isfinite(value):
        raise OverflowError
    return value


def shown(value: Number) -> str:
    """Write a number as a person would: 0.3, not 0.30000000000000004."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value) if isinstance(value, int) else format(value, ".15g")
