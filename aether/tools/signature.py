"""From a function's signature to a JSON schema, and from a model's raw JSON to its arguments.

Pydantic does both; this room adds the words: what is wrong with the arguments, and what
they should be. It knows no tool.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

LONGEST_ARGUMENTS = 100_000
"""Characters of raw JSON that a call may carry."""
SHOWN_MISTAKES = 5


class BadArguments(ValueError):
    """Say in words what is wrong with a call's arguments."""


@dataclass(frozen=True)
class Arguments:
    """What a function takes: from the model (`schema`), and from the app (`given`)."""

    description: str
    schema: dict[str, Any]
    model: type[BaseModel]
    given: tuple[str, ...]

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Arguments:
        """Read a function's signature and docstring; raise TypeError if it cannot be offered to a model."""
        hints = get_type_hints(function, include_extras=True)
        fields: dict[str, Any] = {}
        given: list[str] = []
        parameters = inspect.signature(function).parameters
        description, told = _docstring(inspect.getdoc(function) or "", parameters)
        if not description:
            raise TypeError(f"{function.__name__} has no docstring: a model would not know what it is for.")
        for name, parameter in parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise TypeError(f"{function.__name__} takes any number of arguments: a model needs them by name.")
            if parameter.kind is parameter.KEYWORD_ONLY:
                given.append(name)
                continue
            if name not in hints:
                raise TypeError(f"{function.__name__} does not say of what type {name} is.")
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[name] = (hints[name], Field(default, description=told.get(name)))
        model = create_model(function.__name__, __config__=ConfigDict(extra="forbid"), **fields)
        return cls(description, _plain(model.model_json_schema()), model, tuple(given))

    def read(self, raw: str) -> dict[str, Any]:
        """Return the checked arguments; raise BadArguments with words that the model can act on."""
        if len(raw) > LONGEST_ARGUMENTS:
            raise BadArguments(f"The arguments are {len(raw):,} characters long; {LONGEST_ARGUMENTS:,} are allowed.")
        try:
            read = self.model.model_validate_json(raw.strip() or "{}")
        except ValidationError as error:
            raise BadArguments(f"{_mistakes(error)} {self.expected()}") from None
        except ValueError:
            raise BadArguments(f"The arguments are not valid JSON. {self.expected()}") from None
        return {name: getattr(read, name) for name in self.model.model_fields}

    def expected(self) -> str:
        """Say in words what the arguments should be."""
        if not self.model.model_fields:
            return "This tool takes no arguments: send {}."
        wanted = [
            f"{name} ({_kind(self.schema['properties'][name])}"
            + ("" if field.is_required() else f", {json.dumps(field.default, default=str)} if left out")
            + ")"
            for name, field in self.model.model_fields.items()
        ]
        return f"Expected one JSON object with: {', '.join(wanted)}."


def _docstring(text: str, parameters: Mapping[str, object]) -> tuple[str, dict[str, str]]:
    """Part a docstring into the description and the lines `parameter: text`."""
    lines: list[str] = []
    told: dict[str, str] = {}
    for line in text.splitlines():
        match = re.match(r"\s*(\w+): (.+)", line)
        if match and match[1] in parameters:
            told[match[1]] = match[2].strip()
        else:
            lines.append(line)
    return "\n".join(lines).strip(), told


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Drop what Pydantic adds for itself: titles, and the class's own docstring."""
    properties = {
        name: {k: v for k, v in value.items() if k != "title"} for name, value in schema.get("properties", {}).items()
    }
    kept = {k: v for k, v in schema.items() if k in ("required", "$defs")}
    return {"type": "object", "properties": properties, **kept, "additionalProperties": False}


def _kind(schema: Mapping[str, Any]) -> str:
    kind = str(schema.get("type", "value"))
    low, high = schema.get("minimum"), schema.get("maximum")
    return kind + (f" from {low}" if low is not None else "") + (f" to {high}" if high is not None else "")


def _mistakes(error: ValidationError) -> str:
    found: list[str] = []
    for mistake in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(str(x) for x in mistake["loc"])[:80]
        match mistake["type"]:
            case "extra_forbidden":
                found.append(f"There is no argument {where}.")
            case "missing":
                found.append(f"The argument {where} is missing.")
            case "json_invalid" | "model_type":
                found.append(f"The arguments are not one JSON object: {mistake['msg'][:200]}.")
            case _:
                found.append(f"{where}: {mistake['msg'][:200]}.")
    more = len(found) - SHOWN_MISTAKES
    return " ".join(found[:SHOWN_MISTAKES]) + (f" And {more} more mistakes." if more > 0 else "")
