#!/usr/bin/env bash
# Brings what was pushed onto this server, and proves that it runs. For an editor of a ticket text after a push:
#
#     sudo /opt/utopia-handler/deploy_changes_UAC.sh [--dry-run | --take-pushed]
#
#     --dry-run       only show what it would do
#     --take-pushed   what was pushed wins: changes and commits that were made on this server are put aside, and named
#
# It pulls (fast-forward only; what was changed here is named, and never overwritten), checks the new version beside the
# running one, backs up the database before a migration, lets the new version take over without dropping a callback, and
# waits for /readyz to show it. Whatever fails, the former version is put back and proved to run.
#
# Exit codes:
#   0  the newest version runs (--dry-run: nothing speaks against it)
#   2  it can't be used like this: an unknown option, missing rights, or a server that isn't set up for it
#   3  another run is at work
#   4  changes that were made here are in the way
#   5  the remote could not be reached, or its history and the one of this server went different ways
#   6  a check failed; nothing was touched
#   7  it failed on the way; the former version is back, and it runs
#   8  it failed, and the former version does not run either: somebody has to look NOW
#
# docs/deploying.md: how to set it up, and what to do for each failure.

set -euo pipefail
umask 022
trap '' HUP PIPE # a lost connection does not stop it halfway
export GIT_TERMINAL_PROMPT=0 PYTHONDONTWRITEBYTECODE=1

CHECKOUT=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")") # also where a link led here
SERVICE=${DEPLOY_SERVICE:-utopia-handler}
WAIT_SECONDS=${DEPLOY_WAIT_SECONDS:-300}         # for another run
READY_SECONDS=${DEPLOY_READY_SECONDS:-60}        # for a new process to take over
HANDOVER_SECONDS=${DEPLOY_HANDOVER_SECONDS:-210} # for a former one to end its running steps
FREE_MB=${DEPLOY_FREE_MB:-100}                   # that must be free, beyond what is needed for sure
REMOTE_SECONDS=${DEPLOY_REMOTE_SECONDS:-30}       # for the remote to say something
DRY_RUN=false
TAKE_PUSHED=false
HAS_MIGRATED=false # or began to
IS_DEPLOYING=false # from the first change to the running service on
SAID=""            # by the command that failed
BACKUP=""
KEPT="" # the branch with what was put aside

for part in output server changes checks deployment takeover rollback; do
    # shellcheck source=/dev/null
    source "$CHECKOUT/deploy/steps/$part.sh" # all is read before a pull changes it
done

main() {
    read_options "$@"
    cd "$CHECKOUT" # and not where the caller is: Python would look for its modules there first
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
