#!/usr/bin/env python3
"""Bad things happen to a running server: clients and peers die, cables are pulled, strangers flood and dawdle. It stays up, it
serves an honest client meanwhile, and afterwards its memory is what it was.

Everything happens in namespaces that the test makes for itself, bounded in number and time.
"""

import argparse
import contextlib
import os
import pathlib
import random
import resource
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.dont_write_bytecode = True

import isolation  # noqa: E402
import turn_client  # noqa: E402
from cases import Cases  # noqa: E402
from flood import Flood  # noqa: E402
from isolation import run  # noqa: E402
from turn_client import NoAnswer, Peer, Refused, TurnClient, Witness, echo_once  # noqa: E402
from turn_servers import Settings, Unavailable, answers_binding, make_server  # noqa: E402

KIB, MIB = 1024, 1024 * 1024


class Watched:
    """A server, what it held before the fault, and how to ask whether it has let go."""

    def __init__(self, server):
        self.server = server
        self.weighed = not server.sanitized()
        self.rss, self.descriptors = server.resident_bytes(), server.descriptors()

    def grown(self):
        return self.server.resident_bytes() - self.rss if self.weighed else 0

    def assert_grown_at_most(self, limit):
        assert self.server.alive(), "the server is gone:\n" + self.server.log()
        grown = self.grown()
        assert grown <= limit, f"resident memory grew by {grown / MIB:.1f} MiB, more than {limit / MIB:.1f}"
        return f"+{grown / MIB:.1f} MiB" if self.weighed else "memory not weighed under a sanitizer"

    def assert_descriptors_return(self, patience, others=8):
        """But for `others` that honest clients may hold at the moment."""
        deadline = time.monotonic() + patience
        while self.server.descriptors() > self.descriptors + others:
            assert time.monotonic() < deadline, \
                f"{self.server.descriptors()} descriptors are open, {self.descriptors} were before"
            time.sleep(0.1)


class Trial:
    def __init__(self, kind):
        self.kind = kind

    @contextlib.contextmanager
    def server(self, warm=True, **settings):
        """A running server that has served one client, so that what it keeps for ever is there already."""
        with make_server(self.kind, Settings(**{"quiet": False, **settings})) as server:
            if warm:
                Witness(server).visit()
                with contextlib.suppress(NoAnswer):
                    Witness(server, "tcp").visit()
                time.sleep(1.2)  # a server may take a second to free what the visit used
            yield server
            assert server.alive(), "the server is gone:\n" + server.log()

    @staticmethod
    def client(server, transport="udp", source=None, patience=5.0):
        return TurnClient((server.host, server.port), server.settings.user, server.settings.password, transport, source, patience)


def in_child(work):
    """Runs work() in a process of its own; returns its pid once work() has called its argument."""
    ready_read, ready_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            work(lambda: os.write(ready_write, b"!"))
            time.sleep(600)
        finally:
            os._exit(1)
    os.close(ready_write)
    assert os.read(ready_read, 1) == b"!", "the child did not get so far"
    os.close(ready_read)
    return pid


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


# --- either side's process dies ---------------------------------------------------------------------------------------

def killed_tcp_client_frees_its_allocation(trial):
    """The end of the connection ends the allocation (RFC 8656 section 3.1): its relay socket is closed at once."""
    with trial.server() as server:
        watched = Watched(server)

        def work(ready):
            clients = [trial.client(server, "tcp", f"127.0.4.{i + 1}") for i in range(50)]
            for client in clients:
                client.allocate()
            ready()
            time.sleep(600)

        pid = in_child(work)
        assert server.descriptors() >= watched.descriptors + 100, "50 connections and 50 relay sockets were expected"
        with Witness(server) as witness:
            kill(pid)
            watched.assert_descriptors_return(5)
        return witness.check(2)


