"""Starts TURN servers for tests and comparisons: fairlead, and coturn as Debian packages it.

coturn is never installed: its package and the libraries that are missing here are unpacked into a scratch folder and run
from there, in the foreground, on ports of our own.
"""

import contextlib
import fcntl
import os
import pathlib
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Unavailable(Exception):
    """What a test needs is not there; the test is skipped with this reason."""


class ServerFailed(Exception):
    """The server did not start, or did not answer."""


# --- coturn's package -------------------------------------------------------------------------------------------------

# Which Debian package has a library that coturn's programs miss.
LIBRARY_PACKAGES = {
    "libevent_core-2.1.so.7": "libevent-core-2.1-7",
    "libevent_extra-2.1.so.7": "libevent-extra-2.1-7",
    "libevent_openssl-2.1.so.7": "libevent-openssl-2.1-7",
    "libevent_pthreads-2.1.so.7": "libevent-pthreads-2.1-7",
    "libhiredis.so.0.14": "libhiredis0.14",
    "libldap-2.5.so.0": "libldap-2.5-0",
    "libmariadb.so.3": "libmariadb3",
    "libpq.so.5": "libpq5",
    "libsasl2.so.2": "libsasl2-2",
    "libsqlite3.so.0": "libsqlite3-0",
}


class CoturnPackage:
    """coturn's programs, unpacked. $FAIRLEAD_COTURN names a folder where that has been done already, $FAIRLEAD_COTURN_DEB
    the package's file; else the package is downloaded."""

    def __init__(self, scratch=ROOT / "build" / "coturn"):
        self.folder = pathlib.Path(os.environ.get("FAIRLEAD_COTURN", scratch)).absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / ".lock", "w", encoding="ascii") as lock:  # tests that run side by side share the folder
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (self.folder / "usr/bin/turnserver").exists():
                self._unpack()
            self._complete()

    def program(self, name):
        return str(self.folder / "usr/bin" / name)

    def environment(self):
        libraries = [str(path) for path in (self.folder / "usr/lib").glob("*-linux-gnu*")]
        inherited = os.environ.get("LD_LIBRARY_PATH")
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries + ([inherited] if inherited else []))}

    def version(self):
        return subprocess.run([self.program("turnserver"), "--version"], env=self.environment(), capture_output=True,
                              text=True, check=False).stdout.split("\n")[0].strip()

    def _unpack(self):
        given = os.environ.get("FAIRLEAD_COTURN_DEB")
        if given:
            self._extract(pathlib.Path(given))
        else:
            self._download("coturn")

    def _complete(self):
        for _ in range(4):  # a library may itself miss one
            missing = self._missing_libraries()
            if not missing:
                return
            for library in missing:
                if library not in LIBRARY_PACKAGES:
                    raise Unavailable(f"coturn needs {library}, which is not here")
                self._download(LIBRARY_PACKAGES[library])
        raise Unavailable("coturn's libraries cannot be completed: " + ", ".join(self._missing_libraries()))

    def _missing_libraries(self):
        programs = [self.program(name) for name in ("turnserver", "turnutils_uclient")]
        listing = subprocess.run(["ldd", *programs], env=self.environment(), capture_output=True, text=True,
                                 check=False).stdout
        return sorted({line.split()[0] for line in listing.splitlines() if "not found" in line})

    def _download(self, package):
        if not shutil.which("apt-get"):
            raise Unavailable("coturn's package is not at hand and there is no apt-get")
        with tempfile.TemporaryDirectory(prefix="fairlead-deb-") as folder:
            os.chmod(folder, 0o755)  # apt drops its privileges to download
            done = subprocess.run(["apt-get", "-q", "download", package], cwd=folder, capture_output=True, text=True,
                                  timeout=120, check=False)
            packages = list(pathlib.Path(folder).glob("*.deb"))
            if done.returncode != 0 or not packages:
                raise Unavailable(f"package {package} cannot be downloaded: {done.stderr.strip().splitlines()[-1:]}")
            self._extract(packages[0])

    def _extract(self, package):
        subprocess.run(["dpkg-deb", "-x", str(package), str(self.folder)], check=True)


# --- servers ----------------------------------------------------------------------------------------------------------

