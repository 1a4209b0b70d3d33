"""Whether a locked dependency has a known vulnerability: `make audit`, and a step of `.ci/run`.

pip-audit asks the advisory service of the Python package index. Where that can't be reached, or only a mirror without
advisories, this says so and ends well: nothing was found out, and a build must not depend on it. A finding fails,
unless `.ci/accepted-vulnerabilities.toml` accepts it, with a reason and until a day.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
LOCKED = ("requirements.txt", "requirements-dev.txt")
ACCEPTED = Path(__file__).with_name("accepted-vulnerabilities.toml")
LONGEST_SECONDS = 300
UNREACHABLE = ("ConnectionError", "ProxyError", "Max retries exceeded", "timed out", "ServiceError", "SSLError")
NOT_AUDITED = "NOT AUDITED"


@dataclass(frozen=True)
class Accepted:
    """A vulnerability that somebody looked at: why it does no harm here, and until when that is believed."""

    id: str
    reason: str
    until: date


@dataclass(frozen=True)
class Verdict:
    """What is told, and whether it fails the build."""

    lines: Sequence[str]
    fails: bool


def accepted(text: str) -> dict[str, Accepted]:
    """The accepted vulnerabilities of a file by their ids: `[[accepted]]` with id, reason, until."""
    return {one["id"]: Accepted(one["id"], one["reason"], one["until"]) for one in tomllib.loads(text)["accepted"]}


def judge(report: str, errors: str, allowed: dict[str, Accepted], today: date) -> Verdict:
    """What pip-audit's JSON amounts to, or what it printed instead."""
    try:
        dependencies: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return _without_report(errors)
    skipped = [one["name"] for one in dependencies if "skip_reason" in one]
    if len(skipped) == len(dependencies):
        return Verdict([f"{NOT_AUDITED}: the service that was reached has no advisories (a mirror?)"], fails=False)
    findings = {
        (one["name"], one["version"], each["id"]): each for one in dependencies for each in one.get("vulns", [])
    }
    open_ones = [key for key, each in findings.items() if not _is_accepted(each, allowed, today)]
    lines = [f"{name} {version}: {_words(findings[name, version, id_])}" for name, version, id_ in open_ones]
    lines += [f"not known to the service: {', '.join(skipped)}"] if skipped else []
    audited = len(dependencies) - len(skipped)
    counts = f"{len(open_ones)} open findings, {len(findings) - len(open_ones)} accepted"
    return Verdict([*lines, f"{audited} packages audited: {counts}"], fails=bool(open_ones))


def _without_report(errors: str) -> Verdict:
    if any(word in errors for word in UNREACHABLE):
        return Verdict([f"{NOT_AUDITED}: the advisory service can't be reached from here"], fails=False)
    last = errors.strip().splitlines()[-1:] or ["it said nothing"]
    return Verdict([f"pip-audit failed: {last[0]}"], fails=True)


def _is_accepted(vulnerability: dict[str, Any], allowed: dict[str, Accepted], today: date) -> bool:
    names = [vulnerability["id"], *vulnerability.get("aliases", [])]
    return any(name in allowed and today <= allowed[name].until for name in names)


def _words(vulnerability: dict[str, Any]) -> str:
    fixed = ", ".join(vulnerability.get("fix_versions", [])) or "no version yet"
    return " ".join([vulnerability["id"], *vulnerability.get("aliases", []), f"(fixed in {fixed})"])


def run() -> tuple[str, str]:
    """What pip-audit printed on its two outputs."""
    files = [part for name in LOCKED for part in ("--requirement", name)]
    options = ["--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip_audit", *files, *options],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "", "timed out"
    return done.stdout, done.stderr


def main() -> None:
    """Print the verdict; exit with 1 for a finding that is not accepted."""
    verdict = judge(*run(), accepted(ACCEPTED.read_text(encoding="utf-8")), datetime.now(UTC).date())
    sys.stdout.write("\n".join(verdict.lines) + "\n")
    sys.exit(1 if verdict.fails else 0)


if __name__ == "__main__":
    main()
