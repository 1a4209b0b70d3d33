# Completes utopia-handler's commands and options with the Tab key: . /opt/utopia-handler/deploy/completion.bash
_utopia_handler() {
    local IFS=$'\n'
    # shellcheck disable=SC2207 - a line is a word here
    COMPREPLY=($(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _FLASK_COMPLETE=bash_complete \
        utopia-handler 2>/dev/null | cut -d, -f2-))
}
complete -F _utopia_handler utopia-handler