def killed_udp_client_frees_its_allocation_when_it_expires(trial):
    """Nobody says goodbye over UDP; the lifetime ends it."""
    with trial.server(extra={"turn": {"lifetimes": {"allocation": "60s"}}}) as server:
        if trial.kind == "coturn":
            raise Unavailable("coturn's shortest lifetime takes ten minutes")
        watched = Watched(server)

        def work(ready):
            for i in range(50):
                trial.client(server, "udp", f"127.0.4.{i + 1}").allocate(60)
            ready()

        pid = in_child(work)
        assert server.descriptors() >= watched.descriptors + 50
        kill(pid)
        with Witness(server, pause=1) as witness:
            watched.assert_descriptors_return(75)
        return witness.check(2)


def killed_peer_does_not_disturb_the_others(trial):
    """Its machine answers with ICMP errors; another peer of the same allocation goes on (and other allocations anyway)."""
    with trial.server() as server, trial.client(server) as client, Peer("127.0.0.4") as survivor:
        client.allocate()

        def work(ready):
            with Peer("127.0.0.5") as peer:
                os.write(port_write, struct.pack("!H", peer.address[1]))
                ready()
                time.sleep(600)

        port_read, port_write = os.pipe()
        pid = in_child(work)
        victim = ("127.0.0.5", struct.unpack("!H", os.read(port_read, 2))[0])
        client.permit(victim)
        client.permit(survivor.address)
        client.bind_channel(0x4001, victim)
        with Witness(server) as witness:
            kill(pid)
            for _ in range(20):
                for _ in range(10):
                    client.send(0x4001, b"anybody there?")
                    client.send(victim, b"anybody there?")
                assert echo_once(client, survivor) == 0, "a message to the living peer was lost"
        return witness.check(2)


def peer_without_a_route_does_not_disturb_the_others(trial):
    """What the system refuses to send is lost; the allocation and its other peers go on."""
    with trial.server() as server, trial.client(server) as client, Peer("127.0.0.4") as survivor:
        client.allocate()
        nowhere = ("9.9.9.9", 4000)  # this namespace has no route at all
        client.permit(nowhere)
        client.permit(survivor.address)
        client.bind_channel(0x4001, nowhere)
        for _ in range(10):
            client.send(0x4001, b"anybody there?")
            client.send(nowhere, b"anybody there?")
            assert echo_once(client, survivor) == 0, "a message to the reachable peer was lost"


def killed_server_is_back_at_once(trial):
    """SIGKILL, then a new process on the same ports: nothing of the old one is in its way."""
    with trial.server() as server:
        client = trial.client(server, "tcp")
        client.allocate()
        server.process.kill()
        server.process.wait()
        begin = time.monotonic()
        server.start(patience=2)
        elapsed = time.monotonic() - begin
        Witness(server).visit()
        Witness(server, "tcp").visit()
        client.socket.close()
        return f"serves again after {elapsed * 1000:.0f} ms"


# --- the network goes away --------------------------------------------------------------------------------------------

