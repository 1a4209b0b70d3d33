"""`python -m sandbox`: the sandbox as a process of its own, until SIGTERM or SIGINT.

Prints one line of JSON when it is ready: where each server listens, with its `api_key`, and the control API's `url`.
"""

import argparse
import json
import signal
import threading

from sandbox import Sandbox
from sandbox.control import ControlServer


def main() -> None:
    """Serve until the process is asked to end."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Simulated UTOPIA, PowerCode and mailbox.")
    parser.add_argument("--host", default="127.0.0.1")
    host = parser.parse_args().host
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with Sandbox(host=host) as sandbox:
        control = ControlServer(sandbox, host)
        try:
            control.up()
            print(json.dumps({**sandbox.addresses, "control": {"url": control.url}}), flush=True)
            ended.wait()
        finally:
            control.stop()


if __name__ == "__main__":
    main()
