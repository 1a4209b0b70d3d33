# Words for people, and commands run by the right user.
# Part of deploy_changes_UAC.sh.

say() { printf '%s\n' "$*" || true; }

stop() { # EXIT-CODE SENTENCE: end before anything was touched
    if [[ -n $SAID ]]; then tail -n 15 <<<"$SAID" | sed 's/^/    /' >&2 || true; fi
    printf 'NOT DEPLOYED: %s\n' "$2" >&2 || true
    exit "$1"
}

fail() { # SENTENCE: the former version comes back when `finish` runs
    if ! $IS_DEPLOYING; then stop 6 "$1 Nothing was touched."; fi
    REASON=$1
    exit 7
}

try() { SAID=$("$@" 2>&1 </dev/null) && SAID=""; } # keeps what a command says for the case that it fails

run_as() { # USER COMMAND...; it shares the lock, so that the next run waits also for what a killed one has begun
    local user=$1
    shift
    if [[ $user == "$(id -un)" ]]; then
        "$@"
    else
        # A session of its own: otherwise the program could type into this terminal, as the user who called this.
        setsid --wait runuser -u "$user" -- env HOME="$(getent passwd "$user" | cut -d: -f6)" "$@"
    fi
}

as_owner() { run_as "$OWNER" "$@"; }
as_service() { run_as "$SERVICE_USER" "$@"; }
repository() { as_owner timeout 300 git -C "$CHECKOUT" --literal-pathspecs -c gc.auto=0 -c maintenance.auto=false "$@"; }
system() { # systemctl, with the right to use it
    local command=("${DEPLOY_SYSTEMCTL:-systemctl}")
    ((EUID == 0)) || [[ -n ${DEPLOY_SYSTEMCTL:-} ]] || command=(sudo -n systemctl)
    "${command[@]}" "$@" 9<&-
}
short() { printf '%s' "${1:0:9}"; }
