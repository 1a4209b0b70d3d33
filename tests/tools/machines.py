"""Machines of a test's own, where pages for root are followed as they are written. Needs root.

Users, folders and units are in their real places, and nowhere but in that machine: a mount, process and network
namespace. Three programs stand in for what a test must not do: `systemctl` starts units without systemd, `apt-get`
finds everything installed, and `python3 -m venv` lays the tests' own packages into the environment that it makes.
"""

import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Self

from tests.deploy import packages
from tests.tools.network import CAN_MAKE_HOSTS, Host
from tests.tools.processes import until

TRY = (
    "mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/merge /mnt/all"
    " && mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/merge /mnt/all"
)
CAN_MAKE_MACHINES = (
    CAN_MAKE_HOSTS
    and not subprocess.run(["unshare", "--mount", "sh", "-c", TRY], check=False, capture_output=True).returncode
)
NO_MACHINE = "No machine can be made here: that needs root, and a kernel that lets it"
STAND_INS = Path(__file__).resolve().parent / "stand_ins"

BEGIN = """
mount -t tmpfs tmpfs {layers}
cd {layers}
mount -t tmpfs tmpfs /run
for folder in etc opt root usr/local var; do
    mkdir -p "upper/$folder" "merge/$folder"
    mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$PWD/upper/$folder,workdir=$PWD/merge/$folder" "/$folder"
done
rm -rf /opt/* /root/* /var/backups/utopia /etc/systemd/system/utopia-handler*
mkdir -p /run/systemd/system /opt/packages && mount --bind {packages} /opt/packages
cp {stand_ins}/* /usr/local/bin && chmod 755 /usr/local/bin/*
chmod 755 /root # where its Python may be
echo begun
while :; do sleep 1000; done
"""

PYTHON = """#!/bin/bash
[[ "$1 $2" == "-m venv" ]] || exec {base} "$@"
{tests} {maker} "$@" && echo /opt/packages | tee "${{@: -1}}"/lib/python*/site-packages/tests.pth >/dev/null
"""


class Machine:
    """A fresh one, reached at its host's address.

    with Machine(network.host(), tmp_path / "machine") as machine:
        machine.run("/opt/utopia-handler/deploy/install.sh")
    """

    def __init__(self, host: Host, folder: Path) -> None:
        self._host, self._folder = host, folder

    def __enter__(self) -> Self:
        layers, stand_ins = self._folder / "layers", self._folder / "stand-ins"
        layers.mkdir(parents=True)
        stand_ins.mkdir()
        for program in STAND_INS.iterdir():
            (stand_ins / program.name).write_bytes(program.read_bytes())
        base = str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())
        (stand_ins / "python3").write_text(PYTHON.format(base=base, tests=sys.executable, maker=packages.__file__))
        script = BEGIN.format(layers=layers, stand_ins=stand_ins, packages=sysconfig.get_paths()["purelib"])
        isolated = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private")
        self._process = subprocess.Popen(
            [*self._host.command, *isolated, "bash", "-euc", script], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "begun\n"
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        self._first = until(lambda: children.read_text().split())[0]
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, commands: str, *, codes: tuple[int, ...] = (0,), said: str = "") -> str:
        """Run commands as root types them into a shell, `said` to their questions; what they print.

        AssertionError when the exit code is another one.
        """
        inside = ("nsenter", "--target", self._first, "--mount", "--pid", "--net", "--wdns=/root")
        environment = ("env", "-i", "HOME=/root", "LANG=C.UTF-8", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        done = subprocess.run(
            [*inside, *environment, "bash", "-euo", "pipefail", "-c", commands],
            input=said,
            capture_output=True,
            text=True,
            check=False,
            timeout=140,
        )
        assert done.returncode in codes, f"{commands}\n{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr
