"""The ``${…}`` expressions of a Serverless Devs file: vars, env, config and path.

``${vars.region}``, ``${env('NAME')}`` (an error when unset), ``${env('NAME', 'default')}``, ``${config('AccountID')}``,
``${path('../')}``. A value that is nothing but one expression keeps its type; inside other text it becomes text.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_EXPRESSION = re.compile(r"\$\{\s*(?P<body>[^}]*?)\s*\}")
_CALL = re.compile(r"(?P<name>env|config|path)\s*\((?P<arguments>.*)\)", re.DOTALL)
_VARIABLE = re.compile(r"vars\.(?P<keys>[\w-]+(\.[\w-]+)*)")


class InterpolationError(ValueError):
    """An expression can't be resolved; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What expressions can refer to: the file's `vars`, the environment, the account, the file's own folder."""

    variables: Mapping[str, Any]
    environment: Mapping[str, str]
    account: Mapping[str, str]
    folder: Path

    def resolve(self, value: Any, pending: tuple[str, ...] = ()) -> Any:
        """`value` (any YAML value) with every expression inside it replaced. Raises `InterpolationError`."""
        if isinstance(value, dict):
            return {key: self.resolve(item, pending) for key, item in value.items()}
        if isinstance(value, list):
            return [self.resolve(item, pending) for item in value]
        if not isinstance(value, str):
            return value
        whole = _EXPRESSION.fullmatch(value)
        if whole:
            return self._evaluate(whole["body"], pending)
        return _EXPRESSION.sub(lambda match: str(self._evaluate(match["body"], pending)), value)

    def _evaluate(self, body: str, pending: tuple[str, ...]) -> Any:
        variable = _VARIABLE.fullmatch(body)
        if variable:
            return self._variable(variable["keys"], pending)
        call = _CALL.fullmatch(body)
        if call is None:
            raise InterpolationError(f"${{{body}}} is not understood; vars, env, config and path are")
        arguments = _arguments(body, call["arguments"])
        if call["name"] == "env":
            return self._env(*arguments) if 1 <= len(arguments) <= 2 else _wrong_count(body)
        if len(arguments) != 1:
            return _wrong_count(body)
        if call["name"] == "path":
            return str((self.folder / str(arguments[0])).resolve())
        if arguments[0] not in self.account:
            raise InterpolationError(f"${{{body}}}: only {', '.join(self.account)} are known here")
        return self.account[arguments[0]]

    def _variable(self, keys: str, pending: tuple[str, ...]) -> Any:
        if keys in pending:
            raise InterpolationError(f"${{vars.{keys}}} refers to itself")
        value: Any = self.variables
        for key in keys.split("."):
            if not isinstance(value, dict) or key not in value:
                raise InterpolationError(f"${{vars.{keys}}}: vars has no such entry")
            value = value[key]
        return self.resolve(value, (*pending, keys))

    def _env(self, name: Any, *default: Any) -> Any:
        if name in self.environment:
            return self.environment[name]
        if not default:
            raise InterpolationError(f"${{env('{name}')}}: this environment variable is not set and has no default")
        return default[0]


def _arguments(body: str, text: str) -> tuple[Any, ...]:
    try:
        arguments = ast.literal_eval(f"({text},)") if text.strip() else ()
    except (ValueError, SyntaxError):
        raise InterpolationError(f"${{{body}}}: arguments must be quoted texts or numbers") from None
    return tuple(arguments)


def _wrong_count(body: str) -> Any:
    raise InterpolationError(f"${{{body}}}: wrong number of arguments")
