"""run.sh, test.sh and what they share, on a machine that is pretended: every command that would change it is a recording fake."""
import os
import subprocess
import tempfile
import textwrap
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("sh", "sed", "tr", "cat", "grep", "awk", "nproc", "stat", "getent", "cut", "dirname", "cmp", "cp", "mkdir", "chmod", "uname",
            "python3", "readlink", "kill", "rm", "sleep", "setsid", "nohup", "touch", "env", "true", "printf")


class Machine:
    """A checkout with the real scripts, and a PATH where only what is listed exists. fakes write what they were called with to calls."""

    def __init__(self, home):
        self.home = Path(home)
        self.bin, self.checkout, self.calls = self.home / "bin", self.home / "checkout", self.home / "calls"
        self.bin.mkdir()
        (self.checkout / "tools").mkdir(parents=True)
        for name in ("run.sh", "test.sh", "tools/setup.sh", "tools/test_summary"):
            (self.checkout / name).write_bytes((ROOT / name).read_bytes())
            (self.checkout / name).chmod(0o755)
        for name in COMMANDS:
            found = subprocess.run(["sh", "-c", f"command -v {name}"], capture_output=True, text=True).stdout.strip()
            if found.startswith("/"):
                (self.bin / name).symlink_to(found)
        self.fake("id", "echo 0")
        self.fake("node", "echo v20.1.0")
        self.fake("npm", "")
        self.fake("dpkg-query", """
            shift 2
            for p; do case " $MISSING " in *" $p "*) ;; *) echo "installed $p" ;; esac; done""")
        self.fake("apt-cache", 'case " $UNKNOWN " in *" $2 "*) ;; *) echo "  Candidate: 1.0" ;; esac')
        self.fake("apt-get", """
            case "$*" in
            *" -s install "*) [ -z "${REMOVES:-}" ] || case "$*" in *"${REMOVES%%:*}"*) echo "Remv ${REMOVES#*:} [1.0]" ;; esac ;;
            esac""")
        self.fake("cmake", """
            case "$1" in
            --preset) mkdir -p "build/$2" && touch "build/$2/build.ninja" ;;
            --build) [ ! -f ../server ] || cp ../server "$2/fairlead" ;;
            esac""")
        (self.checkout / "build/release").mkdir(parents=True)

    def fake(self, name, body):
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.calls}\n{textwrap.dedent(body)}\n')
        path.chmod(0o755)

    def without(self, name):
        (self.bin / name).unlink()

    def run(self, script, *arguments, **environment):
        self.calls.write_text("")
        done = subprocess.run([str(self.checkout / script), *arguments], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                              env={"PATH": str(self.bin), "MISSING": "", "UNKNOWN": "", **environment})
        return done.returncode, done.stdout + done.stderr

    def called(self, beginning):
        return [line for line in self.calls.read_text().splitlines() if line.startswith(beginning)]


