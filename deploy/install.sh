#!/usr/bin/env bash
# Installs Utopia API Handler from a clone, on Debian 12 or newer or Ubuntu 24.04. As root, in the clone's folder:
#
#     deploy/install.sh [--dry-run] [--restart]
#
#     --dry-run   only say what it would do
#     --restart   restart a service that runs already
#     --help      this text
#
# It installs missing system packages, adds the user utopia-handler, and puts the checkout into /opt/utopia-handler with its
# Python packages and a .env with new secrets. It installs the systemd units, the nightly backup and the command
# utopia-handler. When the settings are complete, it starts the service. Otherwise it names the missing ones: fill them in,
# and run it again. It can be run at any time: what is there already, such as .env, is not overwritten.
#
# Exit codes: 0 all is done; 1 it failed; 2 it can't be used like this; 3 all is done, but settings are missing in .env.

set -euo pipefail
umask 022
export DEBIAN_FRONTEND=noninteractive

readonly ACCOUNT=utopia-handler HOME_FOLDER=/opt/utopia-handler BACKUPS=/var/backups/utopia
readonly UNITS=/etc/systemd/system CRON_FILE=/etc/cron.d/utopia-handler COMMAND=/usr/local/bin/utopia-handler
readonly SERVICE=utopia-handler.service TIMER=utopia-handler-backup.timer
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
IS_DRY_RUN=false
MAY_RESTART=false
CHANGES=0

main() {
    read_options "$@"
    check_system
    install_packages
    add_account
    place_checkout
    install_service
    set_permissions
    write_settings
    install_units
    install_backup
    install_command
    finish
}

read_options() {
    while (($#)); do
        case $1 in
        --dry-run) IS_DRY_RUN=true ;;
        --restart) MAY_RESTART=true ;;
        -h | --help) sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
        *) stop "There is no option $1. See --help." ;;
        esac
        shift
    done
}

say() { printf '%s\n' "$*"; }

stop() {
    printf 'Error: %s\n' "$*" >&2
    exit 2
}

# change SENTENCE COMMAND...: says what is done, and does it (not in a dry run).
change() {
    say "- $1"
    CHANGES=$((CHANGES + 1))
    shift
    $IS_DRY_RUN || "$@"
}

# It gets a session of its own: in root's session, a program could put keystrokes into root's terminal.
as_service() { (cd "$HOME_FOLDER" && setsid --wait runuser -u "$ACCOUNT" -- "$@"); }

in_checkout() { git -c safe.directory="$HOME_FOLDER" -C "$HOME_FOLDER" "$@"; }

flask() { as_service env PYTHONDONTWRITEBYTECODE=1 .venv/bin/flask --app wsgi "$@"; }

has_systemd() { [[ -d /run/systemd/system ]]; }

check_system() {
    $IS_DRY_RUN || ((EUID == 0)) || stop "Run it as root: sudo $0"
    command -v apt-get >/dev/null || stop "This is no Debian or Ubuntu. docs/install.md has what it needs."
    [[ -f $SOURCE/wsgi.py ]] || stop "Run it from a clone: there is no wsgi.py in $SOURCE."
    ! command -v python3 >/dev/null || require_python
}

require_python() {
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        stop "$(python3 -V) is too old: it takes 3.11 or newer, as in Debian 12."
}

missing_packages() {
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3 python3-venv
    command -v make >/dev/null || echo make
    command -v git >/dev/null || echo git
    [[ -f /etc/ssl/certs/ca-certificates.crt ]] || echo ca-certificates
}

install_packages() {
    local missing
    read -r -d '' -a missing < <(missing_packages) || true
    ((${#missing[@]})) || return 0
    change "Installing with apt-get: ${missing[*]}" apt_install "${missing[@]}"
    $IS_DRY_RUN || require_python
}

apt_install() {
    apt-get update -qq
    apt-get install -qy --no-install-recommends "$@" >/dev/null
}

add_account() {
    getent passwd "$ACCOUNT" >/dev/null || change "Adding the user $ACCOUNT, who can't log in" \
        useradd --system --user-group --home-dir "$HOME_FOLDER" --no-create-home --shell /usr/sbin/nologin "$ACCOUNT"
}

place_checkout() {
    if [[ $SOURCE == "$HOME_FOLDER" ]]; then return; fi
    if [[ -f $HOME_FOLDER/wsgi.py ]]; then
        say "  $HOME_FOLDER is there already, and stays at its version. To update it: $HOME_FOLDER/deploy_changes_UAC.sh"
        return
    fi
    [[ ! -e $HOME_FOLDER || -z $(ls -A "$HOME_FOLDER") ]] || stop "$HOME_FOLDER holds something else."
    change "Putting the checkout into $HOME_FOLDER" clone_here
}

# The checkout belongs to root, so that the service can't change its own program.
clone_here() {
    local address
    git -c safe.directory="$SOURCE" -c safe.directory="$SOURCE/.git" clone -q --no-hardlinks "$SOURCE" "$HOME_FOLDER"
    if address=$(git -c safe.directory="$SOURCE" -C "$SOURCE" remote get-url origin 2>/dev/null); then
        in_checkout remote set-url origin "$address"
    else
        say "  The clone has no remote: set one for updates with git -C $HOME_FOLDER remote set-url origin ADDRESS"
    fi
}

install_service() {
    if [[ -d $HOME_FOLDER ]] && make --silent --question -C "$HOME_FOLDER" .venv/.installed 2>/dev/null; then return; fi
    change "Installing the Python packages into $HOME_FOLDER/.venv (make install)" make --silent -C "$HOME_FOLDER" install
}

set_permissions() {
    local folder
    for folder in "$HOME_FOLDER/instance" "$BACKUPS"; do
        [[ -d $folder ]] || change "Making $folder, for the service alone" \
            install -d -o "$ACCOUNT" -g "$ACCOUNT" -m 750 "$folder"
    done
    # The service writes into these folders. Files in them that belong to root, as after a restore, are given to its user.
    for folder in "$HOME_FOLDER/ticket_descriptions" "$HOME_FOLDER/instance" "$BACKUPS"; do
        [[ -z $(foreign_in "$folder" -print -quit) ]] || change "Giving the service what is in $folder" \
            foreign_in "$folder" -exec chown --no-dereference "$ACCOUNT:$ACCOUNT" {} +
    done
    [[ ! -e $HOME_FOLDER/.env || $(stat -c %U:%G:%a "$HOME_FOLDER/.env") == "root:$ACCOUNT:640" ]] ||
        change "Letting the service read $HOME_FOLDER/.env" let_read_settings
}

# foreign_in FOLDER ACTION...: what does not belong to the service's user. Files with several hard links are left out: the
# service could have linked a file from elsewhere here, to be given it.
foreign_in() {
    [[ ! -d $1 ]] || find "$1" ! -user "$ACCOUNT" \( -type d -o -links 1 \) "${@:2}"
}

let_read_settings() { chown "root:$ACCOUNT" "$HOME_FOLDER/.env" && chmod 640 "$HOME_FOLDER/.env"; }

write_settings() {
    [[ -e $HOME_FOLDER/.env ]] || change "Writing $HOME_FOLDER/.env, with a SECRET_KEY and a CALLBACK_TOKEN of its own" make_env
}

# The file gets its name at the end, so that a run that is broken off leaves no half .env.
make_env() {
    local new=$HOME_FOLDER/.env.new secret token
    token=$(python3 -c 'import secrets; print(secrets.token_urlsafe(24))')
    secret=$(python3 -c 'import secrets; print(secrets.token_hex(32))')
    install -o root -g "$ACCOUNT" -m 640 /dev/null "$new"
    while IFS= read -r line; do
        case $line in
        SECRET_KEY=*) line=SECRET_KEY=$secret ;;
        CALLBACK_TOKEN=* | '#CALLBACK_TOKEN='*) line=CALLBACK_TOKEN=$token ;;
        '#DATABASE_URL='*) line=DATABASE_URL=sqlite:///instance/handler.db ;;
        '#LOG_FILE='*) line=LOG_FILE=instance/api_class.log ;;
        esac
        printf '%s\n' "$line"
    done <"$HOME_FOLDER/.env.example" >"$new"
    mv "$new" "$HOME_FOLDER/.env"
    say_token
}

