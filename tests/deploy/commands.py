"""`systemctl` and `journalctl` for the stand-in; which of them, the name by which this is called tells."""

import json
import socket
import sys
from pathlib import Path

FOLDER = Path(sys.argv[0]).resolve().parent.parent


def systemctl(words: list[str]) -> int:
    """Ask the stand-in, and print what it says."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.connect(str(FOLDER / "control"))
        control.sendall(json.dumps(words).encode())
        code, text = json.loads(b"".join(iter(lambda: control.recv(65536), b"")))
    if text and "--quiet" not in words:
        print(text, file=sys.stderr if code else sys.stdout)
    return code


def journalctl(words: list[str]) -> int:
    """The lines since `--since @SECONDS`."""
    since = float(words[words.index("--since") + 1].lstrip("@"))
    for line in (FOLDER / "journal").read_text().splitlines():
        moment, _, text = line.partition(" ")
        if float(moment) >= since:
            print(text)
    return 0


if __name__ == "__main__":
    sys.exit({"systemctl": systemctl, "journalctl": journalctl}[Path(sys.argv[0]).name](sys.argv[1:]))
