#!/bin/sh
# The stop command of the systemd units: end.sh PROCESS
#
# Asks gunicorn's main process to end, and waits until it has ended its running steps. systemd can't wait for it: a process
# that took over at a reload is no child of systemd, which would kill it at once.

main=${1:-}
[ -n "$main" ] || exit 0 # the main process has ended by itself

state_of() { sed -n "s/^$2:[[:space:]]*\([^[:space:]]*\).*/\1/p" "/proc/$1/status" 2>/dev/null; }

lives() {
    case $(state_of "$1" State) in
    "" | Z) return 1 ;;
    esac
}

former=$(state_of "$main" PPid) # the process that a reload replaced may still be at its last steps
grep -qsz gunicorn.conf.py "/proc/$former/cmdline" || former="" # the parent is systemd: no former process is left
kill -TERM "$main"
for each in "$main" $former; do
    while lives "$each"; do sleep 0.1; done
done
