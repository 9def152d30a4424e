#!/usr/bin/env python3
"""What the built server answers over HTTP: who may be present, where its pages are over TLS, how it is."""

import contextlib
import http.client
import json
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.dont_write_bytecode = True

from cases import main  # noqa: E402
from turn_client import TurnClient  # noqa: E402
from turn_servers import Fairlead, Settings, free_port  # noqa: E402

UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


class Front:
    """A server with HTTP, HTTPS and the admin listener on ports of their own."""

    def __init__(self, dev=False, https=True):
        self.http, self.https, self.admin = free_port(), free_port(), free_port()
        self.server = Fairlead(Settings(extra={
            "server": {"dev": dev, "drain-timeout": "60s"},
            "listen": {"http": [f"127.0.0.1:{self.http}"], "https": [f"127.0.0.1:{self.https}"] if https else [],
                       "admin": [f"127.0.0.1:{self.admin}"]}}))

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *nothing):
        self.server.__exit__(*nothing)

    def get(self, target, headers=None, port=None):
        """(status, fields, text); a 101 has no text."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port or self.http, timeout=10)) as connection:
            connection.request("GET", target, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, "" if answer.status == 101 else answer.read().decode()


def presence_says_why_it_refuses():
    """Scripts do not learn why a WebSocket was refused, so the same request without the upgrade tells them."""
    with Front() as front:
        for headers in ({}, UPGRADE):
            status, fields, _ = front.get("/presence?name=Alice", headers)
            assert (status, fields["WWW-Authenticate"]) == (401, "Bearer"), f"{status} {fields}"
    with Front(dev=True) as front:
        for headers in ({}, UPGRADE):
            status, _, text = front.get("/presence?name=", headers)
            assert status == 400 and "name" in text, f"{status} {text}"
        status, fields, _ = front.get("/presence?name=Alice")
        assert (status, fields["Upgrade"]) == (426, "websocket"), f"{status} {fields}"
        status, fields, _ = front.get("/presence?name=Alice", UPGRADE)
        assert (status, fields["Sec-WebSocket-Accept"]) == (101, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), f"{status} {fields}"


def rtcconfig_names_the_port_of_the_pages_over_tls():
    with Front(dev=True) as front:
        status, fields, text = front.get("/rtcconfig")
        assert (status, fields["Fairlead-Https-Port"]) == (200, str(front.https)), f"{status} {fields}"
        assert json.loads(text)["iceServers"][0]["urls"], text
    with Front(dev=True, https=False) as front:
        status, fields, _ = front.get("/rtcconfig")
        assert status == 200 and "Fairlead-Https-Port" not in fields, f"{status} {fields}"


def credentials_of_rtcconfig_open_an_allocation():
    with Front(dev=True) as front:
        _, _, text = front.get("/rtcconfig")
        entry = next(entry for entry in json.loads(text)["iceServers"] if "credential" in entry)
        assert entry["credential"] == entry["password"], "one value under both of its names"
        with TurnClient((front.server.host, front.server.port), entry["username"], entry["credential"]) as client:
            assert client.allocate(), "no relayed address"


def health_follows_a_drain():
    with Front() as front:
        for path in ("/healthz", "/readyz"):
            status, _, text = front.get(path, port=front.admin)
            assert (status, json.loads(text)["status"]) == (200, "ok"), f"{path}: {status} {text}"
        with TurnClient((front.server.host, front.server.port), "gorst", "hero") as client:
            client.allocate()
            front.server.process.send_signal(signal.SIGUSR1)
            deadline = time.monotonic() + 10
            while front.get("/readyz", port=front.admin)[0] == 200:
                assert time.monotonic() < deadline, "ready while draining"
                time.sleep(0.02)
            status, _, text = front.get("/readyz", port=front.admin)
            assert status == 503 and "draining" in json.loads(text)["reasons"], f"{status} {text}"
            assert front.get("/healthz", port=front.admin)[0] == 200, "draining is no illness"


def metrics_name_every_refusal():
    with Front() as front:
        status, fields, text = front.get("/metrics", port=front.admin)
        assert status == 200 and fields["Content-Type"].startswith("text/plain; version=0.0.4"), f"{status} {fields}"
        for series in ("fairlead_turn_allocations ", 'fairlead_turn_silent_total{reason="malformed"}',
                       'fairlead_turn_dropped_packets_total{from="client",reason="no permission"}',
                       'fairlead_connections_refused_total{reason="source"}'):
            assert series in text, f"no {series}"
        assert front.get("/metrics")[0] == 404, "the public listener gives its figures away"


if __name__ == "__main__":
    main(
        __doc__,
        presence_says_why_it_refuses,
        rtcconfig_names_the_port_of_the_pages_over_tls,
        credentials_of_rtcconfig_open_an_allocation,
        health_follows_a_drain,
        metrics_name_every_refusal,
    )