install_units() {
    local unit changed=false
    for unit in "$SERVICE" utopia-handler-worker@.service utopia-handler-backup.service "$TIMER"; do
        differs "deploy/$unit" "$UNITS/$unit" || continue
        changed=true
        change "Copying $unit to $UNITS" install -D -m 644 "$HOME_FOLDER/deploy/$unit" "$UNITS/$unit"
    done
    if has_systemd && $changed; then change "Telling systemd" systemctl daemon-reload; fi
    [[ -L $UNITS/multi-user.target.wants/$SERVICE ]] || change "Starting the service at boot, from now on" \
        enable_at_boot "$SERVICE" multi-user
}

# differs FILE INSTALLED: whether the installed file is another one. In a dry run there may be no checkout yet: then the
# clone's file is compared.
differs() {
    local file=$HOME_FOLDER/$1
    [[ -f $file ]] || file=$SOURCE/$1
    ! cmp -s "$file" "$2"
}

# enable_at_boot UNIT TARGET: as `systemctl enable` does it, also on a machine without systemctl.
enable_at_boot() {
    if command -v systemctl >/dev/null; then
        systemctl enable --quiet "$1"
    else
        install -d "$UNITS/$2.target.wants"
        ln -s "$UNITS/$1" "$UNITS/$2.target.wants/$1"
    fi
}

install_backup() {
    [[ -L $UNITS/timers.target.wants/$TIMER ]] || change "Making a backup every night, from now on" enable_at_boot "$TIMER" timers
    if has_systemd && ! systemctl is-active --quiet "$TIMER"; then change "Starting its timer" systemctl start "$TIMER"; fi
    remove_cron_file
}

# Former versions had cron make the backup. Their file is removed, unless somebody changed it.
remove_cron_file() {
    [[ -e $CRON_FILE ]] || return 0
    if is_our_cron_file; then
        change "Removing $CRON_FILE, in whose place the timer is" rm "$CRON_FILE"
    else
        say "  $CRON_FILE was changed by somebody, and stays. The timer makes the backup: remove it yourself."
    fi
}

is_our_cron_file() {
    local line
    line=$(grep -vE '^[[:space:]]*(#|$|SHELL=/bin/sh$|PATH=/usr/local/bin:/usr/bin:/bin$|MAILTO=root$)' "$CRON_FILE")
    # shellcheck disable=SC2016 # $(date ...) is compared as it is written in the file
    [[ $line == "0 2 * * *  $ACCOUNT  cd $HOME_FOLDER && .venv/bin/flask --app wsgi db backup $BACKUPS/handler-"'$(date +\%a).db >/dev/null' ]]
}

# The command is a link into the checkout, so a deploy updates it as well.
install_command() {
    [[ $(readlink "$COMMAND" 2>/dev/null) == "$HOME_FOLDER/deploy/utopia-handler" ]] || change "Linking the command $COMMAND" \
        ln -sfn "$HOME_FOLDER/deploy/utopia-handler" "$COMMAND"
}

finish() {
    if $IS_DRY_RUN; then
        say "Nothing was changed. It would change $CHANGES things."
        return
    fi
    if ((CHANGES == 0)); then say "Everything is in its place: nothing was changed."; fi
    check_settings
    start_service
}

say_token() {
    say "  Each callback must carry the CALLBACK_TOKEN that is in it: UTOPIA needs the address with ?token=, as the console's first page says"
}

check_settings() {
    local said
    if said=$(flask config check 2>&1 </dev/null); then
        say "$said"
        return
    fi
    printf '%s\n\n' "$said" >&2
    say "Still to do: fill that in in $HOME_FOLDER/.env (docs/install.md, \"Fill in .env\"), then run this again: $0" >&2
    exit 3
}

start_service() {
    if ! has_systemd; then
        say "systemd does not run here, so the service can't be started. By hand, in $HOME_FOLDER:"
        say "  setsid --wait runuser -u $ACCOUNT -- .venv/bin/gunicorn -c gunicorn.conf.py wsgi:app"
    elif ! systemctl is-active --quiet utopia-handler; then
        change "Starting the service" systemctl start utopia-handler
    elif $MAY_RESTART; then
        change "Restarting the service" systemctl restart utopia-handler
    else
        say "The service runs. Its settings are read when it starts: after a change of .env, --restart."
    fi
}

main "$@"
