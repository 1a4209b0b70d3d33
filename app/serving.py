"""`python wsgi.py` and `flask worker`: the same server as in production, for those who start it by hand."""

import os
import sys
from typing import NoReturn

from config import PROJECT


def serve(**environment: str) -> NoReturn:
    """Replace this process by gunicorn with gunicorn.conf.py; `environment` goes before the settings of .env."""
    os.chdir(PROJECT)
    os.environ.update(environment)
    arguments = [sys.executable, "-m", "gunicorn", "-c", str(PROJECT / "gunicorn.conf.py"), "wsgi:app"]
    os.execv(sys.executable, arguments)  # noqa: S606 - fixed arguments