@contextlib.contextmanager
def cable(name, number):
    """A host at the end of a cable: namespace `name`, 192.168.number.2, with us at .1."""
    run("ip", "netns", "add", name)
    try:
        run("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "address", "add", f"192.168.{number}.1/24", "dev", f"to-{name}")
        run("ip", "link", "set", f"to-{name}", "up")
        run("ip", "-n", name, "address", "add", f"192.168.{number}.2/24", "dev", "eth0")
        run("ip", "-n", name, "link", "set", "eth0", "up")
        yield
    finally:
        run("ip", "link", "delete", f"to-{name}")
        run("ip", "netns", "delete", name)


def enter_namespace(name):
    """Moves the calling process into a named network namespace."""
    import ctypes
    with open(f"/run/netns/{name}", encoding="ascii") as handle:
        if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def pulled_cable(trial):
    """No FIN, no RST, no ICMP: the client is just not there any more, while its peer goes on sending. The allocation ends with
    its lifetime, its connection with it or soon after, and nobody else notices anything."""
    if trial.kind == "coturn":
        raise Unavailable("coturn's shortest lifetime takes ten minutes")
    with cable("laptop", 77), \
            trial.server(host="192.168.77.1", relay_hosts=["192.168.77.1"],
                         extra={"turn": {"lifetimes": {"allocation": "60s"}}}) as server, Peer("127.0.0.4") as peer:
        watched = Watched(server)
        relayed_read, relayed_write = os.pipe()

        def work(ready):
            enter_namespace("laptop")
            for transport in ("tcp", "udp"):
                for _ in range(5):
                    client = trial.client(server, transport)
                    address = client.allocate(60)
                    client.permit(peer.address)
                    os.write(relayed_write, struct.pack("!H", address[1]))
                    keep.append(client)
            ready()

        keep = []
        pid = in_child(work)
        relayed = [("192.168.77.1", port) for port in struct.unpack("!10H", os.read(relayed_read, 20))]
        run("ip", "-n", "laptop", "link", "set", "eth0", "down")
        with Witness(server, source="192.168.77.1", pause=1) as witness:
            deadline = time.monotonic() + 100
            while server.descriptors() > watched.descriptors + 4:
                for address in relayed:
                    for _ in range(20):
                        peer.socket.sendto(bytes(1000), address)
                assert time.monotonic() < deadline, \
                    f"{server.descriptors()} descriptors are open, {watched.descriptors} were before"
                time.sleep(0.25)
        kill(pid)
        return f"{witness.check(2)}, {watched.assert_grown_at_most(8 * MIB)}"


def stopped_process_goes_on(trial):
    """SIGSTOP for five seconds: no mass expiry, no thundering timers; sessions go on."""
    with trial.server() as server, trial.client(server) as client, Peer() as peer:
        client.allocate()
        client.permit(peer.address)
        echo_once(client, peer)
        os.kill(server.pid, signal.SIGSTOP)
        time.sleep(5)
        os.kill(server.pid, signal.SIGCONT)
        echo_once(client, peer)
        return None


# --- slow and silent strangers ----------------------------------------------------------------------------------------

def client_that_never_reads(trial):
    """Its peer sends 60 MB; what the client does not take is dropped, not kept."""
    with trial.server() as server, trial.client(server, "tcp") as client, Peer() as peer:
        relayed = client.allocate()
        client.bind_channel(0x4001, peer.address)
        watched = Watched(server)
        peak = 0
        with Witness(server) as witness:
            for number in range(50_000):
                peer.socket.sendto(bytes(1200), relayed)
                if number % 500 == 0:
                    peak = max(peak, watched.grown())
                    time.sleep(0.01)
        assert peak <= 8 * MIB, f"the server kept {peak / MIB:.1f} MiB for a client that does not read"
        return f"{witness.check(3)}, at most +{peak / MIB:.1f} MiB"


def silent_tcp_connections(trial):
    """10,000 strangers connect and say nothing. Each costs little and none stays: closed within 30 s (ours: 10 s)."""
    count = 10_000
    raise_descriptor_limit(count + 500)
    with trial.server() as server:
        watched = Watched(server)
        strangers = []
        with Witness(server) as witness, Witness(server, "tcp", source="127.0.0.6", pause=1) as tcp_witness:
            try:
                for number in range(count):
                    stranger = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                    strangers.append(stranger)
                    stranger.settimeout(5)
                    stranger.bind((f"127.5.{number // 200}.{number % 200 + 1}", 0))
                    stranger.connect((server.host, server.port))
                peak = watched.grown()
                time.sleep(0.5)
                peak = max(peak, watched.grown())
                watched.assert_descriptors_return(60 if trial.kind == "coturn" else 35)
            finally:
                for stranger in strangers:
                    stranger.close()
        per_stream = peak / count
        assert per_stream <= 4 * KIB, f"{per_stream:.0f} bytes for each silent connection"
        return f"{per_stream:.0f} bytes each, {witness.check(5)}, {tcp_witness.check(5)}"


def dripping_clients(trial):
    """300 strangers send a byte a second: of a STUN message, of a TLS hello, of nothing at all that makes sense. None is
    kept longer than 30 s."""
    beginnings = {"stun": turn_client.allocate_request(), "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600),
                  "channel": b"\x40\x00\xff\xff" + bytes(600)}
    raise_descriptor_limit(1000)
    with trial.server(tls=True) as server:
        watched = Watched(server)
        strangers = []
        with Witness(server) as witness, Witness(server, "tcp", source="127.0.0.6", pause=1) as tcp_witness:
            for number in range(300):
                kind = list(beginnings)[number % 3]
                stranger = socket.create_connection((server.host, server.tls_port if kind == "tls" else server.port), 5,
                                                    (f"127.6.{number // 200}.{number % 200 + 1}", 0))
                stranger.setblocking(False)
                strangers.append((stranger, beginnings[kind]))
            begin = time.monotonic()
            position = 0
            while strangers and time.monotonic() - begin < 40:
                strangers = [(stranger, text) for stranger, text in strangers if drip(stranger, text, position)]
                position += 1
                time.sleep(1)
            elapsed = time.monotonic() - begin
        assert not strangers, f"{len(strangers)} of 300 are still connected after {elapsed:.0f} s"
        assert elapsed <= 35, f"the last was closed after {elapsed:.0f} s"
        watched.assert_descriptors_return(2)
        return f"all closed after {elapsed:.0f} s, {witness.check(5)}, {tcp_witness.check(5)}"


def drip(stranger, text, position):
    """Sends one byte more; false when the other side has hung up."""
    try:
        if stranger.recv(4096) == b"":
            return False
    except BlockingIOError:
        pass
    except OSError:
        return False
    try:
        stranger.send(text[position % len(text):][:1])
    except OSError:
        return False
    return True


def descriptors_run_out(trial):
    """With 200 descriptors, 300 connections and 300 wanted allocations: the accept loop does not spin, who has an allocation keeps
    it, and when the strangers leave all is well again."""
    with trial.server(prefix=["prlimit", "--nofile=200:200"], workers=1) as server, trial.client(server) as client, Peer() as peer:
        client.allocate()
        client.permit(peer.address)
        strangers = []
        for number in range(300):
            stranger = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            stranger.setblocking(False)
            stranger.bind((f"127.7.{number // 200}.{number % 200 + 1}", 0))
            with contextlib.suppress(BlockingIOError):
                stranger.connect((server.host, server.port))
            strangers.append(stranger)
        time.sleep(1)
        before = cpu_seconds(server.pid)
        time.sleep(2)
        busy = (cpu_seconds(server.pid) - before) / 2
        assert echo_once(client, peer) == 0, "an established allocation lost a message"
        for stranger in strangers:
            stranger.close()
        assert busy < 0.2, f"the server spins: {busy:.0%} of a CPU without anything to do"
        recover(server, 5)
        return f"{busy:.1%} of a CPU meanwhile"


def recover(server, patience):
    deadline = time.monotonic() + patience
    while True:
        try:
            Witness(server, patience=1).visit()
            Witness(server, "tcp", patience=1).visit()
            return
        except (NoAnswer, Refused, OSError):
            assert time.monotonic() < deadline, f"no honest client gets through {patience} s later"


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def raise_descriptor_limit(count):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < count:
        raise Unavailable(f"needs {count} descriptors, {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# --- floods -----------------------------------------------------------------------------------------------------------

def malformed_datagrams(trial):
    """200,000 datagrams that are wrong in every way that random finds: the answers are few and small, memory stays."""
    chance = random.Random(20)
    templates = [turn_client.binding_request(), turn_client.allocate_request(),
                 struct.pack("!HH", 0x4000, 200) + bytes(200), b"\x16\xfe\xfd" + bytes(60), b"\x80\x60" + bytes(170)]

    def make(_):
        data = bytearray(chance.choice(templates))
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        action = chance.randrange(4)
        if action == 0:
            del data[chance.randrange(len(data)):]
        elif action == 1:
            data += chance.randbytes(chance.randint(1, 900))
        elif action == 2:
            data = bytearray(chance.randbytes(chance.randint(0, 300)))
        return bytes(data)

    with trial.server() as server:
        watched = Watched(server)
        with Flood((server.host, server.port)) as flood, Witness(server) as witness:
            flood.run(200_000, 25_000, make, 5_000)
        ratio = flood.answered_bytes / flood.sent_bytes
        assert ratio <= 0.2, f"{flood.answered_bytes} bytes came back for {flood.sent_bytes}: {flood.answered_kinds}"
        return f"bytes out to in {ratio:.3f}, {watched.assert_grown_at_most(2 * MIB)}, {witness.check(5)}"


def malformed_streams(trial):
    """5,000 connections that say something wrong, 20 of them at a time: each is closed, none is answered with more than it sent."""
    chance = random.Random(21)
    with trial.server() as server:
        watched = Watched(server)
        with Witness(server) as witness:
            for _ in range(250):
                batch = []
                for _ in range(20):
                    stranger = socket.create_connection((server.host, server.port), 5, ("127.8.0.%d" % chance.randint(1, 250), 0))
                    with contextlib.suppress(OSError):
                        stranger.sendall(bytes([chance.choice([0x00, 0x02, 0x3F, 0x80, 0xC0, 0x16, 0x47])]) +
                                         chance.randbytes(chance.randint(19, 400)))
                    batch.append(stranger)
                for stranger in batch:
                    stranger.close()
        watched.assert_descriptors_return(5)
        return f"{watched.assert_grown_at_most(4 * MIB)}, {witness.check(5)}"


def bindings_from_2000_ports(trial):
    """At most 16 MiB (coturn: none), and every one is answered."""
    with trial.server() as server:
        watched = Watched(server)
        sockets = []
        answered = 0
        with Witness(server) as witness:
            for number in range(2_000):
                asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                asking.bind((f"127.9.{number // 200}.{number % 200 + 1}", 0))
                asking.connect((server.host, server.port))
                asking.settimeout(1)
                asking.send(turn_client.binding_request())
                answered += asking.recv(2048)[:2] == b"\x01\x01"
                sockets.append(asking)
        remark = watched.assert_grown_at_most(16 * MIB)
        for asking in sockets:
            asking.close()
        assert answered == 2_000
        return f"{remark}, {witness.check(2)}"


def allocates_from_100000_sources(trial):
    """Strangers ask for allocations and never come back: the challenge costs no memory (at most 10 MiB in all)."""
    with trial.server() as server:
        watched = Watched(server)
        with Flood((server.host, server.port)) as flood, Witness(server) as witness:
            flood.run(100_000, 30_000, lambda _: turn_client.allocate_request(), 100_000)
        assert flood.answers > 0, "nobody was challenged"
        return f"{flood.answers} challenges, {watched.assert_grown_at_most(10 * MIB)}, {witness.check(5)}"


def one_source_asks_3000_times(trial):
    """From one host in 0.3 s: the bytes out do not exceed the bytes in, headers included (28 of IP and UDP each)."""
    with trial.server() as server:
        with Flood((server.host, server.port)) as flood, Witness(server) as witness:
            flood.run(3_000, 10_000, lambda _: turn_client.allocate_request(), 1)
        ratio = (flood.answered_bytes + 28 * flood.answers) / (flood.sent_bytes + 28 * flood.sent)
        if trial.kind == "fairlead":  # coturn 4.6 has no limit at all
            assert ratio <= 1.0, f"wire ratio {ratio:.2f}"
        return f"wire ratio {ratio:.3f}, {witness.check(2)}"


def dtls_hellos_from_20000_sources(trial):
    """ClientHellos without a cookie: one small answer each at most, no memory (0.1 KiB a source)."""
    hello = dtls_client_hello()
    with trial.server(tls=True) as server:
        watched = Watched(server)
        with Flood((server.host, server.tls_port)) as flood, Witness(server) as witness:
            flood.run(20_000, 10_000, lambda _: hello, 20_000)
            time.sleep(3)  # late retransmissions count
            flood.count_answers()
        ratio = (flood.answered_bytes + 28 * flood.answers) / (flood.sent_bytes + 28 * flood.sent)
        assert ratio <= 0.5, f"wire ratio {ratio:.2f}"
        return f"{flood.answers} answers, wire ratio {ratio:.2f}, {watched.assert_grown_at_most(4 * MIB)}, {witness.check(5)}"


def dtls_client_hello():
    """What `openssl s_client` says first."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        client = subprocess.Popen(["openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{listener.getsockname()[1]}"],
                                  stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return listener.recv(4096)
        finally:
            client.kill()
            client.wait()


# --- the end ----------------------------------------------------------------------------------------------------------

def sigterm_ends_it(trial):
    """Within two seconds, idle or busy."""
    with make_server(trial.kind, Settings()) as server:
        idle = server.stop(patience=10)
        assert idle <= 2, f"it took {idle:.1f} s"
    with make_server(trial.kind, Settings()) as server:
        with trial.client(server) as udp, trial.client(server, "tcp") as tcp:
            udp.allocate()
            tcp.allocate()
            busy = server.stop(patience=10)
        assert server.process.returncode == 0 or trial.kind == "coturn", f"exit code {server.process.returncode}"
        assert busy <= 2, f"it took {busy:.1f} s with two allocations"
    return f"{idle * 1000:.0f} ms idle, {busy * 1000:.0f} ms with allocations"


def sigterm_ends_a_drain(trial):
    """SIGUSR1 lets allocations end by themselves and refuses new ones; SIGTERM does not wait for them."""
    if trial.kind == "coturn":
        raise Unavailable("Debian's coturn does not drain")
    with make_server(trial.kind, Settings(extra={"server": {"drain-timeout": "60s"}})) as server, \
            trial.client(server) as client, trial.client(server) as late, Peer() as peer:
        client.allocate()
        client.permit(peer.address)
        server.process.send_signal(signal.SIGUSR1)
        time.sleep(1)
        assert server.alive(), "it did not wait for the allocation"
        assert echo_once(client, peer) == 0, "the draining server lost a message"
        try:
            late.allocate()
            raise AssertionError("the draining server took another allocation")
        except Refused as refused:
            assert refused.code == 508, f"refused with {refused.code}"
        elapsed = server.stop(patience=10)
        assert elapsed <= 2, f"it took {elapsed:.1f} s"
        assert server.process.returncode == 0, f"exit code {server.process.returncode}"
        return None


CASES = {case.__name__: case for case in (
    killed_tcp_client_frees_its_allocation,
    killed_udp_client_frees_its_allocation_when_it_expires,
    killed_peer_does_not_disturb_the_others,
    peer_without_a_route_does_not_disturb_the_others,
    killed_server_is_back_at_once,
    pulled_cable,
    stopped_process_goes_on,
    client_that_never_reads,
    silent_tcp_connections,
    dripping_clients,
    descriptors_run_out,
    malformed_datagrams,
    malformed_streams,
    bindings_from_2000_ports,
    allocates_from_100000_sources,
    one_source_asks_3000_times,
    dtls_hellos_from_20000_sources,
    sigterm_ends_it,
    sigterm_ends_a_drain,
)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--server", choices=["fairlead", "coturn"], default="fairlead")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="default: all")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(CASES))
        return
    unknown = [name for name in arguments.cases if name not in CASES]
    if unknown:
        parser.error("no such case: " + ", ".join(unknown))
    isolation.enter()
    trial = Trial(arguments.server)
    outcome = Cases()
    for name in arguments.cases or CASES:
        outcome.run(name, CASES[name], trial)
    outcome.exit()


if __name__ == "__main__":
    main()
