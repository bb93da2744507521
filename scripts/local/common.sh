# Sourced by scripts/run, scripts/stop and scripts/test: folders, ports and the user of the stack on this machine.
# shellcheck shell=sh disable=SC2034
umask 022
export LC_ALL=C.UTF-8
root=$(cd "$(dirname "$0")/.." && pwd)

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# ---- ports: one block, loopback only ---------------------------------------------------------------------------------
NWIMS_PORT_BASE=${NWIMS_PORT_BASE:-28000}
case $NWIMS_PORT_BASE in
*[!0-9]* | '') fail "NWIMS_PORT_BASE is no number: $NWIMS_PORT_BASE" ;;
esac
if [ "$NWIMS_PORT_BASE" -lt 1024 ] || [ "$NWIMS_PORT_BASE" -gt 65400 ]; then
    fail "NWIMS_PORT_BASE must be from 1024 to 65400"
fi
port() { echo $((NWIMS_PORT_BASE + $1)); }
export NWIMS_PORT_BASE
PORT_API=$(port 0) PORT_INGEST_HTTP=$(port 1) PORT_MQTT=$(port 2) PORT_MQTTS=$(port 3) PORT_API_TLS=$(port 4) PORT_INGEST_TLS=$(port 5)
PORT_NWT=$(port 6) PORT_NWTS=$(port 7) PORT_LINES=$(port 8) PORT_LINES_TLS=$(port 9) PORT_ADMIN_INGEST_TCP=$(port 29)
PORT_ADMIN_CACHE_WARMER=$(port 30)
export PORT_ADMIN_CACHE_WARMER
PORT_POSTGRES=$(port 10) PORT_NATS=$(port 11) PORT_NATS_MONITOR=$(port 12) PORT_REDIS=$(port 13)
PORT_ADMIN_IDENTITY=$(port 20) PORT_ADMIN_REGISTRY=$(port 21) PORT_ADMIN_BATCH_WRITER=$(port 22)
PORT_ADMIN_HISTORY=$(port 23) PORT_ADMIN_INGEST_HTTP=$(port 24) PORT_ADMIN_GATEWAY=$(port 25)
PORT_ADMIN_INGEST_MQTT=$(port 27) PORT_ADMIN_AUDITOR=$(port 28)
export PORT_API PORT_INGEST_HTTP PORT_API_TLS PORT_INGEST_TLS PORT_POSTGRES PORT_NATS PORT_NATS_MONITOR PORT_REDIS PORT_ADMIN_IDENTITY \
    PORT_ADMIN_REGISTRY PORT_ADMIN_BATCH_WRITER PORT_ADMIN_HISTORY PORT_ADMIN_INGEST_HTTP PORT_ADMIN_GATEWAY \
    PORT_NWT PORT_NWTS PORT_LINES PORT_LINES_TLS PORT_ADMIN_INGEST_TCP PORT_MQTT PORT_MQTTS PORT_ADMIN_INGEST_MQTT PORT_ADMIN_AUDITOR

# Another nats-server than Debian's can be tried; from 2.10 on NWIMS_NATS_SYNC=always makes each acknowledgement wait for the disk.
export NATS_SERVER="${NWIMS_NATS_SERVER:-nats-server}"

# ---- folder ----------------------------------------------------------------------------------------------------------
# Where it was asked for; what lies behind it may be a link (see place_folder).
asked_folder=${NWIMS_VAR:-$root/var}
case $asked_folder in
/*) ;;
*) asked_folder=$PWD/$asked_folder ;;
esac
case $asked_folder in
*[!A-Za-z0-9/._+-]*) fail "The path $asked_folder has characters that the servers' settings cannot hold: set NWIMS_VAR to another folder" ;;
esac
folder_of_stack() {
    if [ -d "$asked_folder" ]; then (cd "$asked_folder" && pwd -P); else echo "$asked_folder"; fi
}
runner() { "$(folder_of_stack)/bin/nwims-runner" "$@" --folder "$(folder_of_stack)"; }
# 0: all is well, 1: it runs but not all is well, 3: it does not run.
stack_status() {
    [ -x "$(folder_of_stack)/bin/nwims-runner" ] || return 3
    runner status
}

# ---- user: PostgreSQL refuses to run as root, and nothing else needs it ------------------------------------------------
choose_user() {
    stack_user=
    [ "$(id -u)" -eq 0 ] || return 0
    if ! id nwims >/dev/null 2>&1 && command -v useradd >/dev/null; then
        useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin nwims \
            >/dev/null 2>&1 || true
    fi
    stack_user=nobody
    ! id nwims >/dev/null 2>&1 || stack_user=nwims
}
# Runs a command as that user with a small environment of its own.
as_user() {
    if [ -z "$stack_user" ]; then
        "$@"
    else
        setpriv --reuid="$stack_user" --regid="$(id -g "$stack_user")" --clear-groups --no-new-privs "$@"
    fi
}
