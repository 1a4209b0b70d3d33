# Finds out about this server: its users, its units, what runs; and takes the lock.
# Part of deploy_changes_UAC.sh.

know_the_server() {
    [[ -d $CHECKOUT/.git ]] || stop 2 "$CHECKOUT is no git checkout."
    [[ -d $CHECKOUT/instance ]] || stop 2 "There is no folder instance/ in $CHECKOUT: the service is not set up yet."
    OWNER=$(stat -c %U "$CHECKOUT/.git")
    SERVICE_USER=$(stat -c %U "$CHECKOUT/instance")
    ((EUID == 0)) || [[ $OWNER == "$(id -un)" && $SERVICE_USER == "$OWNER" ]] || stop 2 "Run it as root: sudo $0"
    GIT_DIR_HERE=$CHECKOUT/.git
    STATE=$GIT_DIR_HERE/deploy.state
    TRIAL=$CHECKOUT/.trial # belongs to the owner, as the program does: the service must not be able to change it
    SCRATCH=$CHECKOUT/instance/deploy/trial
    PYTHON=$CHECKOUT/.venv/bin/python
    packages_work "$CHECKOUT/.venv" || PYTHON=$(command -v python3) || stop 2 "There is no python3: apt-get install python3 python3-venv"
    BRANCH=$(repository symbolic-ref --quiet --short HEAD) || stop 2 "The checkout is on no branch: git checkout main"
    UPSTREAM=$(repository rev-parse --abbrev-ref --symbolic-full-name '@{upstream}' 2>/dev/null) ||
        stop 2 "The branch $BRANCH follows no remote: git branch --set-upstream-to=origin/$BRANCH"
    know_the_units
}

# Sets UNITS: the service, and the workers that run.
know_the_units() {
    [[ $(system show --property ExecReload --value "$SERVICE") == *USR2* ]] &&
        [[ $(system show --property NotifyAccess --value "$SERVICE") == all ]] ||
        stop 2 "The unit $SERVICE can't reload: see docs/deploying.md, \"When the units change\"."
    mapfile -t UNITS < <(
        echo "$SERVICE"
        system list-units --plain --no-legend --state=active "$SERVICE-worker@*" | awk '{ print $1 }'
    )
    find_addresses
}

# packages_work FOLDER: whether its Python runs and finds its packages. After an upgrade of the system it may not.
packages_work() {
    "$1/bin/python" -I -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("flask") is None)' 2>/dev/null
}

# Lets one deploy run at a time. The kernel frees the lock when a deploy dies.
take_turn() {
    as_owner touch "$GIT_DIR_HERE/deploy.lock"
    exec 9<"$GIT_DIR_HERE/deploy.lock"
    if ! flock --nonblock 9; then
        say "Waiting for another run: $(cat "$GIT_DIR_HERE/deploy.lock")"
        flock --wait "$WAIT_SECONDS" 9 ||
            stop 3 "Another run is still at work: $(cat "$GIT_DIR_HERE/deploy.lock")"
    fi
    echo "${SUDO_USER:-$(id -un)}, process $$, since $(date '+%H:%M:%S')" | as_owner tee "$GIT_DIR_HERE/deploy.lock" >/dev/null
}

# Sets ADDRESS for each unit; empty while .env has faults, which the checks report.
find_addresses() {
    local unit
    declare -gA ADDRESS=()
    for unit in "${UNITS[@]}"; do ADDRESS[$unit]=$(address_of "$unit") || true; done
}

# address_of UNIT: the address at which it answers, from the settings.
address_of() {
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

# ready UNIT: prints what /readyz says: "200 COMMIT VERSION SETTINGS", or "0 - - -" without an answer. SETTINGS is `current`,
# or `changed` when they were changed after the unit started.
ready() {
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

# Whether nothing has to be deployed. OLD_SETTINGS: the newest version runs, but with settings that were changed since.
is_up_to_date() {
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
