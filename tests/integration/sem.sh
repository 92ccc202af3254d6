#!/bin/bash
# `fanmill sem`: places that commands of one name share, however they end.
. tests/support/lib.sh

case_is "one at a time: the second begins after the first has ended"
for n in 1 2 3; do
    fanmill sem --id one sh -c "echo begin $n >>log; sleep 0.05; echo end $n >>log"
    expect_status 0
done
fanmill sem --id one --wait
expect_status 0
printf '%s\n' 'begin 1' 'end 1' 'begin 2' 'end 2' 'begin 3' 'end 3' | cmp -s - log || wrong "$(cat log)"

case_is "two at once: both wait for the other's file"
for n in 1 2; do
    fanmill sem --id two -j 2 sh -c "touch here.$n; while [ ! -e here.$((3 - n)) ]; do sleep 0.01; done; echo $n >>both"
done
fanmill sem --id two --wait
[ "$(sort both | tr '\n' ' ')" = "1 2 " ] || wrong "$(cat both)"

case_is "in the foreground the status is the command's"
fanmill sem --fg --id fg sh -c 'exit 7'
expect_status 7
fanmill sem --fg --id fg sh -c 'kill -TERM $$'
expect_status 143
fanmill sem --fg --id fg no-such-program-here
expect_status 127
fanmill sem --fg --id fg -- /dev/null
expect_status 126

case_is "a place is free again when its holder is killed, and the command is gone with it"
mkfifo held
"$FANMILL_BIN" sem --fg --id killed sh -c 'echo $$ >held; exec sleep 1000' &
holder=$!
read -r command <held
kill -9 "$holder"
wait "$holder" 2>"$WORK/killed"
fanmill sem --fg --id killed echo free
expect_status 0
expect_stdout free
[ ! -e "/proc/$command" ] || [ "$(cut -d' ' -f3 "/proc/$command/stat")" = Z ] || wrong "the command runs on"

case_is "no place within the time"
mkfifo open
"$FANMILL_BIN" sem --fg --id busy sh -c 'echo >held; read -r x <open' &
read -r _ <held
fanmill sem --id busy --semaphore-timeout 50ms touch never
expect_status 124
expect_stderr "no place for 'busy' within the time"
echo >open
wait
[ ! -e never ] || wrong "it ran"

case_is "parallel's words for the same"
fanmill sem --semaphorename one --fg -P 2 echo ok
expect_stdout ok

case_is "mistakes"
fanmill sem --id a
expect_status 2
expect_stderr "missing command"
fanmill sem --wait echo
expect_status 2
fanmill sem --fg --bg echo
expect_status 2

case_is "the kernel keeps nothing of a name that nobody uses"
before=$(ipcs -s | wc -l)
fanmill sem --id gone --fg true
[ "$(ipcs -s | wc -l)" -le "$before" ] || wrong "$(ipcs -s)"
expect_nothing_left
finish
