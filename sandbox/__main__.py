"""`python -m sandbox`: the sandbox as a process of its own, until SIGTERM or SIGINT.

Prints one line of JSON when it is ready: each server's `url`, `port` and `api_key`, the control API's, and the orders
that `--seed-demo` put in.
"""

import argparse
import json
import signal
import threading
from typing import Any

from sandbox import Sandbox
from sandbox.control import ControlServer
from sandbox.demo import seed_demo


def main() -> None:
    """Serve until the process is asked to end."""
    options = _options()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    sandbox = Sandbox(host=options.host)
    with sandbox:
        orders = seed_demo(sandbox) if options.seed_demo else []
        control = ControlServer(sandbox, options.host)
        try:
            control.up()
            print(json.dumps({**_addresses(sandbox, control), "orders": orders}), flush=True)
            ended.wait()
        finally:
            control.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Simulated UTOPIA, PowerCode and mailbox.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--seed-demo", action="store_true", help="put in a few orders and a customer")
    return parser.parse_args()


def _addresses(sandbox: Sandbox, control: ControlServer) -> dict[str, dict[str, Any]]:
    utopia, powercode, mailbox, webhook = sandbox.utopia, sandbox.powercode, sandbox.mailbox, sandbox.webhook
    return {
        "utopia": {"url": utopia.url, "port": utopia.port, "api_key": utopia.api_key},
        "powercode": {
            "url": powercode.url,
            "port": powercode.port,
            "api_key": powercode.api_key,
            "api_url": powercode.api_url,
            "uapi_url": powercode.uapi_url,
        },
        "mailbox": {"host": mailbox.host, "port": mailbox.port},
        "webhook": {"url": webhook.post_url, "port": webhook.port},
        "control": {"url": control.url, "port": control.port},
    }


if __name__ == "__main__":
    main()
