"""`python wsgi.py`: the same server as in production, for those who start it by hand."""

import os
import sys

from config import PROJECT


def serve() -> None:
    """Replace this process by gunicorn with gunicorn.conf.py."""
    os.chdir(PROJECT)
    arguments = [sys.executable, "-m", "gunicorn", "-c", str(PROJECT / "gunicorn.conf.py"), "wsgi:app"]
    os.execv(sys.executable, arguments)  # noqa: S606 - fixed arguments
