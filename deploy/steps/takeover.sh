# Lets a process of the new version take over from the former one, unit by unit.
# Part of deploy_changes_UAC.sh.

main_process() { system show --property MainPID --value "$1"; }

# bring_up UNIT COMMIT: reloads the unit, or starts it if it does not run, and waits until the commit serves.
bring_up() {
    local main
    if ! system is-active --quiet "$1"; then
        STARTED_AT=$(date +%s)
        try system start "$1" || return 1
        wait_for "$1" "$2" 0 && return 0
    else
        wait_for_former_hand_over "$1" || return 1
        main=$(main_process "$1")
        end_newcomers "$main" || return 1 # left from a deploy that was killed: beside it, gunicorn would start no other
        STARTED_AT=$(date +%s)
        try system reload "$1" || return 1
        wait_for "$1" "$2" "$main" && return 0
        end_newcomers "$main" || return 1
    fi
    SAID=$(log_lines "$1")
    return 1
}

# newcomers_of PROCESS: the processes that a reload started in its place; gunicorn marks them in their environment.
newcomers_of() {
    local child
    for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
        if grep -qsxz "GUNICORN_PID=$1" "/proc/$child/environ"; then echo "$child"; fi
    done
}

# end_newcomers PROCESS: kills them, and waits until they are gone, so that none takes over later.
end_newcomers() {
    local newcomer deadline=$((SECONDS + 20))
    for newcomer in $(newcomers_of "$1"); do end_tree "$newcomer"; done
    while [[ -n $(newcomers_of "$1") ]]; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

# end_tree PROCESS: kills it with its children. It is halted first, so that it can't take over or start others meanwhile.
end_tree() {
    local child
    kill -STOP "$1" 2>/dev/null || true
    for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do end_tree "$child"; done
    kill -KILL "$1" 2>/dev/null || true
}

# Waits until the last reload is finished: as long as the process before the main one lives, gunicorn ignores a reload.
wait_for_former_hand_over() {
    local parent deadline=$((SECONDS + HANDOVER_SECONDS))
    while parent=$(awk '/^PPid:/ { print $2 }' "/proc/$(main_process "$1")/status" 2>/dev/null) &&
        grep -qsz 'gunicorn.conf.py' "/proc/$parent/cmdline"; do
        ((SECONDS < deadline)) || return 1
        sleep 1
    done
}

# wait_for UNIT COMMIT FORMER-MAIN: waits until a new main process has been ready with the commit three times in a row.
wait_for() {
    local seen=0 newcomer="" deadline=$((SECONDS + READY_SECONDS))
    while ((SECONDS < deadline)); do
        if [[ $(ready "$1") == "200 $2 "* && $(main_process "$1") != "$3" ]]; then
            seen=$((seen + 1))
            ((seen < 3)) || return 0
        else
            seen=0
            [[ -n $newcomer ]] || newcomer=$(newcomers_of "$3" | head -n 1)
            if [[ -n $newcomer && ! -d /proc/$newcomer && $(main_process "$1") == "$3" ]]; then return 1; fi # the new process has ended
        fi
        sleep 0.2
    done
    return 1
}

# log_lines UNIT: its warnings and errors since it was started, without the lines of tracebacks.
log_lines() {
    journalctl --unit "$1" --since "@$STARTED_AT" --no-pager --output cat --lines 5000 2>/dev/null |
        sed 's/\\n/\n/g' | grep -vE '^[[:space:]]|^Traceback| INFO |\[INFO\]' | tail -n 10 || true
}
