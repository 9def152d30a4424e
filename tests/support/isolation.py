"""Runs a test program in namespaces of its own: network, mounts and processes. Whatever it makes there, interfaces, named
network namespaces, servers, ends with it, even when it is killed; nothing of it can be seen or disturbed from outside."""

import os
import shutil
import subprocess
import sys

from cases import skip

MARK = "FAIRLEAD_ISOLATED"


def enter():
    """Starts the running program again inside, and ends with its exit code; returns when already there. Skips the test
    where the kernel or the user's rights do not allow it."""
    if os.environ.get(MARK):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)  # for ip netns, unseen by others
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    missing = [tool for tool in ("unshare", "ip", "mount") if not shutil.which(tool)]
    if missing:
        skip("no " + ", ".join(missing))
    unshare = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--net", "--mount", "--pid", "--fork",
               "--kill-child", "--mount-proc"]
    trial = subprocess.run([*unshare, "sh", "-c", "mount -t tmpfs tmpfs /run && ip netns add trial && ip netns exec trial true"],
                           capture_output=True, text=True, check=False)
    if trial.returncode != 0:
        skip("network namespaces cannot be made here: " + trial.stderr.strip())
    os.environ[MARK] = "1"
    sys.exit(subprocess.run([*unshare, sys.executable, "-B", *sys.argv], check=False).returncode)


def run(*command, **options):
    """Runs a command that has to succeed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout
