"""Runs named cases, prints one PASS, FAIL or SKIP line for each, and turns the outcome into an exit code for ctest."""

import argparse
import sys
import time
import traceback

from turn_servers import ServerFailed, Unavailable

SKIPPED = 77  # SKIP_RETURN_CODE of the tests in CMake


class Cases:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def run(self, name, case, *arguments):
        """`case` returns a remark, or None; raises AssertionError to fail and Unavailable to be skipped."""
        begin = time.monotonic()
        try:
            remark = case(*arguments)
        except Unavailable as reason:
            self.skipped += 1
            return self._line("SKIP", name, begin, reason)
        except (AssertionError, ServerFailed) as reason:
            self.failed += 1
            return self._line("FAIL", name, begin, reason)
        except Exception:  # the test's own fault is a failure too
            self.failed += 1
            return self._line("FAIL", name, begin, traceback.format_exc())
        self.passed += 1
        return self._line("PASS", name, begin, remark or "")

    def exit(self):
        if self.failed:
            sys.exit(1)
        sys.exit(0 if self.passed else SKIPPED)

    @staticmethod
    def _line(verdict, name, begin, text):
        seconds = time.monotonic() - begin
        print(f"{verdict} {name} ({seconds:.1f} s){': ' if str(text) else ''}{text}", flush=True)


def skip(reason):
    """Ends the program as skipped."""
    print(f"SKIP: {reason}", flush=True)
    sys.exit(SKIPPED)


def main(about, *cases):
    """The whole program of a test whose cases take no arguments: `--list` names them, otherwise those named, or all, run."""
    by_name = {case.__name__: case for case in cases}
    parser = argparse.ArgumentParser(description=about.split("\n")[0])
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="default: all")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(by_name))
        return
    unknown = [name for name in arguments.cases if name not in by_name]
    if unknown:
        parser.error("no such case: " + ", ".join(unknown))
    outcome = Cases()
    for name in arguments.cases or by_name:
        outcome.run(name, by_name[name])
    outcome.exit()
