#include "definitions.hpp"
#include "reference.hpp"

#include <set>

namespace hpkp::cli {

namespace {

constexpr const char* kScript = R"bash(# bash completion for @PROGRAM@, made from its own --help: edit that.
# To use it at once: . ./hpkp.bash; for good: copy it to /usr/share/bash-completion/completions/hpkp

_hpkp() {
    local path='@PROGRAM@' before='' current=${COMP_WORDS[COMP_CWORD]} options='' words='' word i
    COMPREPLY=()

    # bash splits --format=json into three words.
    local -a line=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == = ]] || line+=("${COMP_WORDS[i]}")
    done
    [[ $current == = ]] && current=''

    # Which command it is, and whether the last word wants a value.
    for word in "${line[@]}"; do
        if [[ -n $before ]]; then
            before=''
            continue
        fi
        case "$path $word" in
            @STEPS@)
                path="$path $word" ;;
            @VALUES@)
                before=$word ;;
        esac
    done

    if [[ -n $before ]]; then
        case "$path $before" in
@CHOICES@        esac
    else
        case $path in
@WORDS@        esac
        [[ $current == -* ]] && words=$options
    fi
    # Where there is nothing to offer: file names, by "-o default" below.
    [[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o bashdefault -o default -F _hpkp @PROGRAM@
)bash";

/// A word between single quotes.
std::string quoted(const std::string& text)
{
    std::string result = "'";
    for (const char c : text) {
        result += c == '\'' ? "'\\''" : std::string(1, c);
    }
    return result + "'";
}

/// What the cases of the script are made of, from all commands. A path is "hpkp ledger show".
struct Cases {
    std::vector<std::string> steps;   // "PATH COMMAND": a word that leads on
    std::vector<std::string> values;  // "PATH OPTION": a word after which a value follows
    std::string words;                // by PATH: what may stand there
    std::string choices;              // by "PATH OPTION": its values
};

void collect(const CLI::App& command, const std::string& path, Cases& cases)
{
    std::set<std::string> options;
    std::vector<std::string> words;
    for (const CLI::Option* option : options_of(command)) {
        for (const std::string& name : spellings(*option)) {
            options.insert(name);
            if (!takes_value(*option)) {
                continue;
            }
            cases.values.push_back(quoted(path + " " + name));
            const std::vector<std::string> known = choices(*option);
            if (!known.empty()) {
                cases.choices +=
                    "            " + quoted(path + " " + name) + ") words=" + quoted(joined(known, " ")) + " ;;\n";
            }
        }
    }
    for (const CLI::Option* positional : positionals_of(command)) {
        for (const std::string& choice : choices(*positional)) {
            words.push_back(choice);
        }
    }
    for (const CLI::App* below : commands_of(command)) {
        words.push_back(below->get_name());
        cases.steps.push_back(quoted(path + " " + below->get_name()));
    }
    cases.words += "            " + quoted(path) + ") options=" + quoted(joined({options.begin(), options.end()}, " "))
                   + " words=" + quoted(joined(words, " ")) + " ;;\n";
    for (const CLI::App* below : commands_of(command)) {
        collect(*below, path + " " + below->get_name(), cases);
    }
}

void fill_in(std::string& script, const std::string& mark, const std::string& text)
{
    for (std::size_t at = 0; (at = script.find(mark, at)) != std::string::npos; at += text.size()) {
        script.replace(at, mark.size(), text);
    }
}

}  // namespace

std::string bash_completion(const CLI::App& program)
{
    const std::string between = " | \\\n            ";
    Cases cases;
    collect(program, program.get_name(), cases);

    std::string script = kScript;
    fill_in(script, "@PROGRAM@", program.get_name());
    fill_in(script, "@STEPS@", joined(cases.steps, between));
    fill_in(script, "@VALUES@", joined(cases.values, between));
    fill_in(script, "@CHOICES@", cases.choices);
    fill_in(script, "@WORDS@", cases.words);
    return script;
}

}  // namespace hpkp::cli
