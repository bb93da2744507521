# Sourced by scripts/run: folder, secrets, settings and the database's files of the stack, all owned by the stack's user. Made once,
# settings anew at every start.
# shellcheck shell=sh disable=SC2154,SC2034

# The stack's user must be able to reach the folder. A checkout below a closed folder (as /root is) gets its folder elsewhere, with a
# link to it where it was asked for.
place_folder() {
    mkdir -p "$(dirname "$asked_folder")"
    [ -e "$asked_folder" ] || rm -f "$asked_folder" # a link to what is gone
    if [ ! -e "$asked_folder" ] && ! as_user test -x "$(dirname "$asked_folder")"; then
        elsewhere=/var/lib/nwims-$(printf %s "$asked_folder" | cksum | cut -d' ' -f1)
        say "$stack_user cannot enter $(dirname "$asked_folder"): the stack's files go to $elsewhere"
        mkdir -p "$elsewhere"
        ln -s "$elsewhere" "$asked_folder"
    fi
    mkdir -p "$asked_folder"
    NWIMS_VAR=$(folder_of_stack)
    if ! as_user test -x "$NWIMS_VAR"; then
        fail "$stack_user cannot enter $NWIMS_VAR: set NWIMS_VAR to a folder that everybody may pass, or open the folders above it (chmod o+x)"
    fi
    export NWIMS_VAR
    mkdir -p "$NWIMS_VAR/bin" "$NWIMS_VAR/etc" "$NWIMS_VAR/log" "$NWIMS_VAR/run" "$NWIMS_VAR/secrets" \
        "$NWIMS_VAR/nats" "$NWIMS_VAR/redis"
    chmod 700 "$NWIMS_VAR/secrets" "$NWIMS_VAR/etc" "$NWIMS_VAR/nats" "$NWIMS_VAR/redis"
}

# The stack runs copies, so that building anew does not change it under its feet.
copy_programs() {
    for program in "$1"/*; do
        name=${program##*/}
        cmp -s "$program" "$NWIMS_VAR/bin/$name" && continue
        cp "$program" "$NWIMS_VAR/bin/$name.new"
        chmod 755 "$NWIMS_VAR/bin/$name.new"
        mv "$NWIMS_VAR/bin/$name.new" "$NWIMS_VAR/bin/$name"
    done
}

