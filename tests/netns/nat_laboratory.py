#!/usr/bin/env python3
"""Two clients behind two NATs, and the server outside.

Every network is a namespace; the NATs are the kernel's own. `masquerade fully-random` gives each destination a port of its
own: a symmetric NAT, through which hole punching fails. The clients are two fairlead-peer processes; this program carries
their addresses from one to the other, as signaling would.

    client-a (10.1.0.2) -- nat-a (5.6.7.11) --+-- server (5.6.7.1)
    client-b (10.2.0.2) -- nat-b (5.6.7.12) --+-- this program (5.6.7.254)
"""

import argparse
import base64
import contextlib
import hashlib
import json
import os
import pathlib
import selectors
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.dont_write_bytecode = True

import isolation  # noqa: E402
from cases import Cases  # noqa: E402
from isolation import run  # noqa: E402
from turn_servers import Settings, Unavailable, make_server  # noqa: E402

SERVER, OBSERVER = "5.6.7.1", "5.6.7.254"
TURN_PORT, STUN_PORT, TLS_PORT = 3478, 3479, 443
NO_UDP = "meta l4proto udp drop"
ONLY_443 = 'iifname "lan" meta l4proto != tcp drop; iifname "lan" tcp dport != 443 drop'
SYMMETRIC, CONE = "masquerade fully-random", "masquerade"

NAT_RULES = """
table ip nat {{
    chain postrouting {{
        type nat hook postrouting priority srcnat;
        oifname "wan" {masquerade}
    }}
}}
table ip filter {{
    chain input {{
        type filter hook input priority filter; policy drop;
        ct state established accept
    }}
    chain access {{
    }}
    chain forward {{
        type filter hook forward priority filter; policy drop;
        jump access
        ct state established,related accept
        iifname "lan" accept
    }}
}}
"""