def free_port(host="127.0.0.1"):
    """A port that is free for UDP and TCP on this address, below the relay range."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(200):
        port = 20000 + secrets.randbelow(12000)
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as udp, socket.socket(family, socket.SOCK_STREAM) as tcp:
                udp.bind((host, port))
                tcp.bind((host, port))
                return port
        except OSError:
            continue
    raise Unavailable("no free port")


def binding_request():
    return struct.pack("!HHI", 1, 0, 0x2112A442) + secrets.token_bytes(12)


def answers_binding(host, port, timeout=0.05):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.settimeout(timeout)
        request = binding_request()
        try:
            probe.connect((host, port))
            probe.send(request)
            answer = probe.recv(1500)
        except OSError:
            return False
    return answer[:2] == b"\x01\x01" and answer[8:20] == request[8:20]


class Settings:
    """What a server is started with, in terms that both kinds understand."""

    def __init__(self, host="127.0.0.1", user="gorst", password="hero", realm="north.gov", secret=None, workers=1,
                 streams=True, tls=False, relay_hosts=None, ports=(49152, 65535), allow_any_peer=True, cpu=None,
                 extra=None, prefix=None, quiet=True, port=None, tls_port=None, urgent=False):
        self.host = host
        self.user, self.password, self.realm, self.secret = user, password, realm, secret
        self.workers = workers
        self.streams = streams  # listen over TCP
        self.tls = tls  # listen over TLS and DTLS
        self.relay_hosts = relay_hosts or [host]
        self.ports = ports
        self.allow_any_peer = allow_any_peer
        self.cpu = cpu  # run on this CPU only
        self.urgent = urgent  # ahead of whatever else the machine does (needs privileges)
        self.extra = extra or {}  # fairlead only: further configuration, {"section": {"key": value}}
        self.prefix = prefix or []  # a command to run the server under, such as ip netns exec
        self.quiet = quiet
        self.port, self.tls_port = port, tls_port  # free ones unless given


class Server:
    """A running server; use it in a `with` statement."""

    kind = ""

    def __init__(self, settings):
        self.settings = settings
        self.host = settings.host
        self.port = settings.port or free_port(settings.host)
        self.tls_port = settings.tls_port or free_port(settings.host)
        self.process = None
        self.folder = tempfile.TemporaryDirectory(prefix=f"fairlead-{self.kind}-")
        self.log_path = pathlib.Path(self.folder.name) / "log"

    def command(self):
        raise NotImplementedError

    def environment(self):
        return None

    @property
    def pid(self):
        return self.process.pid

    @property
    def label(self):
        return self.kind

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self.folder.cleanup()

    def start(self, patience=10):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.settings.prefix + self.command(), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, env=self.environment(),
                                            preexec_fn=lambda: place(self.settings.cpu, self.settings.urgent))
        deadline = time.monotonic() + patience
        while not answers_binding(self.host, self.port):
            if self.process.poll() is not None:
                raise ServerFailed(f"{self.kind} ended with {self.process.returncode}:\n{self.log()}")
            if time.monotonic() > deadline:
                self.stop()
                raise ServerFailed(f"{self.kind} does not answer:\n{self.log()}")
            time.sleep(0.01)

    def stop(self, patience=5):
        """Ends it with SIGTERM, by force after `patience`. Returns the seconds that took."""
        if self.process is None:
            return 0.0
        begin = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return time.monotonic() - begin

    def alive(self):
        return self.process.poll() is None

    def log(self, lines=30):
        try:
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        return 0

    def sanitized(self):
        """Built with a sanitizer: it keeps what is freed for a while, so its memory says nothing about the server's."""
        with open(f"/proc/{self.pid}/maps", encoding="utf-8", errors="replace") as maps:
            return any(library in line for line in maps for library in ("libasan", "libtsan"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


def place(cpu, urgent):
    """Where and how urgently the calling process runs from now on."""
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    if urgent:
        # The kernel weighs sessions against each other first, then processes within one. Not a real-time class: that is
        # throttled for 50 ms of each second.
        os.setsid()
        with contextlib.suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as autogroup:
            autogroup.write("-20")
        os.setpriority(os.PRIO_PROCESS, 0, -20)


def make_certificate(folder):
    """A self-signed certificate for localhost: (certificate, key)."""
    certificate, key = pathlib.Path(folder) / "cert.pem", pathlib.Path(folder) / "key.pem"
    if not certificate.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", str(key), "-out", str(certificate), "-days", "30", "-subj", "/CN=localhost"],
                       check=True, capture_output=True)
    return str(certificate), str(key)


class Coturn(Server):
    kind = "coturn"

    def __init__(self, settings, package=None):
        self.package = package or CoturnPackage()
        super().__init__(settings)

    def environment(self):
        return self.package.environment()

    def command(self):
        given = self.settings
        folder = self.folder.name
        command = [self.package.program("turnserver"), "-n", "--no-cli", "-r", given.realm, "-L", given.host,
                   "-p", str(self.port), "-m", str(given.workers), "--min-port", str(given.ports[0]),
                   "--max-port", str(given.ports[1]), "--simple-log", "--pidfile", f"{folder}/pid", "--db", f"{folder}/turndb"]
        command += ["--no-stdout-log", "--log-file", "/dev/null"] if given.quiet else ["-v", "--log-file", "stdout"]
        for host in given.relay_hosts:
            command += ["-E", host]
        if given.secret:
            command += ["--use-auth-secret", "--static-auth-secret", given.secret]
        else:
            command += ["--lt-cred-mech", "-u", f"{given.user}:{given.password}"]
        if given.allow_any_peer:
            command += ["--allow-loopback-peers"]
        if not given.streams:
            command += ["--no-tcp"]
        if given.tls:
            certificate, key = make_certificate(folder)
            command += ["--tls-listening-port", str(self.tls_port), "--cert", certificate, "--pkey", key]
        else:
            command += ["--no-tls", "--no-dtls"]
        return command


class Fairlead(Server):
    kind = "fairlead"

    def __init__(self, settings, binary=None):
        self.binary = str(binary or fairlead_binary())
        super().__init__(settings)

    def command(self):
        path = pathlib.Path(self.folder.name) / "fairlead.yaml"
        path.write_text(to_yaml(self.configuration()))
        return [self.binary, "serve", "--config", str(path)]

    def configuration(self):
        given = self.settings
        folder = self.folder.name
        bracketed = f"[{given.host}]" if ":" in given.host else given.host
        configuration = {
            "server": {"workers": given.workers, "state-dir": f"{folder}/state", "drain-timeout": "0s"},
            "listen": {"turn": [f"{bracketed}:{self.port}"],
                       "turn-tls": [f"{bracketed}:{self.tls_port}"] if given.tls else [],
                       "tcp": given.streams, "http": [], "https": [], "admin": []},
            "relay": {"addresses": given.relay_hosts, "ports": f"{given.ports[0]}-{given.ports[1]}"},
            "turn": {"realm": given.realm, "quotas": {"user": 0}},
            "log": {"level": "warning" if given.quiet else "info"},
            "limits": {"connections-per-source": 20000, "connections": 20000},
        }
        if given.secret:
            configuration["turn"]["secrets"] = [given.secret]
        else:
            configuration["turn"]["users"] = [f"{given.user}:{given.password}"]
        if given.allow_any_peer:
            configuration["relay"]["peers"] = {"policy": "any"}
        for section, values in given.extra.items():
            merge(configuration.setdefault(section, {}), values)
        return configuration


def merge(into, values):
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


def to_yaml(value, indent=0):
    """Mappings and lists of scalars, which is all that a configuration has."""
    lines = []
    for key, item in value.items():
        margin = "  " * indent
        if isinstance(item, dict):
            lines += [f"{margin}{key}:", to_yaml(item, indent + 1).rstrip("\n")]
        elif isinstance(item, list):
            lines.append(f"{margin}{key}: [" + ", ".join(scalar(element) for element in item) + "]")
        else:
            lines.append(f"{margin}{key}: {scalar(item)}")
    return "\n".join(line for line in lines if line) + "\n"


def scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else '"' + str(value) + '"'


def fairlead_binary():
    """$FAIRLEAD_BINARY, or what the build that runs the test has made ($FAIRLEAD_BUILT), or the newest of all builds."""
    given = os.environ.get("FAIRLEAD_BINARY") or os.environ.get("FAIRLEAD_BUILT")
    if given:
        if not os.access(given, os.X_OK):
            raise Unavailable(f"{given} is not there")
        return given
    built = [path for path in (ROOT / "build").glob("*/fairlead") if os.access(path, os.X_OK)]
    if not built:
        raise Unavailable("fairlead has not been built")
    return max(built, key=lambda path: path.stat().st_mtime)


def make_server(kind, settings):
    return Coturn(settings) if kind == "coturn" else Fairlead(settings)
