# Changes the server: migrates the database, updates files and packages, and lets the new version take over.
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

# The running version goes on working meanwhile, since migrations only add tables and columns.
migrate() {
    BACKUP=$(name_of_backup)
    if $MIGRATES || $PACKAGES_CHANGE; then back_up; else BACKUP="" && return 0; fi
    say "Backup: $BACKUP"
    HAS_MIGRATED=true
    try in_trial -m flask --app wsgi db upgrade || fail "The migration failed."
}

# A name that is not taken: each try makes a backup, and the first is the one from before the migration.
name_of_backup() {
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

# With --take-pushed: keeps this server's own commits and changes on a branch, and takes them out of the folder.
put_aside() {
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

# with_index FILE GIT-COMMAND...: runs git with another index file, so that the checkout's own index does not change.
with_index() {
    local file=$1
    shift
    as_owner env GIT_INDEX_FILE="$file" git -C "$CHECKOUT" --literal-pathspecs "$@"
}

# Removes from the folder what the branch keeps now.
clear_the_way() {
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

# The service's user must own the texts, since the console saves them.
give_texts_to_the_service() {
    ((EUID == 0)) || return 0
    chown --recursive --reference="$CHECKOUT/ticket_descriptions" "$CHECKOUT/ticket_descriptions" || true
}

# link_packages FOLDER: makes .venv a link to the folder, in one step.
link_packages() {
    [[ $(readlink -f "$CHECKOUT/.venv" || true) != "$1" ]] || return 0
    if [[ -d $CHECKOUT/.venv && ! -L $CHECKOUT/.venv ]]; then try as_owner mv "$CHECKOUT/.venv" "$CHECKOUT/.venv-first" || return 1; fi
    try as_owner ln -sfn "${1##*/}" "$CHECKOUT/.venv-link" && try as_owner mv -T "$CHECKOUT/.venv-link" "$CHECKOUT/.venv"
}

# Removes all packages but those of the new and the former version.
remove_old_packages() {
    local folder
    for folder in "$CHECKOUT"/.venv-*; do
        [[ ! -d $folder || $folder == "$VENV_NEW" || $folder == "$(former_packages)" ]] || as_owner rm -rf "$folder"
    done
}

# The former version's packages. The first deploy finds .venv as a folder, and renames it to .venv-first.
former_packages() {
    if [[ $VENV_FORMER == "$CHECKOUT/.venv" && -e $CHECKOUT/.venv-first ]]; then echo "$CHECKOUT/.venv-first"; else echo "$VENV_FORMER"; fi
}
