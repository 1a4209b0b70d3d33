"""`make demo`: the sandbox's content (seed), the service it runs (service), its words (report), and its story.

The story is `__main__.py`, for `python -m sandbox.demo`.
"""
