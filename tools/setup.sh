# Sourced by run.sh and test.sh: finds or installs what the build needs, and builds a preset. POSIX sh.
# A script that sources this has changed into the checkout's top and sets `offline` to yes or no.
# shellcheck shell=sh disable=SC2034,SC2154

build_packages="ca-certificates g++ cmake ninja-build pkg-config libssl-dev libsqlite3-dev libyaml-cpp-dev libcli11-dev libfmt-dev prometheus-cpp-dev"
test_packages="libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev python3"
# Not having one of these skips the tests that want it, and only those.
lab_packages="iproute2 nftables chromium openssl curl clang-19 libclang-rt-19-dev clang-format-19 clang-tidy-19"

say() { printf '%s\n' "$*" >&2; }
die() {
    status=$1
    shift
    say "${0##*/}: $*"
    exit "$status"
}

# The named packages that are not installed. One question to dpkg, however many there are.
missing_of() {
    have=" $(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' | tr '\n' ' ')"
    for package in "$@"; do
        case "$have" in *" $package "*) ;; *) printf '%s ' "$package" ;; esac
    done
}

known() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | grep -q '^ *Candidate: [^(]'; }

# 1.81 is the first Boost with all we use. Debian 12 has it beside its default 1.74; later systems have a newer default.
boost_package() {
    found=$(sed -n 's/^#define BOOST_VERSION \([0-9]*\).*/\1/p' /usr/include/boost/version.hpp 2>/dev/null || true)
    [ "${found:-0}" -ge 108100 ] && return
    if known libboost1.81-dev; then echo libboost1.81-dev; else echo libboost-dev; fi
}

# Any node from 18 on will do, from wherever it came.
node_packages() {
    version=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
    [ "${version:-0}" -ge 18 ] && command -v npm >/dev/null 2>&1 || echo nodejs npm
}

apt_get() { $become env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -o DPkg::Lock::Timeout=180 "$@"; }

# How to become root: nothing when we are, sudo when it works without a surprise; fails when neither.
find_root() {
    become=
    [ "$(id -u)" = 0 ] && return 0
    command -v sudo >/dev/null 2>&1 || return 1
    become=sudo
    sudo -n true 2>/dev/null || [ -t 0 ]
}

updated=no
update_lists() {
    [ "$updated" = no ] || return 1
    updated=yes
    say "Reading the package lists"
    apt_get update -qq >&2
}

# install_group <packages>: returns non-zero with a word on why when it cannot. Simulates first: on Debian 12 libboost1.81-dev
# and libboost1.74-dev exclude each other, and -y alone would remove the one that something else needs.
install_group() {
    for package in "$@"; do known "$package" || { update_lists || true; break; }; done
    if ! plan=$(apt_get -s install --no-install-recommends "$@" 2>&1); then
        say "apt-get cannot install: $*"
        printf '%s\n' "$plan" | sed -n 's/^E: /  /p' >&2
        return 1
    fi
    removed=$(printf '%s\n' "$plan" | sed -n 's/^Remv \([^ ]*\).*/\1/p' | tr '\n' ' ')
    if [ -n "$removed" ]; then
        say "Installing $* would remove: $removed"
        say "Nothing was changed. Remove them yourself if nothing needs them, or use a container."
        return 1
    fi
    say "Installing: $*"
    apt_get install -y -qq --no-install-recommends "$@" >&2 && return
    update_lists && apt_get install -y -qq --no-install-recommends "$@" >&2
}

# install_packages <required> <wanted>, each a list in one word. Ends the script (3) when something required cannot be had.
install_packages() {
    if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
        for tool in cmake ninja c++; do
            command -v $tool >/dev/null 2>&1 || die 3 "this is not a Debian or Ubuntu system and $tool is missing; in a container:
  docker run --rm -it --network host -v \"\$PWD:/fairlead\" -w /fairlead debian:12 ./${0##*/}"
        done
        return 0
    fi
    # shellcheck disable=SC2086 # lists of words by design
    required=$(missing_of $1) wanted=$(missing_of ${2:-})
    [ -n "$required$wanted" ] || return 0
    line="apt-get install -y --no-install-recommends $required$wanted"
    if [ "$offline" = yes ]; then
        [ -z "$required" ] || die 3 "missing, and --offline forbids to install: $required"
        say "Not installed, so the tests that want them are skipped: $wanted"
        return 0
    fi
    if ! find_root; then
        [ -z "$required" ] || die 3 "packages are missing; as root, run:
  $line"
        say "Not installed, so the tests that want them are skipped. As root: $line"
        return 0
    fi
    [ -z "$become" ] || say "$become $line"
    # shellcheck disable=SC2086
    [ -z "$required" ] || install_group $required || die 3 "packages are missing; as root, run:
  $line"
    for package in $wanted; do
        install_group "$package" || say "Without $package the tests that want it are skipped."
    done
}

# run_as_owner "$@": as root in somebody's checkout, starts the script again as that somebody, so that what is built belongs to
# them. Returns when there is nobody else to become.
run_as_owner() {
    [ "$(id -u)" = 0 ] || return 0
    owner=$(stat -c %u .) group=$(stat -c %g .)
    if [ "$owner" = 0 ]; then
        say "Note: running as root, because this checkout belongs to root."
        return 0
    fi
    home=$(getent passwd "$owner" | cut -d: -f6)
    groups=--init-groups
    [ -n "$home" ] || groups=--clear-groups
    if ! setpriv --reuid="$owner" --regid="$group" $groups true 2>/dev/null; then
        say "Note: staying root: cannot become the owner of this checkout ($owner) here."
        return 0
    fi
    exec setpriv --reuid="$owner" --regid="$group" $groups env HOME="${home:-$PWD}" FAIRLEAD_PACKAGES=ready "$0" "$@"
}

# As many compilers as there are cores, but no more than fit: the largest takes 1.2 GB.
jobs() {
    if [ -n "${JOBS:-}" ]; then
        echo "$JOBS"
        return
    fi
    cores=$(nproc)
    memory=$(awk '/^MemAvailable:/ { print int($2 / 1200000) }' /proc/meminfo)
    limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)
    [ "$limit" = max ] || [ $((limit / 1200000000)) -ge "$memory" ] || memory=$((limit / 1200000000))
    [ "$memory" -ge 1 ] || memory=1
    [ "$memory" -le "$cores" ] || memory=$cores
    echo "$memory"
}

# configure <preset>; build <preset> [target...]
configure() {
    [ -f "build/$1/build.ninja" ] && return
    mkdir -p "build/$1"
    say "Configuring build/$1"
    cmake --preset "$1" >"build/$1/configure.log" 2>&1 || {
        cat "build/$1/configure.log" >&2
        die 1 "cmake cannot configure the preset $1"
    }
}
build() {
    preset=$1
    shift
    configure "$preset"
    [ $# = 0 ] || set -- --target "$@"
    [ -t 1 ] || set -- "$@" -- --quiet
    cmake --build "build/$preset" -j "$(jobs)" "$@" || die 1 "the build failed"
}
