# Finds out what is new, and what was changed on this server; shows what a deploy will do.
# Part of deploy_changes_UAC.sh.

fetch() {
    [[ -n ${GIT_SSH_COMMAND:-} || -n $(repository config core.sshCommand || true) ]] ||
        export GIT_SSH_COMMAND="ssh -o BatchMode=yes -o ConnectTimeout=15"
    local remote
    remote=$(repository config "branch.$BRANCH.remote")
    FORMER=$(repository rev-parse HEAD)
    try ask_remote "$remote" || case $? in
    124 | 137) stop 5 "The remote gave no answer within $REMOTE_SECONDS s: is the network there, and does the key still work? Nothing was touched." ;;
    *) stop 5 "The changes could not be fetched: is the network there, and does the key still work? Nothing was touched." ;;
    esac
    try repository fetch --quiet "$remote" 9<&- || # without the lock: ssh may keep a connection open after the fetch, and the lock with it
        stop 5 "The changes could not be fetched: is the network there, and does the key still work? Nothing was touched."
    NEW=$(repository rev-parse "$UPSTREAM")
    if ! repository merge-base --is-ancestor "$FORMER" "$NEW"; then compare_histories; fi
}

# Makes a short request first: no answer within seconds means no connection, while a fetch may take minutes.
ask_remote() {
    as_owner timeout --kill-after=5 "$REMOTE_SECONDS" git -C "$CHECKOUT" ls-remote --quiet "$1" "refs/heads/$BRANCH" 9<&-
}

# The commit that runs is not among those that the remote has now: finds out why.
compare_histories() {
    local own
    own=$(repository rev-list --count "$FORMER" --not "$NEW" $(states_of_the_remote))
    if $TAKE_PUSHED; then return; fi
    if ((own == 0)); then
        stop 5 "The commit $(short "$FORMER"), which runs here, was withdrawn: the remote's history was replaced, and ends with $(short "$NEW") now. Nothing was touched. To follow it: $0 --take-pushed"
    fi
    if repository merge-base --is-ancestor "$NEW" "$FORMER"; then
        say "This server has $own commits of its own that were never pushed. They stay."
        NEW=$FORMER
        return
    fi
    stop 5 "This server has $own commits of its own, and others were pushed. Nothing was touched. To keep them, make the same change in your own clone and push it; then, to take what was pushed and put these aside: $0 --take-pushed"
}

# The commits that the remote's branch was at, at each fetch from here.
states_of_the_remote() {
    sed -E 's/^([0-9a-f]+) ([0-9a-f]+) .*/\1 \2/; s/0{40,}//' "$GIT_DIR_HERE/logs/refs/remotes/$UPSTREAM" 2>/dev/null || true
}

changed_files() { repository diff --name-only --no-renames -z "$FORMER" "$NEW"; }
# The changed files: the first three by name, the others as a number.
what_changed() {
    local files
    mapfile -d '' -t files < <(changed_files)
    if ((${#files[@]} == 0)); then
        if $OLD_SETTINGS; then printf 'settings'; else printf 'nothing in the files'; fi
        return
    fi
    printf '%s' "$(printf ', %s' "${files[@]:0:3}" | cut -c3-)"
    if ((${#files[@]} > 3)); then printf ' and %d more files' "$((${#files[@]} - 3))"; fi
}
# blob COMMIT FILE: the hash of the file's content in the commit; nothing where the commit has no such file.
blob() { repository rev-parse --verify --quiet "$1:$2" || true; }

# Sorts the files that were changed on this server. LOCAL: what was pushed does not touch them. SAME: what was pushed makes
# the same change. ASIDE: with --take-pushed, those that are put aside.
look_at_local_changes() {
    local file
    local -A coming=()
    local in_the_way=()
    LOCAL=() SAME=() ASIDE=()
    while IFS= read -r -d '' file; do coming[$file]=1; done < <(changed_files)
    while IFS= read -r -d '' file; do
        if [[ -z ${coming[$file]:-} ]]; then LOCAL+=("$file"); else coming[$file]=here; fi
    done < <(repository diff --name-only --no-renames -z HEAD)
    for file in "${!coming[@]}"; do
        [[ ${coming[$file]} == here || (-z $(blob "$FORMER" "$file") && -e $CHECKOUT/$file) ]] || continue
        if [[ $(hash_here "$file") == "$(blob "$NEW" "$file")" ]]; then SAME+=("$file"); else in_the_way+=("$file"); fi
    done
    if $TAKE_PUSHED; then
        ASIDE=("${in_the_way[@]}")
        is_forward || { ASIDE+=("${SAME[@]}") && SAME=(); }
        return 0
    fi
    for file in "${LOCAL[@]}"; do say "Changed here, not in git, and left as it is: $file"; done
    ((${#in_the_way[@]})) || return 0
    for file in "${in_the_way[@]}"; do show_both "$file"; done
    stop 4 "Nothing was touched. To keep what was changed here: make the same change in your own clone and push it, then run this again. To take what was pushed: $0 --take-pushed (what is here is put aside on a branch)."
}

# show_both FILE: the difference between the file on this server and the one that was pushed.
show_both() {
    say "Changed here AND in what was pushed: $1. Here (-), and as pushed (+):"
    repository show "$NEW:$1" 2>/dev/null | as_service diff --text -U1 "$CHECKOUT/$1" - | tail -n +3 | head -n 30 | sed 's/^/    /' || true
}

hash_here() { if [[ -e $CHECKOUT/$1 ]]; then repository hash-object -- "$1"; fi; }

show_plan() {
    [[ $FORMER != "$NEW" ]] || return 0
    say "New since $(short "$FORMER"):"
    repository log --max-count=20 --format='  %h %s (%an)' "$FORMER..$NEW"
    say "Files:"
    repository diff --stat=100 --no-renames "$FORMER" "$NEW" | tail -n 30
    if $PACKAGES_CHANGE; then say "Packages: requirements.txt has changed, a new .venv is made"; fi
    if changed_files | grep -z '^deploy/.*\.\(service\|timer\)$' >/dev/null; then
        say "Note: the systemd units have changed. See docs/deploying.md, \"When the units change\"."
    fi
}

# Sets PACKAGES_CHANGE and VENV_NEW, the folder for the new version's packages. Its name has a hash of requirements.txt.
compare_packages() {
    VENV_FORMER=$(readlink -f "$CHECKOUT/.venv" || true)
    VENV_NEW=$CHECKOUT/.venv-$(repository show "$NEW:requirements.txt" | sha256sum | cut -c1-12)
    PACKAGES_CHANGE=true
    if ! packages_work "$VENV_FORMER"; then
        VENV_NEW+=-$("$PYTHON" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        say "Packages: those in .venv can't be used any more (another Python, or none): they are installed anew"
        return
    fi
    if [[ $VENV_FORMER == "$VENV_NEW"* ]] || { has_packages_of_former && [[ $(blob "$FORMER" requirements.txt) == "$(blob "$NEW" requirements.txt)" ]]; }; then
        PACKAGES_CHANGE=false VENV_NEW=$VENV_FORMER
    fi
}

# Whether a .venv that `make install` made has the packages of the former version. It has not when requirements.txt is newer
# than .venv, as when somebody pulled by hand.
has_packages_of_former() {
    local marker=$VENV_FORMER/.installed
    [[ -x $PYTHON && $VENV_FORMER =~ /\.venv(-first)?$ && (! -e $marker || ! $CHECKOUT/requirements.txt -nt $marker) ]]
}
