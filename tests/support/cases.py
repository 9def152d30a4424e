"""Runs named cases, prints one PASS, FAIL or SKIP line for each, and turns the outcome into an exit code for ctest."""

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
