#!/bin/sh
# Installs what is missing, builds the release and starts it with its state in ./.run, to be tried out: everybody who reaches it may
# type a name and call, also on private networks. For anything else configure it: docs/configuration.md.
set -eu
cd "$(dirname "$0")"

usage() {
    cat <<'END'
usage: ./run.sh [options] [-- arguments for the server]

  --build-only     make build/release/fairlead and stop
  --detach         start in the background, print what to open, and return; the log is .run/fairlead.log
  --stop           stop the server started with --detach
  --port PORT      https port (8443 when not given)
  --domain NAME    name or address that clients are told
  --offline        install nothing, use what is there
END
}

build_only=no detach=no stop=no port='' domain='' offline=no rest=0
parse() {
    while [ $# -gt 0 ]; do
        case "$1" in
        --build-only) build_only=yes ;;
        --detach) detach=yes ;;
        --stop) stop=yes ;;
        --offline) offline=yes ;;
        --port=*) port=${1#*=} ;;
        --domain=*) domain=${1#*=} ;;
        --port | --domain)
            [ $# -ge 2 ] || return 2
            if [ "$1" = --port ]; then port=$2; else domain=$2; fi
            shift
            ;;
        -h | --help) usage; exit 0 ;;
        --) shift; break ;;
        *) return 2 ;;
        esac
        shift
    done
    rest=$#
    case "$port" in *[!0-9]*) return 2 ;; esac
}
parse "$@" || { usage >&2; exit 2; }

. tools/setup.sh
state=$PWD/.run
server=$PWD/build/release/fairlead
pid_file=$state/fairlead.pid

# The process that --detach started, if it still runs and is still ours: a process id can have been given to somebody else.
running() {
    pid=$(cat "$pid_file" 2>/dev/null) && [ -n "$pid" ] || return 1
    case "$(readlink "/proc/$pid/exe" 2>/dev/null)" in "$server" | "$server (deleted)") ;; *) return 1 ;; esac
}

if [ $stop = yes ]; then
    running || { say "Not running."; rm -f "$pid_file"; exit 0; }
    kill -TERM "$pid"
    waited=0
    while running && [ $waited -lt 350 ]; do
        sleep 0.1
        waited=$((waited + 1))
    done
    ! running || die 1 "process $pid has not ended in 35 seconds"
    rm -f "$pid_file"
    say "Stopped."
    exit 0
fi

if [ "${FAIRLEAD_PACKAGES:-}" != ready ]; then
    install_packages "$build_packages $(boost_package) $(node_packages)"
    run_as_owner "$@"
fi
shift $(($# - rest))

build release fairlead
[ $build_only = no ] || exit 0

[ -d "$state" ] || mkdir -m 700 "$state"
[ -z "$port" ] || set -- --listen-https "0.0.0.0:$port" --listen-https "[::]:$port" "$@"
[ -z "$domain" ] || set -- --advertise-host "$domain" "$@"
[ $detach = no ] || set -- --log-format text "$@"
set -- serve --dev --server-state-dir "$state" "$@"

[ $detach = yes ] || exec "$server" "$@"

! running || die 1 "it runs already, as process $pid; ./run.sh --stop ends it"
setsid nohup "$server" "$@" >"$state/fairlead.log" 2>&1 </dev/null &
echo $! >"$pid_file"
# The server prints what to open once it serves; until then it may still find a reason not to.
waited=0
until grep -q 'https://' "$state/fairlead.log"; do
    running || [ $waited -lt 5 ] || { cat "$state/fairlead.log" >&2; die 1 "the server did not start"; }
    [ $waited -lt 100 ] || break
    sleep 0.1
    waited=$((waited + 1))
done
sleep 0.2
cat "$state/fairlead.log"
say "Running as process $pid; ./run.sh --stop ends it."
