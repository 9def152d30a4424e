#include "config/load.hpp"

#include "config/check.hpp"
#include "config/registry.hpp"
#include "config/suggest.hpp"
#include "config/yaml.hpp"
#include "text/ascii.hpp"
#include "text/format.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <functional>
#include <iterator>
#include <ranges>
#include <set>
#include <system_error>
#include <tuple>

extern char** environ; // POSIX

namespace fairlead::config {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "FAIRLEAD_";
constexpr std::string_view file_suffix = "_FILE";
constexpr std::string_view file_key_suffix = "-file";

std::optional<std::string> read_whole(const fs::path& path, const Origin& named_at, std::string_view key,
                                      Problems& problems) {
    const auto refuse = [&](std::string_view why) {
        problems.push_back({named_at, std::string(key), fmt::format("cannot read {}: {}", path.string(), why)});
        return std::nullopt;
    };
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
        return refuse("it is a directory");
    }
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return refuse(std::generic_category().message(errno));
    }
    std::string text(largest_file + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad()) {
        return refuse(std::generic_category().message(errno));
    }
    if (text.size() > largest_file) {
        return refuse("it is larger than 1 MiB");
    }
    return text;
}

/// "turn" and "realm" make "turn.realm".
std::string joined(std::string_view section, std::string_view name) {
    return section.empty() ? std::string(name) : fmt::format("{}.{}", section, name);
}

std::string squashed(std::string_view name) {
    std::string letters;
    std::ranges::copy_if(name, std::back_inserter(letters), [](char c) { return text::is_alpha(c); });
    return text::lower(letters);
}

class Loader {
public:
    explicit Loader(const Sources& sources) : sources_(sources) {}

    Result<Loaded, Problems> run() {
        read_files();
        read_environment();
        read_flags();
        apply();
        if (!problems_.empty()) {
            sort_problems();
            return fail(std::move(problems_));
        }
        return std::move(loaded_);
    }

private:
    /// One option's value in one source.
    struct Reading {
        const Option* option = nullptr;
        Node node;
    };

    /// Problems are told in the order in which a person meets their sources.
    using Place = std::tuple<Origin::Kind, std::ptrdiff_t, unsigned, unsigned>;
    [[nodiscard]] Place place(const Origin& at) const {
        const auto file = std::ranges::find(loaded_.files, fs::path(at.name));
        return {at.kind, file - loaded_.files.begin(), at.line, at.column};
    }

    void sort_problems() {
        std::multimap<Place, Problem> ordered; // Equal places keep their order.
        for (const Problem& problem : problems_) {
            ordered.emplace(place(problem.at), problem);
        }
        std::ranges::copy(ordered | std::views::values, problems_.begin());
    }

