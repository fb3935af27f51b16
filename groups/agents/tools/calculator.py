"""Exact arithmetic on a text: rational numbers throughout, rounded only where no exact result exists. Nothing is
evaluated as code: the expression is parsed, and only what is named here is carried out."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Sequence
from decimal import Context, Decimal, DecimalException
from fractions import Fraction
from typing import Final

MAX_LENGTH: Final = 2000
#: Bits of a numerator or denominator; more is no calculation but an attack.
MAX_BITS: Final = 20_000
#: The most a number in the text may be shifted by its exponent, and the highest power.
MAX_EXPONENT: Final = 2000
#: Significant digits of what cannot be exact.
DIGITS: Final = 50
#: Its bounds keep exp() and the like short.
_CONTEXT: Final = Context(prec=DIGITS, Emax=9000, Emin=-9000)


class Incalculable(Exception):
    """The words say what is wrong with the expression."""


def calculate(expression: str) -> str:
    """The value as a decimal number; "≈ " before it when it had to be rounded to `DIGITS` digits.

    Knows + - * / // % ** (or ^), brackets, pi, e, and `FUNCTIONS`. Raises Incalculable.
    """
    if len(expression) > MAX_LENGTH:
        raise Incalculable(f"The expression is longer than {MAX_LENGTH:,} characters.")
    text = (
        expression.strip().replace("×", "*").replace("÷", "/").replace("−", "-").replace("^", "**")
    )
    try:
        tree = ast.parse(text, mode="eval")
        work = _Work(text)
        return _shown(work.value(tree.body), work.rounded)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Incalculable(
            "This is no arithmetic expression. Write it like (12.5 + 3) * 4 / 7."
        ) from None
    except ZeroDivisionError:
        raise Incalculable("This divides by zero.") from None
    except (DecimalException, OverflowError):
        raise Incalculable("This has no value among the real numbers, or one too large.") from None


class _Work:
    """One calculation over its text; `rounded` once a step of it could not be exact."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.rounded = False

    def value(self, node: ast.expr) -> Fraction:
        """The node's value."""
        match node:
            case ast.Constant():
                return self._number(node)
            case ast.Name(id=name) if name in _CONSTANTS:
                self.rounded = True
                return Fraction(_CONSTANTS[name])
            case ast.UnaryOp(op=ast.USub(), operand=of):
                return -self.value(of)
            case ast.UnaryOp(op=ast.UAdd(), operand=of):
                return self.value(of)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return _bounded(self._power(self.value(left), self.value(right)))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
                return _bounded(_OPERATIONS[type(op)](self.value(left), self.value(right)))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self._call(name, [self.value(each) for each in args])
        raise Incalculable(
            f"Only numbers, + - * / // % **, brackets and these can be used: "
            f"{', '.join(sorted({*_CONSTANTS, *FUNCTIONS}))}."
        )

    def _number(self, node: ast.Constant) -> Fraction:
        # As it is written: Python would have made a binary fraction of 0.1.
        written = (ast.get_source_segment(self._text, node) or "").replace("_", "")
        if type(node.value) is int:
            return _bounded(Fraction(node.value))
        if type(node.value) is not float:
            raise Incalculable("Only numbers can be calculated with.")
        number = Decimal(written)
        exponent = number.as_tuple().exponent
        if not isinstance(exponent, int) or abs(exponent) > MAX_EXPONENT:
            raise Incalculable(f"The exponent of {written} is too large.")
        return Fraction(number)

    def _power(self, base: Fraction, exponent: Fraction) -> Fraction:
        if exponent.denominator != 1:
            self.rounded = True
            return Fraction(_CONTEXT.power(_decimal(base), _decimal(exponent)))
        power = exponent.numerator
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if abs(power) > MAX_EXPONENT or bits * abs(power) > MAX_BITS:
            raise Incalculable("This power is too large.")
        return base**power

    def _call(self, name: str, values: list[Fraction]) -> Fraction:
        if name in _EXACT:
            least, most, exact = _EXACT[name]
            if not least <= len(values) <= most:
                raise Incalculable(f"{name}() takes another number of values.")
            return _bounded(exact(values))
        if name in _ROUNDING and len(values) == 1:
            if name == "sqrt" and (root := _exact_root(values[0])) is not None:
                return root
            self.rounded = True
            return _bounded(Fraction(_ROUNDING[name](_decimal(values[0]))))
        raise Incalculable(f"There is no {name}() of {len(values)} values here.")


def _round(values: Sequence[Fraction]) -> Fraction:
    places = values[1] if len(values) > 1 else Fraction(0)
    if places.denominator != 1 or abs(places) > MAX_EXPONENT:
        raise Incalculable("round() takes a whole number of decimal places.")
    return Fraction(round(values[0], places.numerator))


def _modulo(left: Fraction, right: Fraction) -> Fraction:
    return left % right


def _floor_division(left: Fraction, right: Fraction) -> Fraction:
    return Fraction(left // right)


_CONSTANTS: Final = {
    "pi": Decimal("3.1415926535897932384626433832795028841971693993751"),
    "e": Decimal("2.7182818284590452353602874713526624977572470937000"),
}
_OPERATIONS: Final[dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: _floor_division,
    ast.Mod: _modulo,
}
#: Name -> fewest and most values, and the function.
_EXACT: Final[dict[str, tuple[int, int, Callable[[Sequence[Fraction]], Fraction]]]] = {
    "abs": (1, 1, lambda v: abs(v[0])),
    "round": (1, 2, _round),
    "floor": (1, 1, lambda v: Fraction(math.floor(v[0]))),
    "ceil": (1, 1, lambda v: Fraction(math.ceil(v[0]))),
    "min": (1, 1000, min),
    "max": (1, 1000, max),
    "sum": (1, 1000, lambda v: sum(v, Fraction(0))),
    "mean": (1, 1000, lambda v: sum(v, Fraction(0)) / len(v)),
}
_ROUNDING: Final[dict[str, Callable[[Decimal], Decimal]]] = {
    "sqrt": _CONTEXT.sqrt,
    "ln": _CONTEXT.ln,
    "log10": _CONTEXT.log10,
    "exp": _CONTEXT.exp,
}
FUNCTIONS: Final = (*_EXACT, *_ROUNDING)


def _exact_root(value: Fraction) -> Fraction | None:
    if value < 0:
        return None
    above, below = math.isqrt(value.numerator), math.isqrt(value.denominator)
    root = Fraction(above, below)
    return root if root * root == value else None


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise Incalculable("The numbers grow too large.")
    return value


def _decimal(value: Fraction) -> Decimal:
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))


def _shown(value: Fraction, rounded: bool) -> str:
    if not rounded and (exact := _exact(value)) is not None:
        return exact
    number = _decimal(value).normalize(_CONTEXT)
    plain = -DIGITS < number.adjusted() < DIGITS
    return f"≈ {format(number, 'f') if plain else number}"


def _exact(value: Fraction) -> str | None:
    """As a decimal number of at most `DIGITS` places; None when it needs more."""
    if value.denominator == 1:
        return str(Decimal(value.numerator))
    places, below = 0, value.denominator
    for prime in (2, 5):
        count = 0
        while below % prime == 0:
            below //= prime
            count += 1
        places = max(places, count)
    if below != 1 or places > DIGITS:
        return None
    digits = Decimal(value.numerator * 10**places // value.denominator)
    return format(digits.scaleb(-places, Context(prec=MAX_BITS)), "f")
