# Completes the commands and options of utopia-handler when Tab is pressed. To use it, put this line into ~/.bashrc:
# . /opt/utopia-handler/deploy/completion.bash
_utopia_handler() {
    local IFS=$'\n'
    # shellcheck disable=SC2207 - one word per line, as IFS says
    COMPREPLY=($(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _FLASK_COMPLETE=bash_complete \
        utopia-handler 2>/dev/null | cut -d, -f2-))
}
complete -F _utopia_handler utopia-handler
