#include "cli/commands.hpp"
#include "config/registry.hpp"
#include "text/format.hpp"

namespace fairlead::cli {

std::string bash_completion(std::span<const std::string> commands) {
    std::string names;
    for (const std::string& command : commands) {
        names += (names.empty() ? "" : " ") + command;
    }
    std::string flags = "--config --no-config --dev --set --help";
    std::string keys;
    for (const config::Option& option : config::registry().options()) {
        flags += ' ' + option.flag() + (option.secret ? "-file" : "");
        keys += (keys.empty() ? "" : " ") + option.path + '=';
    }
    return fmt::format(R"(# Completion of fairlead for bash: source it, or install it as bash-completion's "fairlead".
_fairlead() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} choices
    compopt +o nospace 2> /dev/null
    case $before in
    --config | --*-file) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    --set) choices="{2}"; compopt -o nospace 2> /dev/null ;;
    *) choices="{0}" ;;
    esac
    if [ "$COMP_CWORD" -gt 1 ] && [ "$before" != --set ]; then
        case ${{COMP_WORDS[1]}} in
        serve) choices="{1}" ;;
        check-config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        config) choices="dump reference --origin --config" ;;
        completion) choices="bash" ;;
        *) choices="--config --help" ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
}}
complete -F _fairlead fairlead
)",
                       names, flags, keys);
}

} // namespace fairlead::cli
