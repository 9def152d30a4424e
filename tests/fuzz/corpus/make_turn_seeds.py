"""Writes the seeds of stun_message, turn_stream and turn_server beside itself. Run again after changing it."""

import pathlib
import struct

HERE = pathlib.Path(__file__).parent
COOKIE = 0x2112A442
ID = bytes(range(1, 13))


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def message(kind, *attributes):
    body = b"".join(attributes)
    return struct.pack("!HHI", kind, len(body), COOKIE) + ID + body


def xor_address(address, port):
    packed = struct.pack("!I", struct.unpack("!I", bytes(address))[0] ^ COOKIE)
    return struct.pack("!BBH", 0, 1, port ^ (COOKIE >> 16)) + packed


def command(kind, argument, data=b""):
    return struct.pack("!BBH", kind, argument, len(data)) + data


TRANSPORT = attribute(0x0019, b"\x11\0\0\0")
PEER = attribute(0x0012, xor_address((203, 0, 113, 9), 9))
CHANNEL = attribute(0x000C, b"\x40\x00\0\0")
EVEN = attribute(0x0018, b"\x80")
ZERO = attribute(0x000D, b"\0\0\0\0")

VECTORS = {
    "rfc5769-2.1": "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf",
    "rfc5769-2.2": "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96",
    "rfc5769-2.3": "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c",
    "rfc5769-2.4": "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b900000015001c662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b6578616d706c652e6f72670000080014f67024656dd64a3e02b8e0712e85c9a28ca89666",
}

stun = {name: bytes.fromhex(text) for name, text in VECTORS.items()}
stun["binding"] = message(0x0001)
stun["allocate"] = message(0x0003, TRANSPORT)
stun["refresh"] = message(0x0004, ZERO)
stun["create-permission"] = message(0x0008, PEER, PEER)
stun["channel-bind"] = message(0x0009, CHANNEL, PEER)
stun["send"] = message(0x0016, PEER, attribute(0x0013, b"hello"))
stun["data"] = message(0x0017, PEER, attribute(0x0013, b""))
stun["icmp"] = message(0x0017, PEER, attribute(0x8004, b"\0\0\3\4\0\0\5\x78"))
stun["error-438"] = message(0x0113, attribute(0x0009, b"\0\0\4\x26Stale Nonce"))
stun["attribute-overrun"] = message(0x0001, struct.pack("!HH", 0x8022, 40))
stun["length-odd"] = b"\0\1\0\3" + message(0x0001)[4:] + b"abc"
stun["cookie-wrong"] = message(0x0001).replace(b"\x21\x12", b"\x12\x21")
stun["many-attributes"] = message(0x0001, *[attribute(0x8022, b"")] * 70)
stun["behind-integrity"] = message(0x0003, TRANSPORT, attribute(0x0008, bytes(20)), ZERO)

channel_data = b"\x40\x00\x00\x05hello\0\0\0"
stream = {
    "one": b"\xff" + stun["binding"],
    "bytewise": b"\0" + stun["allocate"] + channel_data + stun["binding"],
    "mixed": b"\x06" + channel_data + channel_data + stun["send"] + b"\x40\x01\0\0",
    "announces-much": b"\x10\x40\x00\x1f\xfc",
    "too-long": b"\x10\x40\x00\xff\xff",
    "http": b"\x10GET / HTTP/1.1\r\n\r\n",
    "tls": b"\x03\x16\x03\x01\x02\x00",
}

ALLOCATE, REFRESH, PERMIT, BIND, BINDING = range(5)


def signed(path, method, *attributes):
    return command(1, method * 4 + path, b"".join(attributes))


server = {
    "strangers": b"".join(command(0, i % 4, m) for i, m in enumerate(stun.values())),
    "life": signed(0, ALLOCATE, TRANSPORT) + signed(0, PERMIT, PEER) + signed(0, BIND, CHANNEL, PEER)
    + command(0, 0, channel_data) + command(0, 0, stun["send"]) + command(3, 9) + command(4, 200)
    + signed(0, REFRESH) + command(3, 9) + signed(0, REFRESH, ZERO),
    "reservations": signed(0, ALLOCATE, TRANSPORT, EVEN) + signed(1, ALLOCATE, TRANSPORT, EVEN)
    + signed(2, ALLOCATE, TRANSPORT, EVEN) + command(4, 31) + signed(1, REFRESH, ZERO) + command(5, 0),
    "two-families": signed(0, ALLOCATE, TRANSPORT, attribute(0x8000, b"\2\0\0\0"))
    + signed(0, REFRESH, ZERO, attribute(0x0017, b"\2\0\0\0")) + signed(0, PERMIT, PEER) + command(4, 255),
    "stream": signed(3, ALLOCATE, TRANSPORT) + signed(3, BIND, CHANNEL, PEER) + command(0, 3, channel_data) + command(5, 3),
    "errors": signed(0, ALLOCATE) + signed(0, PERMIT, PEER) + signed(0, ALLOCATE, attribute(0x0019, b"\6\0\0\0"))
    + signed(0, ALLOCATE, TRANSPORT, attribute(0x0022, bytes(8))) + signed(0, ALLOCATE, TRANSPORT, attribute(0x7FFF, b"x")),
}

for target, seeds in {"stun_message": stun, "turn_stream": stream, "turn_server": server}.items():
    folder = HERE / target
    folder.mkdir(exist_ok=True)
    for name, data in seeds.items():
        (folder / name).write_bytes(data)
