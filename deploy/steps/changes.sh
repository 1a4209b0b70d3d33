# What is new, what was changed here, and the plan.
# Part of deploy_changes_UAC.sh.

fetch() {
    [[ -n ${GIT_SSH_COMMAND:-} || -n $(repository config core.sshCommand || true) ]] ||
        export GIT_SSH_COMMAND="ssh -o BatchMode=yes -o ConnectTimeout=15"
    try repository fetch --quiet "$(repository config "branch.$BRANCH.remote")" 9<&- || # ssh may keep a connection open
        stop 5 "The changes could not be fetched: is the network there, and does the key still work? Nothing was touched."
    FORMER=$(repository rev-parse HEAD)
    NEW=$(repository rev-parse "$UPSTREAM")
    if repository merge-base --is-ancestor "$NEW" "$FORMER"; then
        [[ $NEW == "$FORMER" ]] || say "This server has commits that were never pushed: git push"
        NEW=$FORMER
    fi
    repository merge-base --is-ancestor "$FORMER" "$NEW" ||
        stop 5 "This server has commits of its own, and others were pushed. Bring them together first: git pull --rebase && git push"
}

changed_files() { repository diff --name-only --no-renames -z "$FORMER" "$NEW"; }
what_changed() { # the names, where they are few
    local files
    mapfile -d '' -t files < <(changed_files)
    if ((${#files[@]} == 0)); then printf 'nothing in the files'; return; fi
    printf '%s' "$(printf ', %s' "${files[@]:0:3}" | cut -c3-)"
    if ((${#files[@]} > 3)); then printf ' and %d more files' "$((${#files[@]} - 3))"; fi
}
blob() { repository rev-parse --verify --quiet "$1:$2" || true; } # COMMIT FILE

look_at_local_changes() { # LOCAL: changed here, and not in what comes. SAME: the very change that comes
    local file
    local -A coming=()
    local in_the_way=()
    LOCAL=() SAME=()
    while IFS= read -r -d '' file; do coming[$file]=1; done < <(changed_files)
    while IFS= read -r -d '' file; do
        if [[ -z ${coming[$file]:-} ]]; then LOCAL+=("$file"); else coming[$file]=here; fi
    done < <(repository diff --name-only --no-renames -z HEAD)
    for file in "${!coming[@]}"; do
        [[ ${coming[$file]} == here || (-z $(blob "$FORMER" "$file") && -e $CHECKOUT/$file) ]] || continue
        if [[ $(hash_here "$file") == "$(blob "$NEW" "$file")" ]]; then SAME+=("$file"); else in_the_way+=("$file"); fi
    done
    for file in "${LOCAL[@]}"; do say "Changed here, not in git, and left as it is: $file"; done
    ((${#in_the_way[@]})) || return 0
    for file in "${in_the_way[@]}"; do say "Changed here AND in what was pushed: $file"; done
    stop 4 "Nothing was touched. Look at the change (git diff FILE). To keep it: commit it here, git pull --rebase, git push. To drop it: git checkout -- FILE (a file that git does not know: move it away). Then run this again."
}

hash_here() { if [[ -e $CHECKOUT/$1 ]]; then repository hash-object -- "$1"; fi; }

show_plan() {
    [[ $FORMER != "$NEW" ]] || return 0
    say "New since $(short "$FORMER"):"
    repository log --max-count=20 --format='  %h %s (%an)' "$FORMER..$NEW"
    say "Files:"
    repository diff --stat=100 --no-renames "$FORMER" "$NEW" | tail -n 30
    if $PACKAGES_CHANGE; then say "Packages: requirements.txt has changed, a new .venv is made"; fi
    if changed_files | grep -z '^deploy/.*\.service$' >/dev/null; then
        say "Note: the systemd units have changed. See docs/deploying.md, \"When the units change\"."
    fi
}

compare_packages() { # PACKAGES_CHANGE, and VENV_NEW: a folder's name tells which requirements it holds
    VENV_FORMER=$(readlink -f "$CHECKOUT/.venv" || true)
    VENV_NEW=$CHECKOUT/.venv-$(repository show "$NEW:requirements.txt" | sha256sum | cut -c1-12)
    PACKAGES_CHANGE=true
    if [[ $VENV_FORMER == "$VENV_NEW" ]] || { has_packages_of_former && [[ $(blob "$FORMER" requirements.txt) == "$(blob "$NEW" requirements.txt)" ]]; }; then
        PACKAGES_CHANGE=false VENV_NEW=$VENV_FORMER
    fi
}

has_packages_of_former() { # in a .venv that `make install` made; it is older than what somebody pulled by hand
    local marker=$VENV_FORMER/.installed
    [[ -x $PYTHON && $VENV_FORMER =~ /\.venv(-first)?$ && (! -e $marker || ! $CHECKOUT/requirements.txt -nt $marker) ]]
}
