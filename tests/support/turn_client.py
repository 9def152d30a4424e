"""A small TURN client, written apart from the server's own code so that a mistake there is not repeated here. Only what tests
need: long-term credentials with MESSAGE-INTEGRITY, UDP and TCP, permissions, channels, data."""

import contextlib
import hashlib
import hmac
import secrets
import socket
import struct
import threading
import time

COOKIE = 0x2112A442
BINDING, ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION, CHANNEL_BIND = 1, 3, 4, 6, 7, 8, 9
USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, CHANNEL_NUMBER, LIFETIME, XOR_PEER_ADDRESS, DATA_VALUE = 6, 8, 9, 0xC, 0xD, 0x12, 0x13
REALM, NONCE, XOR_RELAYED_ADDRESS, REQUESTED_TRANSPORT, XOR_MAPPED_ADDRESS = 0x14, 0x15, 0x16, 0x19, 0x20
REQUEST, INDICATION, SUCCESS, ERROR = 0x000, 0x010, 0x100, 0x110


class NoAnswer(AssertionError):
    pass


class Refused(AssertionError):
    def __init__(self, what, code):
        super().__init__(f"{what}: error {code}")
        self.code = code


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def message(kind, transaction, body):
    return struct.pack("!HHI", kind, len(body), COOKIE) + transaction + body


def binding_request():
    return message(BINDING, secrets.token_bytes(12), b"")


def allocate_request():
    """As browsers begin: without credentials."""
    return message(ALLOCATE, secrets.token_bytes(12), attribute(REQUESTED_TRANSPORT, b"\x11\0\0\0"))


def xor_address(address, transaction):
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    raw = socket.inet_pton(family, host)
    mask = struct.pack("!I", COOKIE) + transaction
    return struct.pack("!BBH", 0, 2 if ":" in host else 1, port ^ (COOKIE >> 16)) + bytes(a ^ b for a, b in zip(raw, mask))


def parse_xor_address(value, transaction):
    family = socket.AF_INET if value[1] == 1 else socket.AF_INET6
    mask = struct.pack("!I", COOKIE) + transaction
    raw = bytes(a ^ b for a, b in zip(value[4:], mask))
    return socket.inet_ntop(family, raw), struct.unpack("!H", value[2:4])[0] ^ (COOKIE >> 16)


def parse(data):
    """(kind, transaction, {attribute: value}); nothing for what is no STUN message."""
    if len(data) < 20 or data[0] > 3 or struct.unpack("!I", data[4:8])[0] != COOKIE:
        return None
    kind, length = struct.unpack("!HH", data[:4])
    attributes, offset = {}, 20
    while offset + 4 <= 20 + length:
        name, size = struct.unpack("!HH", data[offset:offset + 4])
        attributes.setdefault(name, data[offset + 4:offset + 4 + size])
        offset += 4 + size + (-size % 4)
    return kind, data[8:20], attributes


