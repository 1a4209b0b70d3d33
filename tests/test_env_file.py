"""`.env`: every value as it is written, or a fault that names the line; never one that is dropped, cut or filled in."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import env_file
from config import SettingsError


def faults_of(environment: Any, file: Path, text: str, **changed: str | None) -> list[str]:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        environment(file, **changed)
    return caught.value.faults


AS_WRITTEN = {
    "plain": "plain",
    "": "",
    "  blanks around  ": "blanks around",
    "pa$word${HOME}$(id)": "pa$word${HOME}$(id)",
    "'pa$word${HOME}'": "pa$word${HOME}",
    '"pa$word${HOME}"': "pa$word${HOME}",
    "#starts": "#starts",
    "a#b": "a#b",
    "'a #b'": "a #b",
    '"a #b"': "a #b",
    "'a'  # a remark": "a",
    '"it\'s"': "it's",
    r"'it\'s'": "it's",
    r'"say \"hello\" \\ "': 'say "hello" \\ ',
    r"C:\new": r"C:\new",
    r"'C:\new'": r"C:\new",
    'mid"dle': 'mid"dle',
    "a=b=c": "a=b=c",
    '{"1 Gbps": 7}': '{"1 Gbps": 7}',
    "'{\"1 Gbps\": 7}'": '{"1 Gbps": 7}',
    r'"{\"1 Gbps\": 7}"': '{"1 Gbps": 7}',
    "$2b$12$abcdefghijklmnopqrstuv": "$2b$12$abcdefghijklmnopqrstuv",
}


@pytest.mark.parametrize("written", AS_WRITTEN)
def test_a_value_arrives_as_it_is_written(written: str) -> None:
    found = env_file.parse(f"# a remark\n\nexport NAME={written}\r\n OTHER = 1 \n")

    assert found == env_file.EnvFile({"NAME": AS_WRITTEN[written], "OTHER": "1"}, ())


UNREADABLE = {
    'NAME="{"1 Gbps": 201, "250 Mbps": 202}"': "in single quotes",
    'NAME="secret': "not closed",
    "NAME='secret": "not closed",
    'NAME="Fiber Desk, Example ISP" <secret@example.com>': "in single quotes",
    "NAME='secret'#secret": "behind the quote",
    "NAME: secret": "NAME=value",
    "NAME:secret": "NAME=value",
    "NAME": "NAME=value",
    "NA ME=secret": "NAME=value",
    "NA-ME=secret": "NAME=value",
    "=secret": "NAME=value",
    "secret words": "NAME=value",
    "NAME=secret #secret": "# after a blank",
    "NAME= # a remark": "# after a blank",
    r'NAME="C:\new secret"': "line break",
}


@pytest.mark.parametrize("line", UNREADABLE)
def test_a_line_that_can_not_be_read_is_a_fault_with_its_number(line: str) -> None:
    found = env_file.parse(f"BEFORE=1\n\n{line}\nAFTER='2'\n")

    (fault,) = found.faults
    assert fault.number == 3
    assert UNREADABLE[line] in fault.words
    assert "secret" not in fault.words
    assert found.values == {"BEFORE": "1", "AFTER": "2"}, "no other line is swallowed"


def test_a_line_that_can_not_be_read_keeps_the_service_from_starting(environment: Any, tmp_path: Path) -> None:
    text = 'MAIL_PORT=587\nSERVICE_PLAN_MAPPING="{"1 Gbps": 201}"\nPC_API_KEY: hunter2\n'

    faults = faults_of(environment, tmp_path / ".env", text, PC_API_KEY=None, TIMEZONE="Mars")

    assert [fault.partition(": ")[0] for fault in faults] == [
        ".env, line 2 (SERVICE_PLAN_MAPPING)",
        ".env, line 3 (PC_API_KEY)",
        "TIMEZONE",
    ]
    assert "hunter2" not in "".join(faults)


def test_what_stands_alone_in_a_line_may_be_a_secret_and_is_not_shown(environment: Any, tmp_path: Path) -> None:
    (fault,) = faults_of(environment, tmp_path / ".env", "hunter2\n")

    assert fault.startswith(".env, line 1: ")
    assert "hunter2" not in fault


def test_a_file_that_nobody_may_read_is_a_fault_and_no_traceback(environment: Any, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(SettingsError, match=r"\.env can't be read"):
        environment(tmp_path / "folder")


@pytest.mark.long
def test_the_flask_command_reads_the_file_as_the_service_does(tmp_path: Path) -> None:
    """Flask reads `.env` first and puts it into the environment, `${...}` filled in."""
    (tmp_path / ".env").write_text("MAIL_PASSWORD=pa${HOME}\nLOG_FORMAT=text\n")
    script = (
        "import os, sys, click, env_file\n"
        "from flask.cli import FlaskGroup\n"
        "def app():\n"
        "    env_file.forget_what_flask_read(['MAIL_PASSWORD', 'LOG_FORMAT', 'LOG_LEVEL'])\n"
        "    print(sorted(name for name in os.environ if name.startswith(('MAIL_', 'LOG_'))))\n"
        "    sys.exit()\n"
        "FlaskGroup(create_app=app).main(['routes'])\n"
    )
    environment = {**os.environ, "LOG_LEVEL": "DEBUG", "PYTHONPATH": str(Path(env_file.__file__).parent)}

    said = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert said.stdout == "['LOG_LEVEL']\n", said.stderr
