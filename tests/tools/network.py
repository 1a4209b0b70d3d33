"""Hosts of a test's own: network namespaces on this machine, each with its address, that can be cut off. Needs root."""

import os
import shutil
import subprocess
from contextlib import ExitStack
from typing import Self

CAN_MAKE_HOSTS = os.geteuid() == 0 and shutil.which("ip") is not None
WHY_NOT = "needs root and iproute2, to make hosts as network namespaces"


def ip(*arguments: str, must: bool = True) -> None:
    """Run one command of iproute2."""
    subprocess.run(["ip", *arguments], check=must, capture_output=not must)


class Host:
    """A host with an address towards the database, and another one towards everything else."""

    def __init__(self, network: "Network", number: int) -> None:
        self._network = network
        self.namespace = f"{network.tag}h{number}"
        self.address = network.address("office", 10 + number)
        """Where it is reached, and comes from, towards everything but the database."""
        self._links = {side: f"{network.tag}{side[0]}{number}" for side in network.SIDES}
        ip("netns", "add", self.namespace)
        ip("-n", self.namespace, "link", "set", "lo", "up")
        for side, link in self._links.items():
            ip("link", "add", link, "type", "veth", "peer", "name", side, "netns", self.namespace)
            ip("link", "set", link, "master", network.bridge(side), "up")
            ip("-n", self.namespace, "address", "add", f"{network.address(side, 10 + number)}/24", "dev", side)
            ip("-n", self.namespace, "link", "set", side, "up")

    @property
    def command(self) -> tuple[str, ...]:
        """What a command is put behind in order to run on this host."""
        return ("ip", "netns", "exec", self.namespace)

    def cut_off_from_the_database(self) -> None:
        """No packet passes any more between this host and the database; nobody is told."""
        ip("link", "set", self._links["database"], "down")

    def vanish(self) -> None:
        """No packet passes at all, as when the power fails: not even the end of a connection."""
        for link in self._links.values():
            ip("link", "set", link, "down")

    def mend(self) -> None:
        """Connected as before."""
        for link in self._links.values():
            ip("link", "set", link, "up")

    def remove(self) -> None:
        """Take the host away."""
        for link in self._links.values():
            ip("link", "delete", link, must=False)
        ip("netns", "delete", self.namespace, must=False)


class Network:
    """Two networks between this machine and its hosts: `database`, and `office` for everything else.

    with Network() as network:
        server = PostgresServer(network.database_address)
        host = network.host()
    """

    SIDES = ("database", "office")

    def __init__(self) -> None:
        number = os.getpid() % 120
        self.tag = f"t{os.getpid() % 100_000}"
        self._subnets = {"database": f"10.213.{2 * number}", "office": f"10.213.{2 * number + 1}"}
        self._hosts = 0
        self._made = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as making:
            for side in self.SIDES:
                making.callback(ip, "link", "delete", self.bridge(side), must=False)
                ip("link", "add", self.bridge(side), "type", "bridge")
                ip("address", "add", f"{self.address(side, 1)}/24", "dev", self.bridge(side))
                ip("link", "set", self.bridge(side), "up")
            self._made = making.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._made.close()

    def bridge(self, side: str) -> str:
        """The name of this machine's end of a network."""
        return f"{self.tag}{side[0]}"

    def address(self, side: str, number: int) -> str:
        """An address in one of the networks."""
        return f"{self._subnets[side]}.{number}"

    @property
    def database_address(self) -> str:
        """Where a database server listens that the hosts can reach, and be cut off from."""
        return self.address("database", 1)

    @property
    def office_address(self) -> str:
        """Where everything else listens."""
        return self.address("office", 1)

    def host(self) -> Host:
        """One more host."""
        self._hosts += 1
        host = Host(self, self._hosts)
        self._made.callback(host.remove)
        return host
