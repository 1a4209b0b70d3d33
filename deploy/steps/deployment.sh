# What is done to the server: migration, files, packages.
# Part of deploy_changes_UAC.sh.

deploy() {
    RAN=$(ready "$SERVICE" | cut -d' ' -f2)
    note_what_is_under_way
    IS_DEPLOYING=true
    migrate
    pull
    link_packages "$VENV_NEW" || fail ".venv could not be replaced."
    PYTHON=$CHECKOUT/.venv/bin/python
    find_addresses
    for unit in "${UNITS[@]}"; do
        say "$unit: the new version takes over"
        bring_up "$unit" "$NEW" || fail "$unit did not come up with the new version."
    done
    IS_DEPLOYING=false
    forget_what_was_under_way
    remove_old_packages
}

migrate() { # migrations only add, so the running version goes on working
    BACKUP=$(name_of_backup)
    if $MIGRATES || $PACKAGES_CHANGE; then back_up; else BACKUP="" && return 0; fi
    say "Backup: $BACKUP"
    HAS_MIGRATED=true
    try in_trial -m flask --app wsgi db upgrade || fail "The migration failed."
}

name_of_backup() { # another one for each try: the first is of before the migration
    local name number=1
    name=$CHECKOUT/instance/backups/before-$(short "$NEW")
    while [[ -e $name.db || -e $name.dump ]]; do number=$((number + 1)) name=${name%%+*}+$number; done
    printf '%s.db' "$name"
}

back_up() {
    try as_service mkdir -p "${BACKUP%/*}" || fail "The database could not be backed up."
    if is_sqlite; then
        database_exists || return 0
    else
        BACKUP=${BACKUP%.db}.dump
    fi
    try in_trial -m flask --app wsgi db backup "$BACKUP" || fail "The database could not be backed up."
}

pull() {
    put_aside || fail "What was changed here could not be put aside."
    ((${#SAME[@]} == 0)) || try repository add -- "${SAME[@]}" || fail "git could not take the files over."
    try move_to_new || fail "git could not put the new files in place."
    give_texts_to_the_service
}

move_to_new() { if is_forward; then repository merge --quiet --ff-only "$NEW"; else repository reset --quiet --keep "$NEW"; fi; }
is_forward() { repository merge-base --is-ancestor "$FORMER" "$NEW"; }

put_aside() { # with --take-pushed: commits and changes of this server's own go on a branch, and out of the way
    local index=$GIT_DIR_HERE/deploy.index tree commit
    KEPT=""
    ((${#ASIDE[@]})) || ! is_forward || return 0
    KEPT=kept-$(date +%Y%m%d-%H%M%S)
    as_owner cp "$GIT_DIR_HERE/index" "$index"
    if ((${#ASIDE[@]})); then with_index "$index" add -- "${ASIDE[@]}" || return 1; fi
    tree=$(with_index "$index" write-tree) &&
        commit=$(repository -c user.name=deploy -c user.email=deploy@localhost commit-tree -p "$FORMER" -m "Put aside by a deploy" "$tree") &&
        repository branch "$KEPT" "$commit" || return 1
    as_owner rm -f "$index"
    note_what_is_under_way
    clear_the_way
}

with_index() { # FILE GIT-COMMAND...
    local file=$1
    shift
    as_owner env GIT_INDEX_FILE="$file" git -C "$CHECKOUT" --literal-pathspecs "$@"
}

clear_the_way() { # what is on the branch now goes from the folder
    local file
    for file in "${ASIDE[@]}"; do
        if [[ -n $(blob "$FORMER" "$file") ]]; then
            repository checkout --quiet "$FORMER" -- "$file" || return 1
        else
            as_owner rm -f -- "$CHECKOUT/$file"
        fi
    done
}

name_what_was_put_aside() {
    [[ -n $KEPT ]] || return 0
    say "Put aside on the branch $KEPT of this server: ${ASIDE[*]:-commits of its own}. To see it: git -C $CHECKOUT diff $KEPT"
}

give_texts_to_the_service() { # the console replaces the texts that it saves
    ((EUID == 0)) || return 0
    chown --recursive --reference="$CHECKOUT/ticket_descriptions" "$CHECKOUT/ticket_descriptions" || true
}

link_packages() { # FOLDER: .venv leads to it from now on
    [[ $(readlink -f "$CHECKOUT/.venv" || true) != "$1" ]] || return 0
    if [[ -d $CHECKOUT/.venv && ! -L $CHECKOUT/.venv ]]; then try as_owner mv "$CHECKOUT/.venv" "$CHECKOUT/.venv-first" || return 1; fi
    try as_owner ln -sfn "${1##*/}" "$CHECKOUT/.venv-link" && try as_owner mv -T "$CHECKOUT/.venv-link" "$CHECKOUT/.venv"
}

remove_old_packages() { # all but those of this version and of the former one
    local folder
    for folder in "$CHECKOUT"/.venv-*; do
        [[ ! -d $folder || $folder == "$VENV_NEW" || $folder == "$(former_packages)" ]] || as_owner rm -rf "$folder"
    done
}

former_packages() { # a .venv that was a folder is moved aside by the first new one
    if [[ $VENV_FORMER == "$CHECKOUT/.venv" && -e $CHECKOUT/.venv-first ]]; then echo "$CHECKOUT/.venv-first"; else echo "$VENV_FORMER"; fi
}
