# Puts the former version back when a deploy fails, or when the one before it was killed.
# Part of deploy_changes_UAC.sh.

# Writes down what is being changed: if this deploy is killed, the next one puts it back.
note_what_is_under_way() {
    printf '%s\n' "$FORMER" "$NEW" "$VENV_FORMER" "$RAN" "$KEPT" "${SAME[@]}" | as_owner tee "$STATE.new" >/dev/null &&
        sync "$STATE.new" && as_owner mv "$STATE.new" "$STATE" || fail "The disk can't be written."
}

forget_what_was_under_way() { as_owner rm -f "$STATE"; }

repair_broken_run() {
    [[ -s $STATE ]] || return 0
    local lines
    mapfile -t lines <"$STATE"
    FORMER=${lines[0]} NEW=${lines[1]} VENV_FORMER=${lines[2]} RAN=${lines[3]} KEPT=${lines[4]:-} SAME=("${lines[@]:5}")
    if [[ $(repository rev-parse HEAD) == "$NEW" ]] && repository diff --quiet "$NEW" &&
        [[ $(ready "$SERVICE") == "200 $NEW "* ]] && ((${#UNITS[@]} == 1)); then
        say "The last run was broken off when all was done."
        forget_what_was_under_way
        return 0
    fi
    if $DRY_RUN; then stop 2 "The last run was broken off halfway. Run this without --dry-run: it puts that right first."; fi
    say "The last run was broken off halfway: putting commit $(short "$FORMER") back first."
    put_back || stop 8 "The last run was broken off, and the former version does not run: see docs/deploying.md, \"Exit code 8\"."
}

# Puts files, packages and processes back to what they were.
put_back() {
    local unit
    remove_trial
    put_files_back || return 1
    link_packages "$(former_packages)" || return 1
    find_addresses
    for unit in "${UNITS[@]}"; do prove_former "$unit" || return 1; done
    forget_what_was_under_way
}

# Goes file by file, so that what somebody changed meanwhile is kept.
put_files_back() {
    local file changed=() added=()
    local -A same=()
    for file in "${SAME[@]}"; do same[$file]=1; done
    as_owner rm -f "$GIT_DIR_HERE/index.lock"
    while IFS= read -r -d '' file; do
        [[ -z ${same[$file]:-} ]] || continue
        keep_if_changed_meanwhile "$file"
        if [[ -n $(blob "$FORMER" "$file") ]]; then changed+=("$file"); else added+=("$CHECKOUT/$file"); fi
    done < <(changed_files)
    ((${#added[@]} == 0)) || as_owner rm -f -- "${added[@]}"
    try repository reset --quiet "$FORMER" || return 1
    ((${#changed[@]} == 0)) || try_files_of "$FORMER" "${changed[@]}" || return 1
    put_in_place_again || return 1
    give_texts_to_the_service
}

# Brings back what was put aside on a branch.
put_in_place_again() {
    local files=()
    [[ -n $KEPT ]] && repository rev-parse --quiet --verify "refs/heads/$KEPT" >/dev/null || return 0
    mapfile -d '' -t files < <(repository diff --name-only --no-renames -z "$FORMER" "$KEPT")
    ((${#files[@]} == 0)) || try_files_of "$KEPT" "${files[@]}" || return 1
    try repository reset --quiet "$FORMER" || return 1
    try repository branch --quiet -D "$KEPT"
}

# try_files_of COMMIT FILE...: checks the files out as they are in the commit.
try_files_of() {
    local commit=$1
    shift
    SAID=$(printf '%s\0' "$@" | repository checkout --quiet "$commit" --pathspec-from-file=- --pathspec-file-nul 2>&1) && SAID=""
}

keep_if_changed_meanwhile() {
    local here
    here=$(hash_here "$1")
    [[ -s $CHECKOUT/$1 && $here != "$(blob "$FORMER" "$1")" && $here != "$(blob "$NEW" "$1")" ]] || return 0
    repository show "$NEW:$1" 2>/dev/null | cmp -s -n "$(stat -c %s "$CHECKOUT/$1")" - "$CHECKOUT/$1" && return 0 # the deploy was killed while it wrote this file
    as_service mkdir -p "$CHECKOUT/instance/deploy/kept/$(dirname "$1")"
    as_service cp "$CHECKOUT/$1" "$CHECKOUT/instance/deploy/kept/$1"
    say "$1 was changed meanwhile: that text is kept as instance/deploy/kept/$1"
}

# prove_former UNIT: checks that the former version still serves, and otherwise starts it again.
prove_former() {
    local said
    said=$(ready "$1")
    if [[ $said == "200 $FORMER "* || ($said == "200 $RAN "* && $RAN != "$NEW") ]]; then return 0; fi
    bring_up "$1" "$FORMER" && return 0
    say "$1: starting it anew"
    STARTED_AT=$(date +%s)
    try system restart "$1" || return 1
    wait_for "$1" "$FORMER" 0 && return 0
    SAID=$(log_lines "$1")
    return 1
}

# finish EXIT-CODE: runs whenever the script ends. If the service was being changed, it puts the former version back.
finish() {
    trap - EXIT INT TERM
    if ! $IS_DEPLOYING; then
        remove_trial
        if (($1 == 1 || $1 > 8)); then say "NOT DEPLOYED: it was stopped. Nothing was touched." >&2; fi
        exit "$1"
    fi
    local reason=${REASON:-It was stopped halfway.} why=$SAID
    say "Something went wrong. Putting the former version back."
    SAID=""
    if ! put_back; then
        SAID="$why"$'\n'"$SAID"
        stop 8 "$reason The former version does NOT run either. Look now: docs/deploying.md, \"Exit code 8\"."
    fi
    if $HAS_MIGRATED; then say "What the migration added to the database stays there, which the former version does not mind (on PostgreSQL, a migration that failed added nothing)."; fi
    [[ -z $BACKUP ]] || say "Backup of the database before it: $BACKUP"
    SAID=$why
    if [[ $FORMER == "$NEW" ]]; then
        stop 7 "$reason What ran before runs on. $(what_runs). The files were pulled by hand, and are still those of $(short "$NEW"): the next start would take them."
    fi
    stop 7 "$reason The former version is back and runs. $(what_runs)."
}
