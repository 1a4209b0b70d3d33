"""`python -m benchmarks [--quick]`: all measurements, one after the other, each in a process of its own."""

import subprocess
import sys

MEASUREMENTS = ("cost", "pages", "growth", "doors", "digest_read")


def main() -> None:
    """Run all, and exit with 1 when one of them finds a promise broken."""
    failed = []
    for name in MEASUREMENTS:
        print(f"\n{name} (python -m benchmarks.{name})", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *sys.argv[1:]], check=False).returncode:
            failed.append(name)
    sys.exit(f"Not all promises are kept: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