    void read_files() {
        if (!sources_.file) {
            return;
        }
        read_file(*sources_.file);
        const auto directory = sources_.file->parent_path() / "conf.d";
        std::vector<fs::path> more;
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(directory, error)) {
            if (const auto extension = entry.path().extension(); extension == ".yaml" || extension == ".yml") {
                more.push_back(entry.path());
            }
        }
        if (error && error != std::errc::no_such_file_or_directory) {
            const Origin at{Origin::Kind::file, directory.string(), 0, 0};
            problems_.push_back({at, {}, "cannot be read: " + error.message()});
        }
        std::ranges::sort(more);
        std::ranges::for_each(more, [&](const fs::path& path) { read_file(path); });
    }

    void read_file(const fs::path& path) {
        const Origin at{Origin::Kind::file, path.string(), 0, 0};
        const auto text = read_whole(path, at, {}, problems_);
        if (!text) {
            return;
        }
        loaded_.files.push_back(path);
        if (const auto root = parse_yaml(*text, at, problems_)) {
            if (root->kind == Node::Kind::mapping) {
                walk(*root, {});
            } else if (root->kind != Node::Kind::null) {
                problems_.push_back({root->at, {}, "expected sections such as turn:, found " + kind_of(*root)});
            }
        }
    }

    static std::string kind_of(const Node& node) {
        return node.kind == Node::Kind::sequence ? "a list" : node.kind == Node::Kind::null ? "nothing" : "a text";
    }

    void walk(const Node& mapping, const std::string& section) {
        for (const auto& [key, value] : mapping.entries) {
            const auto path = joined(section, key.text);
            if (key.text.find('.') != std::string::npos) {
                refuse_key(key, path, section);
            } else if (registry().is_section(path)) {
                if (value.kind == Node::Kind::mapping) {
                    walk(value, path);
                } else if (value.kind != Node::Kind::null) { // A section whose lines are all commented out is empty.
                    problems_.push_back({value.at, path, "expected a section of options, found " + kind_of(value)});
                }
            } else if (const auto* option = registry().find(path)) {
                readings_.push_back({option, value});
            } else if (const auto* named = secret_named_by(path)) {
                if (std::ranges::find(mapping.entries, named->leaf(), key_text) != mapping.entries.end()) {
                    problems_.push_back({key.at, path, fmt::format("\"{}\" is here, too; use one", named->leaf())});
                } else if (value.kind == Node::Kind::scalar) {
                    read_secret(*named, value.text, value.at);
                } else {
                    problems_.push_back({value.at, path, "expected the path of a file, found " + kind_of(value)});
                }
            } else {
                refuse_key(key, path, section);
            }
        }
    }

    static std::string_view key_text(const Entry& entry) { return entry.key.text; }

    /// The option that "turn.secrets-file" speaks of.
    static const Option* secret_named_by(std::string_view path) {
        if (!path.ends_with(file_key_suffix)) {
            return nullptr;
        }
        const auto* option = registry().find(path.substr(0, path.size() - file_key_suffix.size()));
        return option != nullptr && option->secret ? option : nullptr;
    }

    void refuse_key(const Node& key, const std::string& path, const std::string& section) {
        std::string message = "unknown key";
        const auto here = registry().children(section);
        if (registry().find(path) != nullptr || registry().is_section(path)) {
            message += "; write every part of the path on a line of its own, indented below the part before";
        } else if (const auto near = closest(key.text, here)) {
            message += fmt::format("; did you mean \"{}\"?", *near);
        } else if (const auto elsewhere = same_leaf(key.text); !elsewhere.empty()) {
            message += fmt::format("; did you mean \"{}\"?", elsewhere);
        } else if (section.empty()) {
            message += "; the sections are " + listed(here);
        } else {
            message += fmt::format("; {} has {}", section, listed(here));
        }
        problems_.push_back({key.at, path, message});
    }

    static std::string same_leaf(std::string_view name) {
        const auto options = registry().options();
        const auto option = std::ranges::find_if(
            options, [&](const Option& known) { return known.leaf() == name || known.path == name; });
        return option == options.end() ? std::string() : option->path;
    }

    static std::string listed(std::span<const std::string> names) {
        std::string text;
        for (const std::string& name : names) {
            text += (text.empty() ? "" : ", ") + name;
        }
        return text;
    }

    void read_environment() {
        std::map<std::string, std::string, std::less<>> ours;
        for (const auto& [name, value] : sources_.environment) {
            if (!value.empty()) { // An empty variable counts as unset: that is how a container file unsets one.
                ours.emplace(name, value);
            }
        }
        std::set<std::string, std::less<>> known;
        for (const Option& option : registry().options()) {
            known.insert(option.environment());
            for (const std::string& alias : option.aliases) {
                read_variable(option, alias, ours);
            }
            const bool direct = read_variable(option, option.environment(), ours);
            if (!option.secret) {
                continue;
            }
            const auto file_name = option.environment() + std::string(file_suffix);
            if (direct) {
                loaded_.warnings.push_back({{Origin::Kind::environment, option.environment(), 0, 0},
                                            option.path,
                                            "environments are easily seen by others; " + file_name + " is safer"});
            }
            known.insert(file_name);
            if (const auto file = ours.find(file_name); file != ours.end()) {
                const Origin at{Origin::Kind::environment, file_name, 0, 0};
                if (direct) {
                    problems_.push_back(
                        {at, option.path, fmt::format("{} is set, too; use one", option.environment())});
                } else {
                    read_secret(option, file->second, at);
                }
            }
        }
        for (const auto& [name, value] : ours) {
            if (name.starts_with(prefix) && !known.contains(name)) {
                judge_unknown(name, known);
            }
        }
    }

    bool read_variable(const Option& option, const std::string& name,
                       const std::map<std::string, std::string, std::less<>>& variables) {
        const auto variable = variables.find(name);
        if (variable == variables.end()) {
            return false;
        }
        read_text(option, variable->second, {Origin::Kind::environment, name, 0, 0});
        return true;
    }

    /// A name with our separator is meant for us, so it must be right. One without may belong to somebody else
    /// (Kubernetes sets FAIRLEAD_PORT and more for a service of that name).
    void judge_unknown(const std::string& name, const std::set<std::string, std::less<>>& known) {
        const Origin at{Origin::Kind::environment, name, 0, 0};
        const std::vector<std::string> names(known.begin(), known.end());
        if (name.find("__") != std::string::npos) {
            const auto near = closest(name, names);
            problems_.push_back({at, {}, "no such option" + (near ? fmt::format("; did you mean {}?", *near) : "")});
            return;
        }
        const auto meant = std::ranges::find(names, squashed(name), squashed);
        if (meant != names.end()) {
            loaded_.warnings.push_back({at, {}, fmt::format("is ignored; did you mean {}?", *meant)});
        }
    }

    void read_flags() {
        for (const Assignment& flag : sources_.flags) {
            const Origin at{Origin::Kind::flag, flag.spelled, 0, 0};
            const auto* option = registry().find(flag.path);
            if (option == nullptr) {
                std::vector<std::string> paths;
                std::ranges::transform(registry().options(), std::back_inserter(paths), &Option::path);
                const auto near = closest(flag.path, paths);
                problems_.push_back(
                    {at, {}, "no such option" + (near ? fmt::format("; did you mean {}?", *near) : "")});
            } else if (flag.names_file) {
                std::ranges::for_each(flag.values, [&](const std::string& file) { read_secret(*option, file, at); });
            } else if (option->secret) {
                problems_.push_back(
                    {at, option->path,
                     fmt::format("the command line is visible to every user of the machine; use {}-file, "
                                 "{}{} or the configuration file",
                                 option->flag(), option->environment(), file_suffix)});
            } else if (flag.values.size() == 1) {
                read_text(*option, flag.values.front(), at);
            } else {
                std::vector<Node> items;
                for (const std::string& value : flag.values) {
                    items.push_back(Node::scalar(value, at));
                }
                readings_.push_back({option, Node::sequence(std::move(items), at)});
            }
        }
    }

    /// A text without structure of its own: a list is separated by commas, or written in YAML's flow style.
    void read_text(const Option& option, const std::string& text, const Origin& at) {
        if (!option.is_list) {
            readings_.push_back({&option, Node::scalar(text, at)});
        } else if (text.starts_with('[') || text.starts_with('{')) {
            if (const auto node = parse_flow(text, at, option.path)) {
                readings_.push_back({&option, *node});
            }
        } else {
            std::vector<Node> items;
            for (std::string_view rest = text; !rest.empty();) {
                const auto item = rest.substr(0, rest.find(','));
                rest.remove_prefix(std::min(item.size() + 1, rest.size()));
                items.push_back(Node::scalar(std::string(text::trim(item)), at));
            }
            readings_.push_back({&option, Node::sequence(std::move(items), at)});
        }
    }

    std::optional<Node> parse_flow(const std::string& text, const Origin& at, const std::string& key) {
        Problems here;
        auto node = parse_yaml(text, at, here);
        for (Problem& problem : here) {
            problem.key = key;
            problems_.push_back(std::move(problem));
        }
        return node;
    }

    /// One value a line, for a list; else all of it but the line's end.
    void read_secret(const Option& option, const fs::path& path, const Origin& named_at) {
        const auto text = read_whole(path, named_at, option.path, problems_);
        if (!text) {
            return;
        }
        std::vector<Node> lines;
        Origin at{Origin::Kind::file, path.string(), 1, 1};
        for (std::string_view rest = *text; !rest.empty(); ++at.line) {
            auto line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
            line = line.substr(0, line.ends_with('\r') ? line.size() - 1 : line.size());
            if (!line.empty()) {
                lines.push_back(Node::scalar(std::string(line), at));
            }
        }
        if (lines.empty()) {
            problems_.push_back({named_at, option.path, fmt::format("{} is empty", path.string())});
            return;
        }
        at.line = 1;
        readings_.push_back(
            {&option, option.is_list ? Node::sequence(std::move(lines), at) : std::move(lines.front())});
    }

    void apply() {
        Model& model = loaded_.model;
        std::set<std::string_view> failed;
        const auto read = [&](const Reading& reading) {
            if (reading.option->read(reading.node, model, problems_)) {
                model.origins.set(reading.option->path, reading.node.at);
            } else {
                failed.insert(reading.option->path);
            }
        };
        // --dev changes defaults, so it has to be known before anything else is read.
        const auto is_dev = [](const Reading& reading) { return reading.option->path == "server.dev"; };
        std::ranges::for_each(readings_ | std::views::filter(is_dev), read);
        if (model.server.dev) {
            for (const Option& option : registry().options()) {
                if (option.dev_default) {
                    Node node = *option.dev_default;
                    node.at = {Origin::Kind::dev, {}, 0, 0};
                    read({&option, std::move(node)});
                }
            }
        }
        std::ranges::for_each(readings_ | std::views::filter(std::not_fn(is_dev)), read);
        find_state_directory();
        for (const Violation& violation : check(model)) {
            if (std::ranges::any_of(violation.paths, [&](std::string_view path) { return failed.contains(path); })) {
                continue;
            }
            report(violation);
        }
    }

    void find_state_directory() {
        Server& server = loaded_.model.server;
        if (!server.state_dir.empty()) {
            return;
        }
        server.state_dir = ".run";
        const auto variable = std::ranges::find_if(sources_.environment, [](const auto& named) {
            return named.first == "STATE_DIRECTORY" && !named.second.empty();
        });
        if (variable != sources_.environment.end()) {
            // systemd.exec(5): several directories are separated by colons.
            server.state_dir = variable->second.substr(0, variable->second.find(':'));
            loaded_.model.origins.set("server.state-dir", {Origin::Kind::environment, "STATE_DIRECTORY", 0, 0});
        }
    }

    void report(const Violation& violation) {
        const Origins& origins = loaded_.model.origins;
        // Of the options in conflict, the first that somebody has set is where the mistake can be corrected.
        const auto set = std::ranges::find_if(
            violation.paths, [&](std::string_view path) { return origins.of(path).kind != Origin::Kind::builtin; });
        const Origin at = set == violation.paths.end() ? Origin{} : origins.of(*set);
        auto& list = violation.only_warns ? loaded_.warnings : problems_;
        list.push_back({at, std::string(violation.paths.front()), violation.message});
    }

    const Sources& sources_;
    std::vector<Reading> readings_;
    Problems problems_;
    Loaded loaded_;
};

} // namespace

Result<Loaded, Problems> load(const Sources& sources) {
    return Loader(sources).run();
}

std::optional<std::filesystem::path> default_file() {
    const fs::path usual = "/etc/fairlead/fairlead.yaml";
    std::error_code ignored;
    // One that may not be looked at exists: load() then says so, rather than go on with the defaults.
    return fs::status(usual, ignored).type() == fs::file_type::not_found ? std::nullopt : std::optional(usual);
}

std::vector<std::pair<std::string, std::string>> process_environment() {
    std::vector<std::pair<std::string, std::string>> variables;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const auto equals = text.find('=');
        if (equals != std::string_view::npos) {
            variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
        }
    }
    return variables;
}

} // namespace fairlead::config
