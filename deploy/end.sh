#!/bin/sh
# The stop command of the systemd units: end.sh PROCESS
#
# Asks gunicorn's first process to end, and waits until its running steps have ended. systemd itself waits for its own
# children only; a process that took over after a reload is not its child, and would be killed at once.

main=${1:-}
[ -n "$main" ] || exit 0 # it ended by itself

state_of() { sed -n "s/^$2:[[:space:]]*\([^[:space:]]*\).*/\1/p" "/proc/$1/status" 2>/dev/null; }

lives() {
    case $(state_of "$1" State) in
    "" | Z) return 1 ;;
    esac
}

former=$(state_of "$main" PPid) # it may still end the steps that it had begun when it was replaced
grep -qsz gunicorn.conf.py "/proc/$former/cmdline" || former="" # systemd itself
kill -TERM "$main"
for each in "$main" $former; do
    while lives "$each"; do sleep 0.1; done
done
