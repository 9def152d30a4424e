"""Sends many datagrams from many sources on loopback, a bounded number of them, and counts what comes back."""

import ipaddress
import socket
import struct
import time

IP_PKTINFO = 8  # Linux; the socket module does not have it
FIRST_SOURCE = int(ipaddress.IPv4Address("127.64.0.1"))


class Flood:
    """One socket that speaks for a hundred thousand hosts: the source address is chosen for each datagram."""

    def __init__(self, server):
        self.server = server
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind(("0.0.0.0", 0))
        self.socket.setblocking(False)
        self.sent = self.sent_bytes = self.answers = self.answered_bytes = 0
        self.answered_kinds = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data, source=0):
        """From the source-th host."""
        information = struct.pack("=I4s4s", 0, struct.pack("!I", FIRST_SOURCE + source), bytes(4))
        try:
            self.socket.sendmsg([data], [(socket.IPPROTO_IP, IP_PKTINFO, information)], 0, self.server)
        except BlockingIOError:
            return
        self.sent += 1
        self.sent_bytes += len(data)
        if self.sent % 64 == 0:
            self.count_answers()

    def run(self, count, rate, make, sources):
        """`count` datagrams at most `rate` a second, the n-th being make(n) from host n % sources."""
        begin = time.monotonic()
        for number in range(count):
            if number % 100 == 0:
                ahead = begin + number / rate - time.monotonic()
                if ahead > 0:
                    time.sleep(ahead)
            self.send(make(number), number % sources)
        time.sleep(0.3)
        self.count_answers()
        return time.monotonic() - begin

    def count_answers(self):
        while True:
            try:
                answer = self.socket.recv(2048)
            except BlockingIOError:
                return
            self.answers += 1
            self.answered_bytes += len(answer)
            kind = answer[:2].hex()
            self.answered_kinds[kind] = self.answered_kinds.get(kind, 0) + 1
