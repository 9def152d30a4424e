"""Proves that the house rules bite: builds small trees that break one rule each and expects the check to say so."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"
COMPILER = os.environ.get("CXX", "g++")

# Two modules on one pure floor, one beside it: the smallest tree in which every direction can be got wrong.
CMAKE = """
cmake_minimum_required(VERSION 3.25)
project(trial VERSION 1.0.0 LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
enable_testing()
add_library(fairlead_flags INTERFACE)
list(APPEND CMAKE_MODULE_PATH ${HOUSE_CMAKE})
include(Module)
include(Purity)
floor(base)
floor(proto SEES base)
floor(io SEES base)
add_subdirectory(src/base/bytes)
add_subdirectory(src/io/clock)
add_subdirectory(src/proto/stun)
add_subdirectory(src/proto/turn)
write_module_map()
check_headers()
check_purity(base proto)
"""

CLEAN = {
    "src/base/bytes/CMakeLists.txt": "module(bytes base SOURCES bytes.cpp)",
    "src/base/bytes/bytes.hpp": "#pragma once\nint width();\n",
    "src/base/bytes/bytes.cpp": '#include "bytes/bytes.hpp"\nint width() { return 8; }\n',
    "src/io/clock/CMakeLists.txt": "module(clock io SOURCES clock.cpp)",
    "src/io/clock/clock.hpp": "#pragma once\nlong ticks();\n",
    "src/io/clock/clock.cpp": '#include "clock/clock.hpp"\n#include <chrono>\n'
                              "long ticks() { return std::chrono::steady_clock::now().time_since_epoch().count(); }\n",
    "src/proto/stun/CMakeLists.txt": "module(stun proto SOURCES stun.cpp DEPENDS bytes)",
    "src/proto/stun/stun.hpp": "#pragma once\nint header();\n",
    "src/proto/stun/method.hpp": "#pragma once\nenum class Method { binding = 1 };\n",
    "src/proto/stun/stun.cpp": '#include "stun/stun.hpp"\n#include "bytes/bytes.hpp"\nint header() { return width() * 20; }\n',
    "src/proto/turn/CMakeLists.txt": "module(turn proto SOURCES turn.cpp DEPENDS stun)",
    "src/proto/turn/turn.hpp": "#pragma once\nint channel();\n",
    "src/proto/turn/turn.cpp": '#include "turn/turn.hpp"\n#include "stun/stun.hpp"\nint channel() { return header(); }\n',
}


class Tree:
    """A small source tree of its own, clean until write() breaks it."""

    def __init__(self, root):
        self.root = Path(root)
        self.write("CMakeLists.txt", CMAKE)
        for name, text in CLEAN.items():
            self.write(name, text)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return self

    def run(self, *command):
        done = subprocess.run([str(part) for part in command], cwd=self.root, capture_output=True, text=True, timeout=100)
        return done.returncode, done.stdout + done.stderr

    def configure(self):
        return self.run("cmake", "-G", "Ninja", "-S", ".", "-B", "build", f"-DHOUSE_CMAKE={ROOT / 'cmake'}",
                        f"-DCMAKE_CXX_COMPILER={COMPILER}", "-DCMAKE_BUILD_TYPE=Debug")

    def build(self):
        status, text = self.configure()
        return self.run("cmake", "--build", "build") if status == 0 else (status, text)

    def ctest(self):
        status, text = self.build()
        return self.run("ctest", "--test-dir", "build", "--output-on-failure") if status == 0 else (status, text)

    def include_lint(self):
        status, text = self.configure()
        return self.run(TOOLS / "include_lint", ".", "build/modules.txt") if status == 0 else (status, text)


class Bites(unittest.TestCase):
    def refused(self, outcome, *expected):
        status, text = outcome
        self.assertNotEqual(status, 0, text)
        for part in expected:
            self.assertIn(part, " ".join(text.split()))

    def tree(self):
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        return Tree(home.name)

    def passes(self, outcome):
        status, text = outcome
        self.assertEqual(status, 0, text)

    def test_clean_tree_passes_every_check(self):
        tree = self.tree()
        self.passes(tree.ctest())
        self.passes(tree.include_lint())
        self.passes(tree.run(TOOLS / "orphan_lint", ".", "build/compile_commands.json"))
        self.passes(tree.run(TOOLS / "coroutine_lint", "."))
        self.passes(tree.run(TOOLS / "words_lint", "."))

    def test_include_from_a_higher_floor_does_not_compile(self):
        tree = self.tree().write("src/proto/stun/stun.cpp", '#include "stun/stun.hpp"\n#include "clock/clock.hpp"\nint header() { return 0; }\n')
        self.refused(tree.build(), "clock/clock.hpp: No such file or directory" if "g++" in COMPILER else "'clock/clock.hpp' file not found")

    def test_dependency_on_a_higher_floor_does_not_configure(self):
        tree = self.tree().write("src/proto/stun/CMakeLists.txt", "module(stun proto SOURCES stun.cpp DEPENDS clock)")
        self.refused(tree.configure(), "stun (proto) may not depend on clock (io)")

    def test_dependency_on_a_later_module_does_not_configure(self):
        tree = self.tree().write("src/proto/stun/CMakeLists.txt", "module(stun proto SOURCES stun.cpp DEPENDS turn)")
        self.refused(tree.configure(), "stun (proto) depends on turn, which is not a module declared before it")

    def test_undeclared_include_inside_a_floor_is_refused(self):
        tree = self.tree().write("src/proto/turn/CMakeLists.txt", "module(turn proto SOURCES turn.cpp DEPENDS bytes)")
        self.passes(tree.build())  # the compiler alone does not see it: both share an include root
        self.refused(tree.include_lint(), 'src/proto/turn/turn.cpp:2: includes "stun/stun.hpp", but turn does not name stun in DEPENDS')

    def test_a_transitive_dependency_does_not_count_as_declared(self):
        tree = self.tree().write("src/proto/turn/turn.cpp", '#include "turn/turn.hpp"\n#include "bytes/bytes.hpp"\nint channel() { return width(); }\n')
        self.refused(tree.include_lint(), 'includes "bytes/bytes.hpp", but turn does not name bytes in DEPENDS')

    def test_impure_system_header_is_refused_on_a_pure_floor_only(self):
        tree = self.tree().write("src/proto/stun/method.hpp", "#pragma once\n#include <iostream>\n")
        self.refused(tree.include_lint(), "src/proto/stun/method.hpp:2: includes <iostream>: proto is a pure floor")

    def test_boost_in_a_header_below_io_is_refused(self):
        tree = self.tree().write("src/proto/stun/method.hpp", "#pragma once\n#include <boost/json/value.hpp>\n")
        self.refused(tree.include_lint(), "no Boost in a header below io")

    def test_a_source_must_include_its_own_header_first(self):
        tree = self.tree().write("src/proto/turn/turn.cpp", '#include "stun/stun.hpp"\n#include "turn/turn.hpp"\nint channel() { return header(); }\n')
        self.refused(tree.include_lint(), 'src/proto/turn/turn.cpp:1: must include "turn/turn.hpp" first')

    def test_a_folder_that_no_module_declares_is_refused(self):
        tree = self.tree().write("src/proto/sdp/sdp.hpp", "#pragma once\n")
        self.refused(tree.include_lint(), "lies in proto/sdp, which no module() call declares")

    def test_a_header_that_does_not_compile_alone_breaks_the_build(self):
        tree = self.tree().write("src/proto/stun/method.hpp", "#pragma once\nstd::size_t length_of_method();\n")
        self.refused(tree.build(), "method.hpp")

    def test_a_source_that_nobody_compiles_is_found(self):
        tree = self.tree().write("src/proto/turn/turn_test.cpp", "int forgotten;\n")
        self.passes(tree.configure())
        self.refused(tree.run(TOOLS / "orphan_lint", ".", "build/compile_commands.json"),
                     "src/proto/turn/turn_test.cpp: compiled by no target")

    def test_a_clock_in_a_pure_archive_fails_its_test(self):
        tree = self.tree().write("src/proto/turn/turn.cpp", '#include "turn/turn.hpp"\n#include <chrono>\n'
                            "int channel() { return int(std::chrono::steady_clock::now().time_since_epoch().count()); }\n")
        self.refused(tree.ctest(), "house.purity.turn", "libturn.a(turn.cpp.o) reads a clock: std::chrono::_V2::steady_clock::now()")

    def test_every_way_out_of_a_pure_archive_is_seen(self):
        ways = {
            "reads a clock": ("#include <time.h>", "timespec t; clock_gettime(0, &t);"),
            "reads a clock (wall)": ("#include <ctime>", "return int(std::time(nullptr));"),
            "reads a clock (system)": ("#include <chrono>", "return int(std::chrono::system_clock::now().time_since_epoch().count());"),
            "sleeps": ("#include <thread>\n#include <chrono>", "std::this_thread::sleep_for(std::chrono::seconds(1));"),
            "uses sockets": ("#include <sys/socket.h>", "return socket(AF_INET, SOCK_DGRAM, 0);"),
            "uses sockets (receive)": ("#include <sys/socket.h>", "char b[8]; return int(recv(0, b, 8, 0));"),
            "uses files": ("#include <fcntl.h>", 'return open("x", O_RDONLY);'),
            "uses files (read)": ("#include <unistd.h>", "char b[8]; return int(read(0, b, 8));"),
            "uses files (tree)": ("#include <filesystem>", 'return std::filesystem::exists("x");'),
            "uses stdio": ("#include <cstdio>", 'return std::printf("%d\\n", 1);'),
            "uses iostreams": ("#include <iostream>", "std::cout << 1;"),
            "uses iostreams (string)": ("#include <sstream>", "std::ostringstream s; s << 1;"),
            "reads the environment": ("#include <cstdlib>", 'return std::getenv("HOME") != nullptr;'),
            "uses threads": ("#include <thread>", "std::thread([] {}).join();"),
            "uses threads (lock)": ("#include <mutex>", "static std::mutex m; m.lock();"),
            "draws randomness": ("#include <random>", "return int(std::random_device{}());"),
            "draws randomness (C)": ("#include <cstdlib>", "return rand();"),
            "draws randomness (system)": ("#include <sys/random.h>", "char b[8]; return int(getrandom(b, 8, 0));"),
        }
        tree = self.tree()
        for number, (name, (include, body)) in enumerate(ways.items()):
            tree.write(f"way{number}.cpp", f"{include}\nint way() {{ {body} return 0; }}\n")
            flags = ["-O2", "-D_FORTIFY_SOURCE=3"] if number % 2 else ["-O0"]
            self.passes(tree.run(COMPILER, "-std=c++23", *flags, "-c", f"way{number}.cpp", "-o", f"way{number}.o"))
            self.passes(tree.run("ar", "rcs", f"libway{number}.a", f"way{number}.o"))
            with self.subTest(name):
                self.refused(tree.run(TOOLS / "purity_lint", f"libway{number}.a"), f"libway{number}.a(way{number}.o) {name.split(' (')[0]}:")

    def test_only_the_formatting_object_may_reference_fwrite(self):
        tree = self.tree().write("format.cpp", '#include <cstdio>\nvoid f(const char* s) { fwrite(s, 1, 1, stderr); }\n')
        self.passes(tree.run(COMPILER, "-c", "format.cpp", "-o", "format.cpp.o"))
        self.passes(tree.run("ar", "rcs", "libtext.a", "format.cpp.o"))
        self.passes(tree.run(TOOLS / "purity_lint", "libtext.a"))
        self.passes(tree.run("ar", "rcs", "libturn.a", "format.cpp.o"))
        self.refused(tree.run(TOOLS / "purity_lint", "libturn.a"), "libturn.a(format.cpp.o) uses stdio: fwrite")

    def test_coroutine_forms_that_the_compiler_breaks_are_refused(self):
        bad = {
            "braces inside": "awaitable<void> f() { co_await leaf({1, 2}); }",
            "braces inside a named type": "awaitable<void> f() { auto n = co_await leaf(Name{1}); }",
            "a capturing lambda inside": "awaitable<void> f(int c) { co_await run_on([c] { return c; }); }",
            "?: around": "awaitable<int> f(bool b) { co_return b ? co_await one() : co_await two(); }",
            "a lambda that is a coroutine": "void g() { spawn([x](int n) -> asio::awaitable<void> { co_return; }); }",
        }
        for what, text in bad.items():
            with self.subTest(what):
                tree = self.tree().write("src/io/clock/clock.cpp", text)
                expected = what.replace(" a named type", "").replace("braces inside", "braces inside a co_await")
                self.refused(tree.run(TOOLS / "coroutine_lint", "."), "src/io/clock/clock.cpp:1: " + expected)

    def test_plain_coroutines_pass(self):
        tree = self.tree().write("src/io/clock/clock.cpp", """
            awaitable<void> session(Stream stream) {
                // co_await leaf({1, 2}) is what we do not write; "co_await {" in a string is not code either.
                auto executor = co_await asio::this_coro::executor;
                const auto [ec, n] = co_await stream.read_some(std::span(buffer_));
                if (const auto read = co_await stream.read_some(buffers[0]); read.ec) { n = ec ? 1 : 2; }
                while (co_await step()) { use(Name{1}); }
                co_spawn(executor, talk(std::move(stream)), [this](std::exception_ptr e) { ended(e); });
            }""")
        self.passes(tree.run(TOOLS / "coroutine_lint", "."))

    def test_changelog_form_is_checked(self):
        good = "# Changelog\n\n## Unreleased\n\n### Added\n- Relay over TCP.\n\n## 0.9.0 - 2026-01-02\n- First.\n"
        bad = {
            'the first section must be "## Unreleased"': good.replace("## Unreleased", "## 1.0.0 - 2026-02-03"),
            "must begin with": good.replace("# Changelog\n", "# Changes\n"),
            'a release reads "## X.Y.Z - YYYY-MM-DD"': good.replace("0.9.0 - 2026-01-02", "v0.9"),
            "newer than the project's version": good.replace("0.9.0", "1.0.1"),
            "newest to oldest": good + "## 0.9.1 - 2026-01-01\n- Second.\n",
            "groups are": good.replace("### Added", "### Stuff"),
            "one line of at most 160": good.replace("Relay over TCP.", "x" * 170),
            'an entry is one line that begins with "- "': good.replace("- First.", "First."),
        }
        tree = self.tree()
        check = (TOOLS / "changelog_lint", "CHANGELOG.md", "CMakeLists.txt")
        self.passes(tree.write("CHANGELOG.md", good).run(*check))
        for expected, text in bad.items():
            with self.subTest(expected):
                self.refused(tree.write("CHANGELOG.md", text).run(*check), expected)

    def test_documents_that_lie_about_links_or_modules_are_refused(self):
        page = "### base\n| `bytes` | x |\n### io\n| `clock` | x |\n### proto\n| `stun` | x |\n| `turn` | [x](adr/1.md) |\n"
        tree = self.tree().write("docs/architecture.md", page).write("docs/adr/1.md", "one\n")
        self.passes(tree.configure())
        check = (TOOLS / "docs_lint", ".", "build/modules.txt")
        self.passes(tree.run(*check))
        self.refused(tree.write("docs/architecture.md", page.replace("| `stun` | x |\n", "")).run(*check), "does not name the module stun (proto)")
        self.refused(tree.write("docs/architecture.md", page + "| `sdp` | x |\n").run(*check), "names the module sdp (proto), which does not exist")
        self.refused(tree.write("docs/architecture.md", page.replace("### io", "### proto")).run(*check), "has clock on the floor proto; it is on io")
        self.refused(tree.write("docs/architecture.md", page.replace("adr/1.md", "adr/2.md")).run(*check), "leads to adr/2.md, which is not there")

    def test_words_of_one_machine_or_of_unfinished_work_are_refused(self):
        for what, text in {"a path of one machine": "see /ro" "ot/notes", "a registry's host": "https://registry.npm" "js.org/x",
                           "a mark of unfinished work": "// TO" "DO later", "a number of an issue": "fixes #" "12"}.items():
            with self.subTest(what):
                self.refused(self.tree().write("README.md", f"one\n{text}\n").run(TOOLS / "words_lint", "."), f"README.md:2: {what}")

    def test_replay_fails_on_a_bad_input_names_it_and_wants_a_corpus(self):
        tree = self.tree().write("target.cpp", "#include <cstddef>\n#include <cstdint>\n"
                                 'extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {\n'
                                 "    if (size == 3 && data[0] == 'x') { __builtin_trap(); }\n    return 0;\n}\n")
        self.passes(tree.run(COMPILER, "-std=c++23", "target.cpp", ROOT / "tests/fuzz/replay/main.cpp", "-o", "replay"))
        self.passes(tree.write("corpus/fine", "abcd").run("./replay", "corpus"))
        self.refused(tree.write("corpus/whole", "xyz").run("./replay", "corpus"), "corpus/whole")
        (tree.root / "corpus/whole").unlink()
        self.refused(tree.write("corpus/prefix", "xyz and more").run("./replay", "corpus"), "corpus/prefix")
        self.refused(tree.run("./replay", "nowhere"))
        self.refused(tree.run("./replay"), "0 files")

    def test_a_pure_archive_that_is_missing_is_not_a_pass(self):
        self.refused(self.tree().run(TOOLS / "purity_lint"), "0 archives")
        self.refused(self.tree().run(TOOLS / "purity_lint", "libnone.a"))


if __name__ == "__main__":
    unittest.main()
