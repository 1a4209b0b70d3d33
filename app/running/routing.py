"""The routes of the application."""

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule


class Route(Rule):
    """A route that learns to write addresses when the first one is asked of it.

    Werkzeug compiles two functions for each route as it is added, and most are never called: for 160 routes, a
    fifteenth of a start. Where a later Werkzeug calls its method otherwise, each route is compiled as it is added.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, /, **values: Any) -> tuple[str, str]:
            if not compiled:
                compiled.append(super(Route, self)._compile_builder(append_unknown))
            return compiled[0](rule, **values)

        return build