class Laboratory:
    """The networks. `access` rules are what a client's network does to its packets."""

    def __init__(self, nat, access_a="", access_b=""):
        self.nat, self.access = nat, {"a": access_a, "b": access_b}
        self.cleanup = contextlib.ExitStack()

    def __enter__(self):
        with self.cleanup:  # when a step fails, those before it are undone
            self._interface("internet", "type", "bridge")
            run("ip", "address", "add", f"{OBSERVER}/24", "dev", "internet")
            run("ip", "link", "set", "internet", "up")
            self._space("server")
            self._attach("server", SERVER)
            # As any host on the internet the server has somewhere to send what is for private addresses: it is lost there.
            run("ip", "-n", "server", "route", "add", "default", "via", OBSERVER)
            self._nat("a", 1)
            self._nat("b", 2)
            self.cleanup = self.cleanup.pop_all()
        return self

    def __exit__(self, *_):
        self.cleanup.close()

    def _interface(self, name, *kind):
        run("ip", "link", "add", name, *kind)
        self.cleanup.callback(run, "ip", "link", "delete", name)

    def _space(self, name):
        run("ip", "netns", "add", name)
        self.cleanup.callback(run, "ip", "netns", "delete", name)
        run("ip", "-n", name, "link", "set", "lo", "up")

    def _attach(self, space, address):
        """A cable from the internet's switch to an interface "wan" in that namespace."""
        self._interface(f"to-{space}", "type", "veth", "peer", "name", "wan", "netns", space)
        run("ip", "link", "set", f"to-{space}", "master", "internet", "up")
        run("ip", "-n", space, "address", "add", f"{address}/24", "dev", "wan")
        run("ip", "-n", space, "link", "set", "wan", "up")

    def _nat(self, name, number):
        router, client = f"nat-{name}", f"client-{name}"
        self._space(router)
        self._space(client)
        self._attach(router, f"5.6.7.{10 + number}")
        run("ip", "-n", router, "link", "add", "lan", "type", "veth", "peer", "name", "eth0", "netns", client)
        run("ip", "-n", router, "address", "add", f"10.{number}.0.1/24", "dev", "lan")
        run("ip", "-n", router, "link", "set", "lan", "up")
        run("ip", "-n", client, "address", "add", f"10.{number}.0.2/24", "dev", "eth0")
        run("ip", "-n", client, "link", "set", "eth0", "up")
        run("ip", "-n", client, "route", "add", "default", "via", f"10.{number}.0.1")
        run("ip", "netns", "exec", router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        run("ip", "netns", "exec", router, "nft", "-f", "-", input=NAT_RULES.format(masquerade=self.nat))
        rules = "".join(f"add rule ip filter access {rule}\n" for rule in self.access[name].split(";") if rule)
        run("ip", "netns", "exec", router, "nft", "-f", "-", input=rules)


class Peer:
    """A fairlead-peer behind one of the NATs."""

    def __init__(self, program, side, *arguments):
        command = ["ip", "netns", "exec", f"client-{side}", program, *map(str, arguments)]
        self.name = f"{pathlib.Path(program).name} {side}"
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def tell(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def line(self, patience=30):
        deadline = time.monotonic() + patience
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self.unread:
                assert selector.select(max(0, deadline - time.monotonic())), f"{self.name} says nothing"
                piece = os.read(self.process.stdout.fileno(), 4096)
                assert piece, f"{self.name} ended without a word"
                self.unread += piece
        line, self.unread = self.unread.split(b"\n", 1)
        return line.decode()

    def expect(self, word):
        line = self.line()
        assert line.split(" ")[0] == word, f"{self.name}: expected {word!r}, got {line!r}"
        return line[len(word) + 1:]


class Browser(Peer):
    """A Chromium behind one of the NATs."""

    def __init__(self, side, options):
        script = pathlib.Path(__file__).with_name("browser_peer.mjs")
        super().__init__("node", side, script, json.dumps(options))

    @staticmethod
    def check_installed():
        chromium = os.environ.get("FAIRLEAD_CHROMIUM", "/usr/bin/chromium")
        packages = pathlib.Path(__file__).resolve().parents[1] / "browser/node_modules/playwright-core"
        for what, there in (("node", shutil.which("node")), ("Chromium", os.access(chromium, os.X_OK)),
                            ("playwright-core, which the browser tests install", packages.exists())):
            if not there:
                raise Unavailable("no " + what)

    def hear(self):
        return json.loads(self.line(patience=60))


class Reflector(threading.Thread):
    """A second STUN server, so that a client can see whether its NAT maps each destination to another port."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((OBSERVER, STUN_PORT))
        self.socket.settimeout(0.1)
        self.done = False
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.done = True
        self.join()
        self.socket.close()

    def run(self):
        while not self.done:
            try:
                request, (host, port) = self.socket.recvfrom(1500)
            except TimeoutError:
                continue
            mixed = bytes(a ^ b for a, b in zip(socket.inet_aton(host), b"\x21\x12\xa4\x42"))
            value = struct.pack("!BBH", 0, 1, port ^ 0x2112) + mixed
            answer = struct.pack("!HHI", 0x0101, 12, 0x2112A442) + request[8:20] + struct.pack("!HH", 0x0020, 8) + value
            self.socket.sendto(answer, (host, port))


class Trial:
    """Everything that a case needs to know."""

    def __init__(self, kind, peer):
        self.kind, self.peer_program = kind, peer

    def server(self, tls=False):
        # Addresses here look public, so the server runs with its default policy for peers.
        return make_server(self.kind, Settings(host=SERVER, port=TURN_PORT, tls_port=TLS_PORT, allow_any_peer=False, quiet=False,
                                               tls=tls, prefix=["ip", "netns", "exec", "server"]))

    def peer(self, side, mode, *arguments):
        return Peer(self.peer_program, side, mode, "--server", f"{SERVER}:{TURN_PORT}", *arguments)

    def relay_peer(self, side, *arguments):
        return self.peer(side, "relay", "--user", "gorst", "--password", "hero", *arguments)

    def punch(self):
        """Both try to reach each other directly. Returns what each had to say, and how each NAT maps."""
        arguments = ["--second-server", f"{OBSERVER}:{STUN_PORT}", "--patience-ms", 3000, "--enough", 1]
        with Reflector(), self.peer("a", "direct", *arguments) as a, self.peer("b", "direct", *arguments) as b:
            mapped = {peer: (peer.expect("mapped"), peer.expect("mapped")) for peer in (a, b)}
            a.tell("peer " + mapped[b][0])
            b.tell("peer " + mapped[a][0])
            return [(peer.line(), mapped[peer]) for peer in (a, b)]

    def converse(self, options_a=(), options_b=(), messages=50, enough=None):
        """From relayed address to relayed address, both ways."""
        common = ["--messages", messages, "--enough", enough or messages]
        with self.relay_peer("a", *common, *options_a) as a, self.relay_peer("b", *common, *options_b) as b:
            relayed_a, relayed_b = a.expect("relayed"), b.expect("relayed")
            assert relayed_a.startswith(SERVER + ":") and relayed_b.startswith(SERVER + ":"), (relayed_a, relayed_b)
            a.tell("peer " + relayed_b)
            b.tell("peer " + relayed_a)
            for peer in (a, b):
                peer.expect("ready")
            for peer in (a, b):
                peer.tell("go")
            heard = [int(peer.expect("exchanged")) for peer in (a, b)]
        return f"{heard[0]} and {heard[1]} of {messages} messages"


    def browsers(self, urls, key_hash=None):
        """How it went for a browser behind each NAT that were given these servers."""
        options = {"iceServers": [{"urls": urls, "username": "gorst", "credential": "hero"}], "keyHash": key_hash}
        with Browser("a", {**options, "offers": True}) as a, Browser("b", options) as b:
            b.tell(json.dumps(a.hear()))
            a.tell(json.dumps(b.hear()))
            return [a.hear(), b.hear()]

    def browsers_through_relay(self, urls, protocol, key_hash=None):
        outcomes = self.browsers(urls, key_hash)
        for outcome in outcomes:
            assert outcome["outcome"] == "connected" and outcome["heard"] == 20, outcomes
            # Each side may reach the other's relayed address from its own or from behind its NAT; one of the two is a relay.
            assert outcome["candidate"] in ("relay", "srflx", "prflx", "host"), outcomes
        relays = [outcome for outcome in outcomes if outcome["candidate"] == "relay"]
        assert relays and all(outcome["protocol"] == protocol for outcome in relays), outcomes
        return ", ".join(f"{outcome['candidate']} over {outcome['protocol']}" for outcome in outcomes)


def symmetric_nats_defeat_hole_punching(trial):
    with Laboratory(SYMMETRIC), trial.server():
        for outcome, mapped in trial.punch():
            assert mapped[0] != mapped[1], f"this NAT is not symmetric: {mapped}"
            assert outcome == "nothing", outcome


def cone_nats_let_hole_punching_through(trial):
    """The control: what fails above fails because of the NATs and nothing else."""
    with Laboratory(CONE), trial.server():
        for outcome, mapped in trial.punch():
            assert mapped[0] == mapped[1], f"this NAT is not a cone: {mapped}"
            assert outcome.startswith("exchanged"), outcome


def relay_by_indications(trial):
    with Laboratory(SYMMETRIC), trial.server():
        return trial.converse()


def relay_by_channels(trial):
    with Laboratory(SYMMETRIC), trial.server():
        return trial.converse(["--channel"], ["--channel"])


def relay_over_tcp_where_udp_is_blocked(trial):
    with Laboratory(SYMMETRIC, NO_UDP, NO_UDP), trial.server():
        with trial.relay_peer("a", "--patience-ms", 2500) as a:
            a.expect("failed")  # the block is real
        return trial.converse(["--tcp"], ["--tcp", "--channel"])


def relay_between_tcp_and_udp_clients(trial):
    with Laboratory(SYMMETRIC, NO_UDP), trial.server():
        return trial.converse(["--tcp", "--channel"], ["--channel"])


def relay_with_five_percent_loss(trial):
    """Loss on one access link is not made worse: 200 messages each way, each crosses that link once."""
    with Laboratory(SYMMETRIC, "meta l4proto udp numgen random mod 100 < 5 drop"), trial.server():
        return trial.converse(messages=200, enough=175)


def browsers_without_turn_do_not_connect(trial):
    Browser.check_installed()
    with Laboratory(SYMMETRIC), trial.server():
        outcomes = trial.browsers([f"stun:{SERVER}:{TURN_PORT}"])
        assert [outcome["outcome"] for outcome in outcomes] == ["not connected", "not connected"], outcomes


def browsers_connect_through_turn(trial):
    Browser.check_installed()
    with Laboratory(SYMMETRIC), trial.server():
        return trial.browsers_through_relay([f"turn:{SERVER}:{TURN_PORT}"], "udp")


def browsers_connect_over_tcp_where_udp_is_blocked(trial):
    Browser.check_installed()
    with Laboratory(SYMMETRIC, NO_UDP, NO_UDP), trial.server():
        return trial.browsers_through_relay([f"turn:{SERVER}:{TURN_PORT}?transport=tcp"], "tcp")


def browsers_connect_over_tls_where_only_port_443_is_open(trial):
    Browser.check_installed()
    with Laboratory(SYMMETRIC, ONLY_443, ONLY_443), trial.server(tls=True) as server:
        return trial.browsers_through_relay([f"turns:{SERVER}:{TLS_PORT}?transport=tcp"], "tls", key_hash(server))


def key_hash(server):
    """Of the certificate that the server shows, whatever it is."""
    shown = subprocess.run(["openssl", "s_client", "-connect", f"{server.host}:{server.tls_port}"], stdin=subprocess.DEVNULL,
                           capture_output=True, check=False).stdout
    public_key = subprocess.run(["openssl", "x509", "-pubkey", "-noout"], input=shown, capture_output=True, check=True).stdout
    encoded = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=public_key, capture_output=True,
                             check=True).stdout
    return base64.b64encode(hashlib.sha256(encoded).digest()).decode()


CASES = {case.__name__: case for case in (
    symmetric_nats_defeat_hole_punching, cone_nats_let_hole_punching_through, relay_by_indications, relay_by_channels,
    relay_over_tcp_where_udp_is_blocked, relay_between_tcp_and_udp_clients, relay_with_five_percent_loss,
    browsers_without_turn_do_not_connect, browsers_connect_through_turn, browsers_connect_over_tcp_where_udp_is_blocked,
    browsers_connect_over_tls_where_only_port_443_is_open)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--server", choices=["fairlead", "coturn"], default="fairlead")
    parser.add_argument("--peer", help="the fairlead-peer program")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="default: all")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(CASES))
        return
    unknown = [name for name in arguments.cases if name not in CASES]
    if unknown or not arguments.peer:
        parser.error("no such case: " + ", ".join(unknown) if unknown else "--peer is needed")
    isolation.enter()
    trial = Trial(arguments.server, arguments.peer)
    outcome = Cases()
    for name in arguments.cases or CASES:
        outcome.run(name, CASES[name], trial)
    outcome.exit()


if __name__ == "__main__":
    main()
