#!/usr/bin/env python3
"""coturn's own client programs against a TURN server: every message that they send through the relay must come back.

turnutils_uclient relays through the server to turnutils_peer, which echoes; turnutils_stunclient asks for its address. They
come from Debian's package, unpacked and not installed. `--server coturn` runs the same cases against coturn's server,
which shows that the cases themselves are right.
"""

import argparse
import contextlib
import itertools
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.dont_write_bytecode = True

from cases import Cases, skip  # noqa: E402
from turn_servers import CoturnPackage, Settings, Unavailable, free_port, make_server  # noqa: E402

CLIENTS = 4
MESSAGES = 25  # of each client
TRANSPORTS = {"udp": [], "tcp": ["-t"], "tls": ["-t", "-S"], "dtls": ["-S"]}
DATA = {"channel": [], "indication": ["-s"]}
SECRET = "north"


class Relay:
    """One combination of what the client can do."""

    def __init__(self, transport, data, family, credentials):
        self.transport, self.data, self.family, self.credentials = transport, data, family, credentials

    @property
    def name(self):
        return f"relay-{self.transport}-{self.data}-{self.family}-{self.credentials}"

    def __call__(self, kind, package):
        encrypted = self.transport in ("tls", "dtls")
        v6 = self.family == "ipv6"
        host, peer = ("::1", "::1") if v6 else ("127.0.0.1", "127.0.0.2")
        settings = Settings(host=host, secret=SECRET if self.credentials == "secret" else None, tls=encrypted, quiet=False,
                            extra={"turn": {"rfc5766-channel-numbers": True}})
        with echo_peer(package, peer) as peer_port, make_server(kind, settings) as server:
            command = [package.program("turnutils_uclient"), *TRANSPORTS[self.transport], *DATA[self.data],
                       *(["-x"] if v6 else []), *self.login(settings), "-c", "-p",
                       str(server.tls_port if encrypted else server.port), "-e", peer, "-r", str(peer_port),
                       "-m", str(CLIENTS), "-n", str(MESSAGES), "-z", "5", "-l", "172", host]
            done = subprocess.run(command, env=package.environment(), capture_output=True, text=True, timeout=60,
                                  check=False)
            return judge(done, server)

    def login(self, settings):
        if self.credentials == "secret":
            return ["-u", "gorst", "-W", SECRET]
        return ["-u", settings.user, "-w", settings.password]


def judge(done, server):
    """By the client's summary: all was sent, all came back, nothing was dropped."""
    text = done.stdout + done.stderr
    story = f"exit code {done.returncode}\n{text[-1500:]}\n--- server:\n{server.log()}"
    assert done.returncode == 0, story
    totals = re.findall(r"start_mclient: tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", text)
    lost = re.findall(r"Total lost packets (\d+) .*total send dropped (\d+)", text)
    assert totals and lost, story
    expected = CLIENTS * MESSAGES
    assert tuple(map(int, totals[-1])) == (expected, expected), story
    assert tuple(map(int, lost[-1])) == (0, 0), story
    assert server.alive(), story
    delay = re.findall(r"Average round trip delay ([\d.]+) ms", text)
    return f"{expected} of {expected} messages came back, {delay[-1] if delay else '?'} ms each"


def stun_client(kind, package):
    with make_server(kind, Settings(quiet=False)) as server:
        done = subprocess.run([package.program("turnutils_stunclient"), "-p", str(server.port), server.host],
                              env=package.environment(), capture_output=True, text=True, timeout=20, check=False)
        text = done.stdout + done.stderr
        assert done.returncode == 0 and re.search(r"UDP reflexive addr: 127\.0\.0\.1:\d+", text), text
        return None


@contextlib.contextmanager
def echo_peer(package, host):
    port = free_port(host)
    peer = subprocess.Popen([package.program("turnutils_peer"), "-L", host, "-p", str(port)], env=package.environment(),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_echo(peer, host, port)
        yield port
    finally:
        peer.kill()
        peer.wait()


def wait_for_echo(peer, host, port):
    # The peer has no way to say that it is ready; its socket in the kernel's table has.
    table = "/proc/net/udp6" if ":" in host else "/proc/net/udp"
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with open(table, encoding="ascii") as sockets:
            if any(line.split()[1].endswith(f":{port:04X}") for line in list(sockets)[1:]):
                return
        if peer.poll() is not None:
            break
        time.sleep(0.01)
    raise Unavailable("turnutils_peer does not start")


def all_cases():
    relays = [Relay(*combination, "user") for combination in itertools.product(TRANSPORTS, DATA, ("ipv4", "ipv6"))]
    relays += [Relay(transport, "channel", "ipv4", "secret") for transport in TRANSPORTS]
    return {**{relay.name: relay for relay in relays}, "stun-binding": stun_client}


def main():
    known = all_cases()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--server", choices=["fairlead", "coturn"], default="fairlead")
    parser.add_argument("--scratch", help="where coturn's package is unpacked")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="default: all")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(known))
        return
    unknown = [name for name in arguments.cases if name not in known]
    if unknown:
        parser.error("no such case: " + ", ".join(unknown))
    try:
        package = CoturnPackage(arguments.scratch) if arguments.scratch else CoturnPackage()
    except Unavailable as reason:
        skip(reason)
    outcome = Cases()
    for name in arguments.cases or known:
        outcome.run(name, known[name], arguments.server, package)
    outcome.exit()


if __name__ == "__main__":
    main()
