"""Links to pages. Nobody follows most of them soon after a start, which need not wait for them."""

from collections.abc import Callable
from functools import cache, partial

from werkzeug.routing import Rule


class LinkedLater(Rule):
    """A page's address. What writes links to it is compiled for the first link: all at once, that takes 50 ms."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        writer = cache(partial(super()._compile_builder, append_unknown))
        return lambda rule, /, **values: writer()(rule, **values)
