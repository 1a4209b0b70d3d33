"""The application for gunicorn (`gunicorn -c gunicorn.conf.py wsgi:app`), the flask command, and `python wsgi.py`."""

import gc
import os
import sys
import threading
from pathlib import Path

if os.name == "nt":  # before the imports of modules that Windows does not have
    sys.exit(
        "Windows can't run this service. Use Debian or Ubuntu, also in a virtual machine or WSL 2: docs/install.md"
    )

if __name__ == "__main__":  # before the imports, which gunicorn's processes make by themselves
    gunicorn = ["-m", "gunicorn", "-c", str(Path(__file__).resolve().parent / "gunicorn.conf.py"), "wsgi:app"]
    os.execv(sys.executable, [sys.executable, *gunicorn])  # noqa: S606 - fixed arguments

gc.disable()  # until all is imported: looking for garbage there takes an eighth of the time of a start, or of a command

from wire.transport import trusted_by_default

threading.Thread(target=trusted_by_default).start()  # OpenSSL reads the public authorities beside the imports

import env_file
from app import create_app
from app.observability import configure_logging
from config import PROJECT, Settings, SettingsError, load_settings

is_command = Path(sys.argv[0]).name in ("flask", "__main__.py")
if is_command:
    env_file.forget_what_flask_read(Settings.model_fields)
try:
    settings = load_settings()
except SettingsError as error:
    print(f"The settings have faults. Mend them in {PROJECT / '.env'}:", file=sys.stderr)  # noqa: T201
    sys.exit("\n".join(f"  {fault}" for fault in error.faults))

configure_logging(
    log_file=settings.log_file,
    level=settings.log_level,
    format=settings.log_format,
    secrets=settings.secrets(),
    stderr=not is_command,
)
app = create_app(settings, with_commands="gunicorn.arbiter" not in sys.modules)  # gunicorn runs no commands
gc.freeze()  # what is there now stays for good: it need never be looked through
gc.enable()
