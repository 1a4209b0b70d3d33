"""The floor of an order's cost: a process that only makes its calls, with plain `requests`, and sends the mail.

`python -m benchmarks.floor REFERENCE...` prints the milliseconds of processor time that an order took. Settings are
those of the environment.
"""

import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks.synchronous import Script
from config import PROJECT, Settings, load_settings
from tests.tools.processes import environment_of

WARM_UP = 2


def milliseconds_of(settings: Settings, orderrefs: Sequence[str]) -> float:
    """Processor time an order, measured in a process of its own; the first `WARM_UP` orders are not counted."""
    command = [sys.executable, "-m", "benchmarks.floor", *orderrefs]
    run = subprocess.run(command, cwd=PROJECT, env=environment_of(settings), check=True, stdout=subprocess.PIPE)
    return float(run.stdout)


def main() -> None:
    """Do the orders one after the other, and print what each took in the mean."""
    script, orderrefs = Script(load_settings()), sys.argv[1:]
    for orderref in orderrefs[:WARM_UP]:
        script.order(orderref)
    began = time.process_time()
    for orderref in orderrefs[WARM_UP:]:
        script.order(orderref)
    print(1000 * (time.process_time() - began) / len(orderrefs[WARM_UP:]))


if __name__ == "__main__":
    main()
