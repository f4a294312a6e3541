"""The steps of a run, one file each: what it measures is listed in its STEPS, its lines of the table
in LINES, its drawings, if it has any, in CURVES.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules

from bench.curve import Curve
from bench.line import Line
from bench.plan import Plan

Step = Callable[[Plan], None]
_FILES = [import_module(f"{__name__}.{info.name}") for info in iter_modules(__path__)]
STEPS: dict[str, Step] = {step.__name__: step for file in _FILES for step in file.STEPS}
LINES: tuple[Line, ...] = tuple(line for file in _FILES for line in file.LINES)
CURVES: tuple[Curve, ...] = tuple(curve for file in _FILES for curve in getattr(file, "CURVES", ()))
