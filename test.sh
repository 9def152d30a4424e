#!/bin/sh
# Installs what is missing, builds the tests and runs them. The last line reads: N passed, N failed, N skipped
set -eu
cd "$(dirname "$0")"

usage() {
    cat <<'END'
usage: ./test.sh [options] [name filter, a regular expression]

  --sanitize         with AddressSanitizer and UndefinedBehaviorSanitizer (build/asan)
  --thread           with ThreadSanitizer (build/tsan): the tests of the modules that have threads
  --label REGEX      only tests with such a label; --without REGEX: none of them
                     (unit, conformance, scenario, corpus, house, integration, interop, netns, faults, browser)
  --browser          fail instead of skip when the browser tests cannot run
  --lab              as root: stay root, for the tests that make network namespaces
  --build-only       build the tests and stop
  --offline          install nothing, use what is there
END
}

preset=dev label='' without='' filter='' must_run='' browser=no lab=no build_only=no offline=no
parse() {
    while [ $# -gt 0 ]; do
        case "$1" in
        --sanitize) preset=asan ;;
        --thread) preset=tsan ;;
        --label | --without)
            [ $# -ge 2 ] || return 2
            if [ "$1" = --label ]; then label=$2; else without=$2; fi
            shift
            ;;
        --browser) browser=yes ;;
        --lab) lab=yes ;;
        --build-only) build_only=yes ;;
        --offline) offline=yes ;;
        -h | --help) usage; exit 0 ;;
        -*) return 2 ;;
        *) [ -z "$filter" ] || return 2; filter=$1 ;;
        esac
        shift
    done
}
parse "$@" || { usage >&2; exit 2; }

. tools/setup.sh
if [ "${FAIRLEAD_PACKAGES:-}" != ready ]; then
    install_packages "$build_packages $test_packages $(boost_package) $(node_packages)" "$lab_packages"
    [ $lab = yes ] || run_as_owner "$@"
fi
if [ $browser = yes ]; then
    command -v chromium >/dev/null || die 3 "--browser: chromium is not installed"
    [ -z "$(node_packages)" ] || die 3 "--browser: node 18 and npm are not installed"
    must_run='^browser\.'
fi

configure $preset
tree=build/$preset
targets=
if [ $preset = tsan ]; then
    # The floors below have no threads to race; their time goes to the other presets.
    threaded=$(awk '$2 == "io" || $2 == "driver" { print $1 }' $tree/modules.txt)
    for module in $threaded; do
        [ -z "$(ninja -C $tree -t query "${module}_test" 2>/dev/null)" ] || targets="$targets ${module}_test"
    done
    [ -n "$targets" ] || die 1 "no module with threads has tests"
    filter=${filter:-"^($(echo "$threaded" | tr '\n' '|' | sed 's/|$//'))\\."}
fi
# shellcheck disable=SC2086
build $preset $targets
[ $build_only = no ] || exit 0

# The sanitizers need their shadow memory where randomised mappings may already be, on kernels that randomise widely.
unrandomised=
[ "$preset" = dev ] || ! setarch "$(uname -m)" -R true 2>/dev/null || unrandomised="setarch $(uname -m) -R"
ASAN_OPTIONS=${ASAN_OPTIONS:-strict_string_checks=1:detect_stack_use_after_return=1}
UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1}
export ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS

rm -f $tree/junit.xml
say "Running the tests of $tree"
set -- --test-dir $tree -j "$(nproc)" --output-on-failure --no-tests=ignore --output-junit "$PWD/$tree/junit.xml"
[ -z "$filter" ] || set -- "$@" -R "$filter"
[ -z "$label" ] || set -- "$@" -L "$label"
[ -z "$without" ] || set -- "$@" -LE "$without"
if [ -t 1 ]; then
    $unrandomised ctest "$@" | tee $tree/test.log || true
else
    $unrandomised ctest "$@" >$tree/test.log 2>&1 || true
fi
exec python3 tools/test_summary --must-run "$must_run" --log $tree/test.log --counts $tree/counts $tree/junit.xml