class Scripts(unittest.TestCase):
    def machine(self):
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        return Machine(home.name)

    def test_nothing_is_installed_when_nothing_is_missing(self):
        machine = self.machine()
        status, text = machine.run("run.sh", "--build-only")
        self.assertEqual(status, 0, text)
        self.assertEqual(machine.called("apt-get"), [])
        self.assertEqual(machine.called("cmake --build")[0].split()[2:4], ["build/release", "-j"])

    def test_missing_packages_are_simulated_then_installed_as_root(self):
        machine = self.machine()
        status, text = machine.run("run.sh", "--build-only", MISSING="libyaml-cpp-dev ninja-build")
        self.assertEqual(status, 0, text)
        calls = machine.called("apt-get")
        self.assertEqual(len(calls), 2, calls)
        self.assertIn(" -s install ", calls[0])
        self.assertTrue(calls[1].endswith("install -y -qq --no-install-recommends ninja-build libyaml-cpp-dev"), calls)

    def test_an_installation_that_would_remove_something_is_refused(self):
        machine = self.machine()
        status, text = machine.run("run.sh", "--build-only", MISSING="libcli11-dev", REMOVES="libcli11-dev:libboost1.74-dev")
        self.assertEqual(status, 3, text)
        self.assertIn("would remove: libboost1.74-dev", text)
        self.assertEqual([call for call in machine.called("apt-get") if " -s " not in call], [])
        self.assertEqual(machine.called("cmake"), [])

    def test_without_root_and_sudo_the_exact_line_is_printed(self):
        machine = self.machine()
        machine.fake("id", "echo 1000")
        status, text = machine.run("run.sh", "--build-only", MISSING="libfmt-dev")
        self.assertEqual(status, 3, text)
        self.assertIn("apt-get install -y --no-install-recommends libfmt-dev", text)
        self.assertEqual(machine.called("apt-get"), [])

    def test_sudo_is_used_when_it_asks_nothing(self):
        machine = self.machine()
        machine.fake("id", "echo 1000")
        machine.fake("sudo", '[ "$1" = -n ] || "$@"')
        status, text = machine.run("run.sh", "--build-only", MISSING="libfmt-dev")
        self.assertEqual(status, 0, text)
        self.assertTrue(machine.called("apt-get")[-1].endswith("install -y -qq --no-install-recommends libfmt-dev"))

    def test_sudo_that_would_ask_for_a_password_is_not_used_without_a_terminal(self):
        machine = self.machine()
        machine.fake("id", "echo 1000")
        machine.fake("sudo", "exit 1")
        status, text = machine.run("run.sh", "--build-only", MISSING="libfmt-dev")
        self.assertEqual(status, 3, text)
        self.assertEqual(machine.called("apt-get"), [])

    def test_a_package_that_only_some_tests_want_may_be_unknown(self):
        machine = self.machine()
        machine.fake("apt-get", 'case "$*" in *-s*install*clang-19*) echo "E: Unable to locate package clang-19"; exit 100 ;; esac')
        status, text = machine.run("test.sh", "--build-only", MISSING="clang-19 libgtest-dev", UNKNOWN="clang-19")
        self.assertEqual(status, 0, text)
        self.assertIn("Without clang-19 the tests that want it are skipped", text)
        self.assertTrue(any(call.endswith("recommends libgtest-dev") and " -s " not in call for call in machine.called("apt-get")))

    def test_unknown_packages_make_it_read_the_lists_once(self):
        machine = self.machine()
        status, text = machine.run("run.sh", "--build-only", MISSING="libfmt-dev libcli11-dev", UNKNOWN="libfmt-dev libcli11-dev")
        self.assertEqual(status, 0, text)
        self.assertEqual(len([call for call in machine.called("apt-get") if call.endswith("update -qq")]), 1)

    def test_offline_never_calls_apt(self):
        machine = self.machine()
        self.assertEqual(machine.run("test.sh", "--build-only", "--offline")[0], 0)
        self.assertEqual(machine.called("apt-get"), [])
        status, text = machine.run("run.sh", "--build-only", "--offline", MISSING="libfmt-dev")
        self.assertEqual(status, 3, text)
        self.assertEqual(machine.called("apt-get"), [])

    def test_elsewhere_than_on_debian_a_container_is_suggested(self):
        machine = self.machine()
        machine.without("apt-get")
        machine.without("cmake")
        status, text = machine.run("run.sh", "--build-only")
        self.assertEqual(status, 3, text)
        self.assertIn("docker run", text)

    def test_root_becomes_the_owner_of_the_checkout(self):
        machine = self.machine()
        machine.fake("stat", "echo 1234")
        machine.fake("setpriv", "")
        status, text = machine.run("run.sh", "--build-only")
        self.assertEqual(status, 0, text)
        last = machine.called("setpriv")[-1]
        self.assertIn("--reuid=1234 --regid=1234", last)
        self.assertTrue(last.endswith("run.sh --build-only"), last)
        self.assertEqual(machine.called("cmake"), [])  # the copy that setpriv started builds, not this one

    def test_root_stays_root_with_a_word_when_it_owns_the_checkout_or_must(self):
        machine = self.machine()
        machine.fake("stat", "echo 0")
        status, text = machine.run("run.sh", "--build-only")
        self.assertEqual(status, 0, text)
        self.assertIn("running as root, because this checkout belongs to root", text)
        machine.fake("stat", "echo 1234")
        machine.fake("setpriv", "exit 1")
        status, text = machine.run("run.sh", "--build-only")
        self.assertEqual(status, 0, text)
        self.assertIn("staying root", text)

    def test_compilers_are_limited_by_memory_and_cores(self):
        machine = self.machine()
        machine.fake("nproc", "echo 64")
        for available, expected in ((2500000, "2"), (100000, "1"), (1000000000, "64")):
            machine.fake("awk", f"echo $(({available} / 1200000))")
            machine.fake("cat", 'case "$1" in /sys/*) echo max ;; esac')
            machine.run("run.sh", "--build-only")
            self.assertEqual(machine.called("cmake --build")[0].split()[4], expected)

    def test_wrong_arguments_are_refused_before_anything_is_installed(self):
        machine = self.machine()
        for script, arguments in (("run.sh", ["--prot", "1"]), ("run.sh", ["--port"]), ("run.sh", ["--port", "many"]), ("test.sh", ["--fast"])):
            status, text = machine.run(script, *arguments, MISSING="libfmt-dev")
            self.assertEqual(status, 2, text)
            self.assertEqual(machine.called("apt-get"), [])

    def test_arguments_after_two_dashes_reach_the_server(self):
        machine = self.machine()
        (machine.home / "server").write_text('#!/bin/sh\nfor a; do echo "<$a>"; done\n')
        (machine.home / "server").chmod(0o755)
        status, text = machine.run("run.sh", "--port", "9443", "--domain=turn.example.org", "--", "--log-level", "de bug")
        self.assertEqual(status, 0, text)
        self.assertIn("<serve>\n<--dev>\n<--server-state-dir>\n", text)
        self.assertIn("<0.0.0.0:9443>", text)
        self.assertIn("<--advertise-host>\n<turn.example.org>", text)
        self.assertIn("<--log-level>\n<de bug>\n", text)
        self.assertEqual((machine.checkout / ".run").stat().st_mode & 0o777, 0o700)

    def test_detach_starts_one_server_and_stop_ends_it(self):
        machine = self.machine()
        # A real executable, because --stop looks at what the process id runs now: the shell under another name.
        (machine.home / "server").write_bytes(Path("/bin/sh").resolve().read_bytes())
        (machine.home / "server").chmod(0o755)
        (machine.checkout / "serve").write_text("echo open https://localhost:8443/\nwhile :; do sleep 0.05; done\n")
        status, text = machine.run("run.sh", "--detach")
        try:
            self.assertEqual(status, 0, text)
            self.assertIn("open https://localhost:8443/", text)
            pid = int((machine.checkout / ".run/fairlead.pid").read_text())
            self.assertEqual(machine.run("run.sh", "--detach")[0], 1)
        finally:
            status, text = machine.run("run.sh", "--stop")
        self.assertEqual(status, 0, text)
        self.assertFalse(os.path.exists(f"/proc/{pid}/exe"))
        status, text = machine.run("run.sh", "--stop")
        self.assertEqual((status, "Not running." in text), (0, True))

    def test_stop_leaves_a_process_alone_that_only_has_the_number(self):
        machine = self.machine()
        (machine.checkout / ".run").mkdir()
        (machine.checkout / ".run/fairlead.pid").write_text(str(os.getpid()))
        status, text = machine.run("run.sh", "--stop")
        self.assertEqual((status, "Not running." in text), (0, True), text)

    def test_a_server_that_ends_at_once_is_reported_with_its_reason(self):
        machine = self.machine()
        (machine.home / "server").write_text("#!/bin/sh\necho port 3478 is taken >&2\nexit 1\n")
        (machine.home / "server").chmod(0o755)
        status, text = machine.run("run.sh", "--detach")
        self.assertEqual(status, 1, text)
        self.assertIn("port 3478 is taken", text)

    def summary(self, text, *options):
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        path = Path(home.name) / "junit.xml"
        if text is not None:
            path.write_text(text)
        done = subprocess.run([ROOT / "tools/test_summary", *options, path], capture_output=True, text=True)
        return done.returncode, done.stdout.splitlines()

    def test_last_line_counts_what_ran(self):
        passed, failed = '<testcase name="a" status="run"/>', '<testcase name="b" status="fail"><failure/><system-out>why</system-out></testcase>'
        chosen = '<testcase name="c" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/><system-out>no chromium</system-out></testcase>'
        unbuilt = '<testcase name="d" status="notrun"><skipped message="Unable to find executable"/></testcase>'
        foreign = '<testcase name="e"><skipped/></testcase><testcase name="f"><failure message="x">y</failure></testcase>'
        suite = "<testsuite>{}</testsuite>".format
        self.assertEqual(self.summary(suite(passed * 2 + chosen)), (0, ["skipped c: no chromium", "2 passed, 0 failed, 1 skipped"]))
        self.assertEqual(self.summary(suite(passed * 2 + chosen), "--must-run", "^c$")[1][-1], "2 passed, 1 failed, 0 skipped")
        status, lines = self.summary(suite(passed + failed))
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed, 0 skipped"))
        self.assertEqual(lines[:2], ["FAILED b", "    why"])
        self.assertEqual(self.summary(suite(passed + unbuilt))[0], 1)
        self.assertEqual(self.summary(suite(passed + foreign))[1][-1], "1 passed, 1 failed, 1 skipped")

    def test_a_run_without_tests_is_a_failure(self):
        self.assertEqual(self.summary("<testsuite/>"), (1, ["0 passed, 0 failed, 0 skipped"]))
        self.assertEqual(self.summary(None)[0], 1)
        self.assertEqual(self.summary("<testsuite><testcase")[0], 1)


if __name__ == "__main__":
    unittest.main()
