#!/bin/sh
# The runner with small processes of its own: order, steps, readiness, restarts, back-off, one at a time, a stop in reverse order, failures
# that say why. Needs nothing but NWIMS_RUNNER, the program.
set -u
runner=${NWIMS_RUNNER:-$(dirname "$0")/../../build/debug/bin/nwims-runner}
case $runner in /*) ;; *) runner=$PWD/$runner ;; esac
folder=$(mktemp -d)
mkdir "$folder/run" "$folder/log"
cd "$folder" || exit 1
passed=0 failed=0
finish() {
    "$runner" down --folder "$folder" >/dev/null 2>&1
    cd / && rm -rf "$folder"
}
trap finish EXIT

check() { # sentence, command...
    sentence=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL  $sentence"
    fi
}
column() { "$runner" status --folder "$folder" | awk -v name="$1" -v column="$2" '$1 == name { print $column }'; }
# Tries a command for five seconds.
soon() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 50 ] || return 1
        sleep 0.1
    done
}
is() { [ "$($1)" = "$2" ]; }
state_is() { [ "$(column "$1" 2)" = "$2" ]; }
restarts_are() { [ "$(column "$1" 4)" = "$2" ]; }
no_runner() { "$runner" status --folder "$folder" >/dev/null; [ $? -eq 3 ]; }
before() { [ "$(grep -n "$1" order | cut -d: -f1 | head -n 1)" -lt "$(grep -n "$2" order | cut -d: -f1 | head -n 1)" ]; }

path="set PATH=$PATH"
echo '{"ts":"2026-11-24T08:00:00Z","level":"info","msg":"step.done","rows":3}' >line
cat >stack.conf <<EOF
process first
    command sh -c "trap 'echo first stops >>$folder/order; exit 0' INT; echo first starts >>$folder/order; sleep 0.3; touch $folder/first.ready; while :; do sleep 0.05; done"
    $path
    ready command test -e $folder/first.ready
    stop INT 5
process step
    command sh -c "echo step >>$folder/order; cat $folder/line"
    $path
    after first
    ready exit
process second
    command sh -c "echo second starts >>$folder/order; trap 'echo second stops >>$folder/order; exit 1' TERM; while :; do sleep 0.05; done"
    $path
    set GIVEN=yes
    after step
process stubborn
    command sh -c "trap '' TERM; echo set: \$GIVEN\$HOME; while :; do sleep 0.05; done"
    $path
    stop TERM 1
EOF

check "nothing runs at first" no_runner
check "stopping nothing is fine" "$runner" down --folder "$folder" >/dev/null
check "it returns when all is ready, and lets go of our output" sh -c "timeout 10 '$runner' up --folder '$folder' --stack stack.conf --background | cat >up.txt"
check "it says what became ready" grep -q 'first .*ready' up.txt
check "what comes after waits for what comes before" before 'first starts' step
check "and for steps" before step 'second starts'
check "all is well" "$runner" status --folder "$folder" >/dev/null
check "a step is done" state_is step "done"
check "lines are kept as JSON" grep -q '"msg":"step.done"' log/step.jsonl
check "and shown in words" sh -c "'$runner' logs step --folder '$folder' | grep -q 'step.done rows=3'"
check "the environment is only what the table says" sh -c "grep -q '\"set:\"' log/stubborn.jsonl"
check "a second runner is refused" sh -c "! '$runner' up --folder '$folder' --stack stack.conf 2>/dev/null"

old=$(column second 3)
[ -z "$old" ] || kill -9 "$old"
check "what is killed comes back by itself" soon restarts_are second 1
check "as another process" test "$(column second 3)" != "$old"
check "and is ready again" soon state_is second ready
check "the others went on" restarts_are first 0

pid=$(cat run/runner.lock)
began=$(date +%s)
check "it stops when told to" "$runner" down --folder "$folder" >/dev/null
check "what does not end is killed" test $(($(date +%s) - began)) -le 5
check "the stop is in reverse order" before 'second stops' 'first stops'
check "nothing is left" sh -c "! kill -0 $pid 2>/dev/null || [ \"\$(cut -d' ' -f3 /proc/$pid/stat)\" = Z ]"
check "the terminal's log tells of it" grep -q 'runner .*Stopped' log/stack.log

# ---- the runner itself is killed: its processes end too, and a new one starts ------------------------------------------
rm -f order first.ready
timeout 10 "$runner" up --folder "$folder" --stack stack.conf --background >/dev/null
first=$(column first 3)
stubborn=$(column stubborn 3)
no_runner || kill -9 "$(cat run/runner.lock)"
is_gone() { [ ! -e "/proc/$1" ] || [ "$(cut -d' ' -f3 "/proc/$1/stat")" = Z ]; }
check "when the runner is killed its processes end" soon is_gone "$first"
[ -z "$stubborn" ] || kill -9 "$stubborn" # nobody is left who would: it heeds no signal of the dead runner's
check "the lock is free again" soon no_runner
rm -f first.ready
check "and a new runner starts" timeout 10 "$runner" up --folder "$folder" --stack stack.conf --background >/dev/null
"$runner" down --folder "$folder" >/dev/null

# ---- failures say why -----------------------------------------------------------------------------------------------
refuses() { # what it must say, table
    printf '%s\n' "$2" >bad.conf
    ! timeout 20 "$runner" up --folder "$folder" --stack bad.conf --background >out.txt 2>&1 && grep -q "$1" out.txt && no_runner
}
check "a program that is not there" refuses 'cannot run ./none' "process a
    command ./none
    ready exit"
check "a step that fails" refuses 'a ended with code 3' "process a
    command sh -c \"exit 3\"
    $path
    ready exit"
check "a wrong setting is not tried again" refuses 'a ended with code 78' "process a
    command sh -c \"echo NO_SETTING; exit 78\"
    $path
    ready tcp 127.0.0.1:1"
check "its last words are shown" grep -q NO_SETTING out.txt
check "what never becomes ready" refuses 'a was not ready within 1 s' "process a
    command sleep 60
    $path
    within 1
    ready command false"
check "what dies again and again" refuses 'before it was ready' "process a
    command sh -c \"kill -9 \$\$\"
    $path
    ready command false
    restart always 10 20"
check "a mistake in the table" refuses 'bad.conf:1: colour' "colour red"
check "wrong arguments are told" sh -c "! '$runner' up 2>/dev/null"

# ---- back-off ---------------------------------------------------------------------------------------------------------
cat >stack.conf <<EOF
process flaky
    command sh -c "date +%s%N >>$folder/starts; sleep 0.1"
    $path
    restart always 100 400
EOF
timeout 10 "$runner" up --folder "$folder" --stack stack.conf --background >/dev/null
sleep 2.5
"$runner" down --folder "$folder" >/dev/null
starts=$(wc -l <starts)
check "what keeps dying is started at growing distances ($starts starts in 2.5 s)" test "$starts" -ge 4 -a "$starts" -le 8

# ---- in the foreground ----------------------------------------------------------------------------------------------------
cat >stack.conf <<EOF
process talker
    command sh -c "echo a line; while :; do sleep 0.05; done"
    $path
EOF
"$runner" up --folder "$folder" --stack stack.conf >front.txt 2>&1 </dev/null &
front=$!
check "lines are shown as they come" soon grep -q 'talker .*a line' front.txt
check "and that all is ready" soon grep -q 'All 1 processes are ready' front.txt
kill -INT "$front"
wait "$front"
check "Ctrl-C stops all and is no failure" test $? -eq 0

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