class TurnClient:
    """One client with one allocation. Addresses are (host, port)."""

    def __init__(self, server, user, password, transport="udp", source=None, patience=5.0):
        self.server, self.user, self.password, self.patience = server, user, password, patience
        self.stream = transport == "tcp"
        family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM if self.stream else socket.SOCK_DGRAM)
        self.socket.settimeout(patience)
        if source:
            self.socket.bind((source, 0))
        try:
            self.socket.connect(server)
        except OSError as error:
            self.socket.close()
            raise NoAnswer(f"cannot connect: {error}") from error
        self.unread = b""
        self.arrived = []  # (peer or channel, data) that came while waiting for something else
        self.realm = self.nonce = self.key = None
        self.relayed = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def binding(self):
        transaction, attributes = self._ask(BINDING, lambda _: b"", authenticate=False)
        return parse_xor_address(attributes[XOR_MAPPED_ADDRESS], transaction)

    def allocate(self, lifetime=None):
        wanted = attribute(REQUESTED_TRANSPORT, b"\x11\0\0\0")
        if lifetime is not None:
            wanted += attribute(LIFETIME, struct.pack("!I", lifetime))
        transaction, attributes = self._ask(ALLOCATE, lambda _: wanted)
        self.relayed = parse_xor_address(attributes[XOR_RELAYED_ADDRESS], transaction)
        return self.relayed

    def permit(self, peer):
        self._ask(CREATE_PERMISSION, lambda transaction: attribute(XOR_PEER_ADDRESS, xor_address(peer, transaction)))

    def bind_channel(self, number, peer):
        self._ask(CHANNEL_BIND, lambda transaction: attribute(CHANNEL_NUMBER, struct.pack("!HH", number, 0)) +
                  attribute(XOR_PEER_ADDRESS, xor_address(peer, transaction)))

    def refresh(self, lifetime):
        self._ask(REFRESH, lambda _: attribute(LIFETIME, struct.pack("!I", lifetime)))

    def send(self, peer, data):
        """`peer` is an address (Send indication) or a channel number."""
        if isinstance(peer, int):
            frame = struct.pack("!HH", peer, len(data)) + data
            self.socket.sendall(frame + bytes(-len(data) % 4) if self.stream else frame)
            return
        transaction = secrets.token_bytes(12)
        self.socket.sendall(message(SEND | INDICATION, transaction, attribute(XOR_PEER_ADDRESS, xor_address(peer, transaction)) +
                                    attribute(DATA_VALUE, data)))

    def receive(self, patience=None):
        """The next data from a peer: (peer's address or channel number, data)."""
        deadline = time.monotonic() + (self.patience if patience is None else patience)
        while not self.arrived:
            self._sort(self._read(deadline))
        return self.arrived.pop(0)

    # A request, challenged and repeated as need be.
    def _ask(self, method, body, authenticate=True):
        for _ in range(4):
            transaction = secrets.token_bytes(12)
            request = message(method, transaction, body(transaction))
            if authenticate and self.key:
                request = self._sign(request)
            kind, attributes = self._exchange(request, transaction)
            if kind == method | SUCCESS:
                return transaction, attributes
            code = attributes[ERROR_CODE][2] * 100 + attributes[ERROR_CODE][3]
            if code not in (401, 438) or NONCE not in attributes or (code == 401 and self.key):
                raise Refused(f"method {method}", code)
            self.realm, self.nonce = attributes.get(REALM, self.realm), attributes[NONCE]
            self.key = hashlib.md5(b":".join((self.user.encode(), self.realm, self.password.encode()))).digest()
        raise Refused(f"method {method}", code)

    def _sign(self, request):
        body = (request[20:] + attribute(USERNAME, self.user.encode()) + attribute(REALM, self.realm) +
                attribute(NONCE, self.nonce))
        covered = request[:2] + struct.pack("!H", len(body) + 24) + request[4:20] + body
        return covered + attribute(MESSAGE_INTEGRITY, hmac.new(self.key, covered, hashlib.sha1).digest())

    def _exchange(self, request, transaction):
        give_up = time.monotonic() + self.patience
        wait = self.patience if self.stream else 0.25
        while time.monotonic() < give_up:
            self.socket.sendall(request)
            try:
                until = min(give_up, time.monotonic() + wait)
                while True:
                    answer = self._sort(self._read(until), transaction)
                    if answer:
                        return answer
            except NoAnswer:
                wait *= 2
        raise NoAnswer("the server does not answer")

    # One whole message.
    def _read(self, deadline):
        while True:
            if self.stream:
                frame = self._cut()
                if frame:
                    return frame
            left = deadline - time.monotonic()
            if left <= 0:
                raise NoAnswer("nothing arrives")
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except TimeoutError as error:
                raise NoAnswer("nothing arrives") from error
            except ConnectionRefusedError:
                continue
            except OSError as error:
                raise NoAnswer(f"the connection ended: {error}") from error
            if not self.stream:
                return data
            if not data:
                raise NoAnswer("the connection was closed")
            self.unread += data

    def _cut(self):
        if len(self.unread) < 4:
            return None
        length = struct.unpack("!H", self.unread[2:4])[0]
        channel_data = self.unread[0] & 0xC0 == 0x40
        whole = 4 + length + (-length % 4) if channel_data else 20 + length
        if len(self.unread) < whole:
            return None
        frame, self.unread = self.unread[:whole], self.unread[whole:]
        return frame[:4 + length] if channel_data else frame

    # Keeps data for receive(); returns the answer when it is the one that is waited for.
    def _sort(self, frame, transaction=None):
        if frame[0] & 0xC0 == 0x40:
            channel, length = struct.unpack("!HH", frame[:4])
            self.arrived.append((channel, frame[4:4 + length]))
            return None
        parsed = parse(frame)
        if not parsed:
            return None
        kind, answered, attributes = parsed
        if kind == DATA | INDICATION:
            self.arrived.append((parse_xor_address(attributes[XOR_PEER_ADDRESS], answered), attributes.get(DATA_VALUE, b"")))
        elif answered == transaction:
            return kind, attributes
        return None


class Peer:
    """A UDP socket at the far end of a relay."""

    def __init__(self, host="127.0.0.2"):
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.address = self.socket.getsockname()[:2]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def receive(self, patience=5.0):
        self.socket.settimeout(patience)
        try:
            data, source = self.socket.recvfrom(65536)
        except TimeoutError as error:
            raise NoAnswer("nothing arrives at the peer") from error
        return source[:2], data


def echo_once(client, peer):
    """One message to the peer and one back, through the client's permission. Either may be lost to a flood: it is tried again."""
    for attempt in range(5):
        word = secrets.token_bytes(16)
        client.send(peer.address, word)
        with contextlib.suppress(NoAnswer):
            while True:
                source, data = peer.receive(0.5)
                if data == word:
                    break
            assert source == client.relayed, (source, client.relayed)
            peer.socket.sendto(word[::-1], source)
            while client.receive(0.5) != (peer.address, word[::-1]):
                pass
            return attempt
    raise NoAnswer("no message goes through the relay and back")


class Witness(threading.Thread):
    """An honest client that goes on allocating, relaying and leaving while something bad happens. `with` it around the bad
    thing, then check()."""

    def __init__(self, server, transport="udp", source="127.0.0.3", pause=0.2, patience=5.0):
        super().__init__(daemon=True)
        self.server, self.transport, self.source, self.pause, self.patience = server, transport, source, pause, patience
        self.times, self.failures, self.done = [], [], threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()

    def run(self):
        while not self.done.is_set():
            begin = time.monotonic()
            try:
                self.visit()
                self.times.append(time.monotonic() - begin)
            except (AssertionError, OSError) as failure:
                self.failures.append(f"after {time.monotonic() - begin:.1f} s: {failure}")
            self.done.wait(self.pause)

    def visit(self):
        settings = self.server.settings
        with Peer() as peer, TurnClient((self.server.host, self.server.port), settings.user, settings.password, self.transport,
                                        self.source, self.patience) as client:
            client.allocate()
            client.permit(peer.address)
            echo_once(client, peer)
            client.refresh(0)

    def check(self, limit=5.0):
        """Every visit worked, and none took longer."""
        assert not self.failures, f"{len(self.failures)} of {len(self.failures) + len(self.times)} visits failed: {self.failures[:3]}"
        assert self.times, "the honest client did not get one visit done"
        assert max(self.times) <= limit, f"an honest visit took {max(self.times):.1f} s"
        return f"{len(self.times)} honest {self.transport} visits, the slowest {max(self.times):.2f} s"
