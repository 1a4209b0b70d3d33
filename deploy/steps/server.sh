# This server: its users, its units, the lock, and what runs.
# Part of deploy_changes_UAC.sh.

know_the_server() {
    [[ -d $CHECKOUT/.git ]] || stop 2 "$CHECKOUT is no git checkout."
    [[ -d $CHECKOUT/instance ]] || stop 2 "There is no folder instance/ in $CHECKOUT: the service is not set up yet."
    OWNER=$(stat -c %U "$CHECKOUT/.git")
    SERVICE_USER=$(stat -c %U "$CHECKOUT/instance")
    ((EUID == 0)) || [[ $OWNER == "$(id -un)" && $SERVICE_USER == "$OWNER" ]] || stop 2 "Run it as root: sudo $0"
    GIT_DIR_HERE=$CHECKOUT/.git
    STATE=$GIT_DIR_HERE/deploy.state
    TRIAL=$CHECKOUT/.trial # the owner's, as the program itself: the service can't change what is about to be checked
    SCRATCH=$CHECKOUT/instance/deploy/trial
    PYTHON=$CHECKOUT/.venv/bin/python
    packages_work "$CHECKOUT/.venv" || PYTHON=$(command -v python3) || stop 2 "There is no python3: apt-get install python3 python3-venv"
    BRANCH=$(repository symbolic-ref --quiet --short HEAD) || stop 2 "The checkout is on no branch: git checkout main"
    UPSTREAM=$(repository rev-parse --abbrev-ref --symbolic-full-name '@{upstream}' 2>/dev/null) ||
        stop 2 "The branch $BRANCH follows no remote: git branch --set-upstream-to=origin/$BRANCH"
    know_the_units
}

know_the_units() { # the service, and the workers beside it where there are any
    [[ $(system show --property ExecReload --value "$SERVICE") == *USR2* ]] &&
        [[ $(system show --property NotifyAccess --value "$SERVICE") == all ]] ||
        stop 2 "The unit $SERVICE can't reload: see docs/deploying.md, \"When the units change\"."
    mapfile -t UNITS < <(
        echo "$SERVICE"
        system list-units --plain --no-legend --state=active "$SERVICE-worker@*" | awk '{ print $1 }'
    )
    find_addresses
}

packages_work() { # FOLDER: its Python is there, and finds what was installed for it (an upgrade of the system brings another)
    "$1/bin/python" -I -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("flask") is None)' 2>/dev/null
}

take_turn() { # one run at a time; the kernel frees the lock when a run dies
    as_owner touch "$GIT_DIR_HERE/deploy.lock"
    exec 9<"$GIT_DIR_HERE/deploy.lock"
    if ! flock --nonblock 9; then
        say "Waiting for another run: $(cat "$GIT_DIR_HERE/deploy.lock")"
        flock --wait "$WAIT_SECONDS" 9 ||
            stop 3 "Another run is still at work: $(cat "$GIT_DIR_HERE/deploy.lock")"
    fi
    echo "${SUDO_USER:-$(id -un)}, process $$, since $(date '+%H:%M:%S')" | as_owner tee "$GIT_DIR_HERE/deploy.lock" >/dev/null
}

find_addresses() { # none while .env has faults, which the checks will name
    local unit
    declare -gA ADDRESS=()
    for unit in "${UNITS[@]}"; do ADDRESS[$unit]=$(address_of "$unit") || true; done
}

address_of() { # UNIT: where it answers, by its settings
    local port=""
    [[ $1 == "$SERVICE" ]] || port=$(system show --property Environment --value "$1" | grep -o 'WORKER_PORT=[0-9]*' | cut -d= -f2)
    (cd "$CHECKOUT" && as_service "$PYTHON" -c '
import sys
from config import load_settings
settings = load_settings()
host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.flask_host, settings.flask_host)
host = f"[{host}]" if ":" in host else host
print(f"http://{host}:{sys.argv[1] or settings.flask_port}")' "$port" 2>/dev/null)
}

ready() { # UNIT: "200 COMMIT VERSION SETTINGS", or "0 - - -" without an answer; SETTINGS: current, or changed since its start
    "$PYTHON" -I -c '
import json, sys, urllib.error, urllib.request
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
try:
    with direct.open(sys.argv[1] + "/readyz", timeout=10) as answer:
        status, said = answer.status, json.load(answer)
except urllib.error.HTTPError as error:
    status, said = error.code, {}
except (OSError, ValueError):
    status, said = 0, {}
print(status, said.get("commit") or "-", said.get("version") or "-", said.get("settings") or "-")' "${ADDRESS[$1]:-}" 2>/dev/null || echo "0 - - -"
}

what_runs() {
    local commit version
    read -r _ commit version _ < <(ready "$SERVICE")
    printf 'Version %s, commit %s' "$version" "$(short "$commit")"
}

is_up_to_date() { # OLD_SETTINGS: it runs, but .env or a file that it names was changed since
    local unit said
    OLD_SETTINGS=false
    [[ $FORMER == "$NEW" ]] || return 1
    for unit in "${UNITS[@]}"; do
        said=$(ready "$unit")
        [[ $said == "200 $NEW "* ]] || return 1
        if [[ $said == *" changed" ]]; then OLD_SETTINGS=true; fi
    done
    ! $OLD_SETTINGS
}
