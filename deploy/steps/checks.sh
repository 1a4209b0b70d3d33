# Checks of the new version in a folder of its own, beside the running one.
# Part of deploy_changes_UAC.sh.

check_beside_the_running_one() {
    check_space
    make_packages
    make_trial
    if $DRY_RUN && $PACKAGES_CHANGE; then
        say "Not checked in a dry run, since the new packages are not there: settings, texts, program, database"
        return 0
    fi
    try compile_trial || fail "The new version has an error in its program: correct it, commit and push."
    try in_trial -c 'import app, app.cli' || fail "The new version can't be loaded: correct it, commit and push."
    try in_trial -m flask --app wsgi config check || fail "The settings have faults for this version: correct $CHECKOUT/.env."
    try in_trial -m flask --app wsgi templates check || fail "A ticket text can't be used: correct it, commit and push."
    try in_trial -m gunicorn -c gunicorn.conf.py --check-config wsgi:app || fail "The new version can't be loaded."
    check_database
    say "Checked: settings, texts, program, database"
}

check_space() {
    local free needed=$FREE_MB
    free=$(df --output=avail -BM "$CHECKOUT/instance" | tail -n 1 | tr -dc 0-9)
    needed=$((needed + 3 * $(database_megabytes)))
    if $PACKAGES_CHANGE; then needed=$((needed + 500)); fi
    ((free >= needed)) || fail "The disk is too full: $free MB are free, $needed MB are needed."
}

# The size of the SQLite file; 0 when there is none, or when the settings can't be read.
database_megabytes() {
    local file
    file=$(cd "$CHECKOUT" && as_service "$PYTHON" -c '
from config import load_settings
print(load_settings().database_url.removeprefix("sqlite:///"))' 2>/dev/null) || true
    if [[ -f $file ]]; then du -m "$file" | cut -f1; else echo 0; fi
}

# Installs the new packages into a folder of their own; those of the running version stay as they are.
make_packages() {
    $PACKAGES_CHANGE && [[ ! -e $VENV_NEW/.installed ]] || return 0
    ! $DRY_RUN || return 0
    say "Installing packages; this takes a minute or two"
    local maker=${DEPLOY_PYTHON:-}
    [[ -n $maker ]] || maker=$("$PYTHON" -I -c 'import sys; print(sys._base_executable)' 2>/dev/null || command -v python3)
    try as_owner "$maker" -m venv --clear "$VENV_NEW" || fail "The folder for the packages could not be made."
    repository show "$NEW:requirements.txt" | as_owner tee "$VENV_NEW/requirements.txt" >/dev/null
    try as_owner "$VENV_NEW/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r "$VENV_NEW/requirements.txt" || fail "The packages could not be installed."
    as_owner touch "$VENV_NEW/.installed"
}

# Makes the folder for the checks: the new version with the changes made on this server, the same .env and the same instance/.
make_trial() {
    local entry file
    remove_trial
    try as_service mkdir -p "$SCRATCH/metrics" && try as_owner mkdir "$TRIAL" &&
        repository archive "$NEW" | as_owner tar -x -C "$TRIAL" ||
        fail "The new version can't be unpacked for the checks."
    for file in "${LOCAL[@]}"; do
        as_owner rm -f "$TRIAL/$file"
        [[ ! -e $CHECKOUT/$file ]] || as_owner cp --no-dereference "$CHECKOUT/$file" "$TRIAL/$file"
    done
    for entry in "$CHECKOUT"/* "$CHECKOUT"/.[!.]*; do
        file=${entry##*/}
        [[ $file == .git || $file == .trial || $file == .venv* || -e $TRIAL/$file ]] || as_owner ln -s "$entry" "$TRIAL/$file"
    done
    # Files that git does not know in folders that it knows, such as a ticket text or a certificate.
    while IFS= read -r -d '' file; do
        [[ ! -d $TRIAL/${file%/*} || -e $TRIAL/$file ]] || as_owner ln -s "$CHECKOUT/$file" "$TRIAL/$file"
    done < <(repository ls-files --others -z 2>/dev/null)
}

remove_trial() { as_owner rm -rf "$TRIAL" && as_service rm -rf "$SCRATCH"; }

# Compiles the program, once for all checks, without running any of it.
compile_trial() {
    as_owner "$VENV_NEW/bin/python" -I -m compileall -q -x '/(tests|benchmarks|docs)/' "$TRIAL"
}

in_trial() (
    cd "$TRIAL"
    PROMETHEUS_MULTIPROC_DIR=$SCRATCH/metrics as_service "$VENV_NEW/bin/python" "$@"
)

# Checks whether the new version can use the database. A migration is tried on a copy.
check_database() {
    local code=0 copy=$SCRATCH/copy.db
    MIGRATES=false
    try in_trial -m flask --app wsgi db check || code=$?
    case $code in
    0) $PACKAGES_CHANGE || return 0 ;; # a new version of the engine (DBOS) may have to upgrade its own tables
    3) MIGRATES=true && SAID="" && say "Database: there is a migration" ;;
    *) fail "The database can't be used." ;;
    esac
    if ! is_sqlite; then
        command -v pg_dump >/dev/null || fail "There is no pg_dump, which backs the database up before it is changed: apt-get install postgresql-client."
        return 0
    fi
    database_exists || return 0
    try in_trial -m flask --app wsgi db backup "$copy" || fail "The database can't be copied for the checks."
    try with_database "sqlite:///$copy" in_trial -m flask --app wsgi db upgrade ||
        fail "The migration fails, as a try on a copy of the database has shown. The database itself is as it was."
    as_service rm -f "$copy"
}

with_database() { local url=$1 && shift && DATABASE_URL=$url "$@"; }
setting() { in_trial -c 'import sys; from config import load_settings; print(getattr(load_settings(), sys.argv[1]))' "$1"; }
is_sqlite() { [[ $(setting database_url) == sqlite:* ]]; }
database_exists() { local url && url=$(setting database_url) && [[ -e ${url#sqlite:///} ]]; }
