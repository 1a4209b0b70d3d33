#!/usr/bin/env bash
# Deploys to this server what was pushed, and checks that it runs. Call it after each push, also after one of a ticket text:
#
#     sudo /opt/utopia-handler/deploy_changes_UAC.sh [--dry-run | --take-pushed]
#
#     --dry-run       only show what it would do
#     --take-pushed   what was pushed wins: changes and commits made on this server are moved to a branch, which is named
#
# It pulls (fast-forward only; a file that was changed on this server is named, and never overwritten), checks the new
# version beside the running one, backs up the database before a migration, and lets the new version take over without
# losing a callback. Then it waits until /readyz shows the new version. If anything fails, it puts the former version back
# and checks that it runs.
#
# Exit codes:
#   0  the newest version runs (--dry-run: it passed all checks)
#   2  it can't be used like this: an unknown option, missing rights, or a server that isn't set up for it
#   3  another deploy is running
#   4  files that were changed on this server would be overwritten
#   5  the remote could not be reached, or its history and this server's have diverged
#   6  a check failed; nothing was changed
#   7  the deploy failed; the former version is back, and it runs
#   8  the deploy failed, and the former version does not run either: somebody has to look NOW
#
# docs/deploying.md: how to set it up, and what to do for each failure.

set -euo pipefail
umask 022
trap '' HUP PIPE # it goes on when the caller's connection is lost
export GIT_TERMINAL_PROMPT=0 PYTHONDONTWRITEBYTECODE=1

CHECKOUT=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")") # also when it was called through a symbolic link
SERVICE=${DEPLOY_SERVICE:-utopia-handler}
WAIT_SECONDS=${DEPLOY_WAIT_SECONDS:-300}         # to wait for another deploy to end
READY_SECONDS=${DEPLOY_READY_SECONDS:-60}        # to wait for a new process to be ready
HANDOVER_SECONDS=${DEPLOY_HANDOVER_SECONDS:-210} # to wait for a former process to end its running steps
FREE_MB=${DEPLOY_FREE_MB:-100}                   # of disk space to leave free, besides what the deploy needs
REMOTE_SECONDS=${DEPLOY_REMOTE_SECONDS:-30}       # to wait for the remote's first answer
DRY_RUN=false
TAKE_PUSHED=false
HAS_MIGRATED=false # true as soon as a migration begins
IS_DEPLOYING=false # true while the running service is being changed
SAID=""            # the output of the command that failed
BACKUP=""
KEPT="" # the branch that holds what was put aside

for part in output server changes checks deployment takeover rollback; do
    # shellcheck source=/dev/null
    source "$CHECKOUT/deploy/steps/$part.sh" # all parts are read now, as a pull may change them
done

main() {
    read_options "$@"
    cd "$CHECKOUT" # Python looks for modules in the current folder first: not in the caller's
    know_the_server
    take_turn
    trap 'finish $?' EXIT
    trap 'exit 130' INT TERM
    repair_broken_run
    fetch
    compare_packages
    look_at_local_changes
    show_plan
    if is_up_to_date; then
        say "OK: $SERVICE already runs the newest version. $(what_runs)"
        exit 0
    fi
    if $OLD_SETTINGS; then say "Settings: .env, or a file that it names, was changed since the service read it"; fi
    check_beside_the_running_one
    if $DRY_RUN; then
        say "OK: nothing speaks against it. Nothing was changed."
        exit 0
    fi
    deploy
    name_what_was_put_aside
    say "OK: $SERVICE runs. $(what_runs). Changed: $(what_changed)."
}

read_options() {
    while (($#)); do
        case $1 in
        --dry-run) DRY_RUN=true ;;
        --take-pushed) TAKE_PUSHED=true ;;
        -h | --help) sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
        *) stop 2 "There is no option $1. See --help." ;;
        esac
        shift
    done
}

main "$@"