random_hex() { od -An -v -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
# A secret that is made at the first start and kept.
secret() { # name, bytes
    [ -s "$NWIMS_VAR/secrets/$1" ] && return 0
    random_hex "$2" >"$NWIMS_VAR/secrets/$1.new"
    mv "$NWIMS_VAR/secrets/$1.new" "$NWIMS_VAR/secrets/$1"
}
rows_of() { grep -v '^ *\(#\|$\)' "$root/deploy/local/$1"; }
roles() { rows_of databases.table | while read -r _ owner user _; do printf '%s\n%s\n' "$owner" "$user"; done | grep -v '^-$'; }

make_secrets() {
    umask 077
    first_start=no
    [ -e "$NWIMS_VAR/demo.env" ] || first_start=yes # the file is made when all is up for the first time
    secret postgres 24
    for role in $(roles); do
        secret "postgres-$role" 24
        printf 'postgresql://%s:%s@127.0.0.1:%s/nwims' "$role" "$(cat "$NWIMS_VAR/secrets/postgres-$role")" "$PORT_POSTGRES" \
            >"$NWIMS_VAR/secrets/url-$role"
    done
    printf '127.0.0.1:%s:*:postgres:%s\n' "$PORT_POSTGRES" "$(cat "$NWIMS_VAR/secrets/postgres")" >"$NWIMS_VAR/secrets/pgpass"
    for user in $(rows_of nats-users.table | cut -d' ' -f1); do secret "nats-$user" 24; done
    for user in $(rows_of redis-users.table | cut -d' ' -f1); do secret "redis-$user" 24; done
    secret master-key 32
    secret registry-master-key 32
    secret proxy 24
    secret tls-tickets 32
    secret auditor-master-key 32
    secret admin-password 12
    secret demo-password 12
    umask 022
}

# Puts values for @NAME@.
filled() {
    sed -e "s|@NWIMS_VAR@|$NWIMS_VAR|g" -e "s|@PORT_NATS@|$PORT_NATS|g" -e "s|@PORT_NATS_MONITOR@|$PORT_NATS_MONITOR|g" \
        -e "s|@PORT_POSTGRES@|$PORT_POSTGRES|g" -e "s|@PORT_REDIS@|$PORT_REDIS|g" -e "s|@PORT_API@|$PORT_API|g" \
        -e "s|@PORT_API_TLS@|$PORT_API_TLS|g" -e "s|@PORT_INGEST_HTTP@|$PORT_INGEST_HTTP|g" -e "s|@PORT_INGEST_TLS@|$PORT_INGEST_TLS|g" \
        -e "s|@PROXY_SECRET@|$(cat "$NWIMS_VAR/secrets/proxy")|g" -e "s|@CONNECTIONS@|${NWIMS_PROXY_CONNECTIONS:-1000}|g" \
        -e "s|@NATS_SYNC@|${NWIMS_NATS_SYNC:+sync_interval: $NWIMS_NATS_SYNC}|g" "$root/deploy/local/$1"
}
make_settings() {
    umask 077
    # What /system/services misses when it does not answer: everything that has a user on the bus.
    NWIMS_SERVICES=$(rows_of nats-users.table | cut -d' ' -f1 | paste -sd, -)
    export NWIMS_SERVICES
    etc=$NWIMS_VAR/etc
    filled nats.conf >"$etc/nats.conf"
    awk -v secrets="$NWIMS_VAR/secrets" -f "$root/scripts/local/nats-users.awk" "$root/deploy/local/nats-users.table" \
        >"$etc/nats-users.conf"
    filled redis.conf >"$etc/redis.conf"
    {
        echo 'user default off'
        rows_of redis-users.table | while read -r user rules; do
            echo "user $user on >$(cat "$NWIMS_VAR/secrets/redis-$user") $rules" | tr -s ' '
        done
    } >"$etc/redis-users.acl"
    filled haproxy.cfg >"$etc/haproxy.cfg"
    "$root/scripts/local/problem-pages" "$etc/problems"
    # What the demo's environment file tells besides.
    {
        echo "export NWIMS_TLS_URL=https://localhost:$PORT_API_TLS NWIMS_TLS_INGEST_URL=https://localhost:$PORT_INGEST_TLS"
        echo "export NWIMS_CA_FILE=$NWIMS_VAR/tls/ca.pem"
        echo "export NWIMS_MQTT_HOST=localhost NWIMS_MQTT_PORT=$PORT_MQTT NWIMS_MQTTS_PORT=$PORT_MQTTS"
        echo "export NWIMS_TCP_HOST=localhost NWIMS_TCP_PORT=$PORT_NWT NWIMS_TCPS_PORT=$PORT_NWTS NWIMS_LINES_PORT=$PORT_LINES NWIMS_LINES_TLS_PORT=$PORT_LINES_TLS"
    } >"$etc/more.env"
    filled postgresql.conf >"$etc/postgresql.conf"
    cp "$root/deploy/local/pg_hba.conf" "$root/deploy/local/databases.table" "$etc/"
    cp "$root/scripts/local/database" "$etc/database"
    rm -rf "$etc/stack"
    mkdir "$etc/stack"
    cp "$root"/deploy/local/stack*.conf "$etc/stack/"
    cp -R "$root/deploy/local/env" "$etc/stack/env"
    umask 022
}

hand_over() {
    [ -z "$stack_user" ] || chown -R "$stack_user:$(id -gn "$stack_user")" "$NWIMS_VAR"
}

find_postgres() {
    PG_BIN=
    for folder in /usr/lib/postgresql/*/bin; do
        [ -x "$folder/initdb" ] && PG_BIN=$folder
    done
    [ -n "$PG_BIN" ] || fail "There is no PostgreSQL below /usr/lib/postgresql: scripts/install-packages installs it"
    export PG_BIN
}
make_cluster() {
    if [ ! -s "$NWIMS_VAR/postgres/PG_VERSION" ]; then
        say "Making the database's files"
        as_user rm -rf "$NWIMS_VAR/postgres"
        as_user "$PG_BIN/initdb" -D "$NWIMS_VAR/postgres" -U postgres -A scram-sha-256 --pwfile="$NWIMS_VAR/secrets/postgres" \
            -E UTF8 --locale=C.UTF-8 >"$NWIMS_VAR/log/initdb.log" 2>&1 || fail "initdb failed: see $NWIMS_VAR/log/initdb.log"
        as_user sh -c "echo \"include '$NWIMS_VAR/etc/postgresql.conf'\" >>'$NWIMS_VAR/postgres/postgresql.conf'"
    fi
    as_user cp "$NWIMS_VAR/etc/pg_hba.conf" "$NWIMS_VAR/postgres/pg_hba.conf"
    # After a machine or container that stopped hard, the process number in the file may be somebody else's by now; the server would wait for it.
    pid=$(head -n 1 "$NWIMS_VAR/postgres/postmaster.pid" 2>/dev/null || true)
    if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != postgres ]; then
        rm -f "$NWIMS_VAR/postgres/postmaster.pid"
    fi
}
