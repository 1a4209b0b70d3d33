"""Makes a virtual environment with the packages that the tests run with, and without a network.

Called as the script calls Python: `packages.py -m venv --clear FOLDER`.
"""

import sys
import sysconfig
import venv
from pathlib import Path

PROGRAMS = (("gunicorn", "gunicorn.app.wsgiapp", "run"), ("flask", "flask.cli", "main"))


def make(folder: Path) -> None:
    """pip finds everything installed already, so it fetches nothing."""
    venv.create(folder, clear=True, with_pip=False, symlinks=True)
    own = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (own / "tests.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    for name, module, start in PROGRAMS:
        program = folder / "bin" / name
        program.write_text(f"#!{folder}/bin/python\nimport sys\nfrom {module} import {start}\nsys.exit({start}())\n")
        program.chmod(0o755)


if __name__ == "__main__":
    make(Path(sys.argv[-1]).resolve())
