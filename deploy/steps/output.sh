# Prints messages, and runs commands as the right user.
# Part of deploy_changes_UAC.sh.

say() { printf '%s\n' "$*" || true; }

# stop EXIT-CODE SENTENCE: ends the deploy with what the failed command printed, and the sentence.
stop() {
    if [[ -n $SAID ]]; then tail -n 15 <<<"$SAID" | sed 's/^/    /' >&2 || true; fi
    printf 'NOT DEPLOYED: %s\n' "$2" >&2 || true
    exit "$1"
}

# fail SENTENCE: ends the deploy. If the service was being changed, `finish` then puts the former version back.
fail() {
    if ! $IS_DEPLOYING; then stop 6 "$1 Nothing was touched."; fi
    REASON=$1
    exit 7
}

# try COMMAND...: runs it without showing its output; SAID has the output if it fails.
try() { SAID=$("$@" 2>&1 </dev/null) && SAID=""; }

# run_as USER COMMAND...: the command inherits the lock. If this script is killed, the next deploy waits for the command, too.
run_as() {
    local user=$1
    shift
    if [[ $user == "$(id -un)" ]]; then
        "$@"
    else
        # It gets a session of its own: in the caller's session, a program could put keystrokes into the caller's terminal.
        setsid --wait runuser -u "$user" -- env HOME="$(getent passwd "$user" | cut -d: -f6)" "$@"
    fi
}

as_owner() { run_as "$OWNER" "$@"; }
as_service() { run_as "$SERVICE_USER" "$@"; }
repository() { as_owner timeout 300 git -C "$CHECKOUT" --literal-pathspecs -c gc.auto=0 -c maintenance.auto=false "$@"; }
# system ARGUMENT...: systemctl, through sudo if need be, and without the lock.
system() {
    local command=("${DEPLOY_SYSTEMCTL:-systemctl}")
    ((EUID == 0)) || [[ -n ${DEPLOY_SYSTEMCTL:-} ]] || command=(sudo -n systemctl)
    "${command[@]}" "$@" 9<&-
}
short() { printf '%s' "${1:0:9}"; }
