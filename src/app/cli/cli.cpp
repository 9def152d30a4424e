// The only translation unit that includes CLI11.
#include "cli/cli.hpp"

#include "cli/commands.hpp"
#include "config/dump.hpp"
#include "config/registry.hpp"
#include "config/suggest.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <exception>
#include <ostream>

namespace fairlead::cli {

namespace {

/// --config, --no-config, --dev and --set, and for `serve` a flag for every option.
class ConfigurationFlags {
public:
    void add_to(CLI::App& command, const std::string& file_names = "-c,--config") {
        command.add_option(file_names, file_, "The configuration file")->type_name("FILE");
        command.add_flag("--no-config", no_file_, "Read no file, not even the usual one");
        command.add_flag("--dev", dev_, "Development mode (server.dev)");
        command.add_option("--set", sets_, "Set one option: --set turn.realm=example.org; may be repeated")
            ->type_name("KEY=VALUE")
            ->allow_extra_args(false);
    }

    void add_every_option_to(CLI::App& command) {
        for (const config::Option& option : config::registry().options()) {
            if (option.path == "server.dev") {
                continue; // --dev
            }
            const auto section = option.path.substr(0, option.path.rfind('.'));
            auto* flag = option.is_switch && !option.secret ? command.add_flag(option.flag())
                                                            : command.add_option(name_of(option));
            flag->description(description_of(option))->group(section);
            if (!option.is_switch) {
                flag->type_name(option.secret ? "FILE" : option.type)->allow_extra_args(false)->take_all();
            } else {
                flag->take_last();
            }
            flags_.emplace_back(&option, flag);
        }
    }

    /// Nothing, with a message, when a --set is not KEY=VALUE.
    std::optional<config::Sources> sources(const Surroundings& surroundings) const {
        config::Sources sources{file(surroundings), surroundings.environment, {}};
        if (dev_) {
            sources.flags.push_back({"server.dev", {"true"}, "--dev", false});
        }
        for (const auto& [option, flag] : flags_) {
            if (!flag->results().empty()) {
                auto values = flag->results();
                if (!option->is_list && values.size() > 1) {
                    values.erase(values.begin(), values.end() - 1);
                }
                sources.flags.push_back({option->path, std::move(values), name_of(*option), option->secret});
            }
        }
        for (const std::string& text : sets_) {
            const auto equals = text.find('=');
            if (equals == std::string::npos) {
                surroundings.err << "--set " << text << ": expected KEY=VALUE\n";
                return std::nullopt;
            }
            const auto key = text.substr(0, equals);
            sources.flags.push_back({key, {text.substr(equals + 1)}, "--set " + key, false});
        }
        return sources;
    }

private:
    static std::string name_of(const config::Option& option) { return option.flag() + (option.secret ? "-file" : ""); }

    static std::string description_of(const config::Option& option) {
        const auto standard = config::default_text(option);
        return option.description + (standard.empty() ? "" : " [" + standard + "]");
    }

    std::optional<std::filesystem::path> file(const Surroundings& surroundings) const {
        if (no_file_) {
            return std::nullopt;
        }
        if (!file_.empty()) {
            return file_;
        }
        const auto named =
            std::ranges::find(surroundings.environment, "FAIRLEAD_CONFIG", &std::pair<std::string, std::string>::first);
        if (named != surroundings.environment.end() && !named->second.empty()) {
            return named->second;
        }
        return surroundings.default_file;
    }

    std::string file_;
    bool no_file_ = false;
    bool dev_ = false;
    std::vector<std::string> sets_;
    std::vector<std::pair<const config::Option*, CLI::Option*>> flags_;
};

/// The command line of fairlead: every subcommand, its flags, and what to run.
class CommandLine {
public:
    CommandLine(const Programs& programs, const Surroundings& surroundings)
        : programs_(programs), surroundings_(surroundings) {
        app_.require_subcommand(0, 1);
        app_.set_version_flag("--version", std::string("fairlead ") + FAIRLEAD_VERSION);
        app_.get_formatter()->column_width(34);
        add_serve();
        add_check_config();
        add_config();
        add_check_peer();
        add_credential();
        add_health();
        add_version();
        add_completion();
        add_help();
    }

    int run(std::span<const std::string> arguments) {
        std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
        try {
            app_.parse(std::move(reversed));
        } catch (const CLI::ExtrasError& error) {
            return refuse_extras(error);
        } catch (const CLI::ParseError& error) {
            return app_.exit(error, surroundings_.out, surroundings_.err) == 0 ? exit_code::ok : exit_code::usage;
        }
        if (!action_) {
            surroundings_.err << help_of(deepest());
            return exit_code::usage;
        }
        return action_();
    }

private:
    using Action = std::function<int()>;

    CLI::App* command(const std::string& name, const std::string& description, Action action) {
        return command_of(app_, name, description, std::move(action));
    }

    CLI::App* command_of(CLI::App& parent, const std::string& name, const std::string& description, Action action) {
        auto* command = parent.add_subcommand(name, description);
        command->callback([this, action = std::move(action)] { action_ = action; });
        return command;
    }

    /// Runs `then` with the sources that the flags of the command name.
    Action with_sources(std::function<int(const config::Sources&)> then) {
        return [this, then = std::move(then)] {
            const auto sources = flags_.sources(surroundings_);
            return sources ? then(*sources) : exit_code::usage;
        };
    }

    void add_serve() {
        if (!programs_.serve) {
            return;
        }
        auto* serve_command = command("serve", "Run the server", with_sources([this](const config::Sources& sources) {
                                          return serve(sources, programs_, surroundings_);
                                      }));
        flags_.add_to(*serve_command);
        flags_.add_every_option_to(*serve_command);
    }

    void add_check_config() {
        auto* check = command(
            "check-config", "Read the configuration as serve would, and tell every mistake in it",
            with_sources([this](const config::Sources& sources) { return check_config(sources, surroundings_); }));
        flags_.add_to(*check, "-c,--config,file");
    }

    void add_config() {
        auto* group = app_.add_subcommand("config", "Show the configuration, or what can be configured");
        group->require_subcommand(0, 1);
        auto* dump = command_of(*group, "dump", "Print the effective configuration as YAML, secrets left out",
                                with_sources([this](const config::Sources& sources) {
                                    return dump_config(sources, origin_, surroundings_);
                                }));
        dump->add_flag("--origin", origin_, "Say behind every value where it came from");
        dump->add_flag("--redacted", redacted_, "Leave secrets out, as is always done");
        flags_.add_to(*dump);
        command_of(*group, "reference", "Print the reference of all options as Markdown", [this] {
            surroundings_.out << config::reference();
            return exit_code::ok;
        });
    }

    void add_check_peer() {
        auto* check = command(
            "check-peer", "Say whether clients may reach a peer through the relay, and which rule decides",
            with_sources([this](const config::Sources& sources) { return check_peer(sources, peer_, surroundings_); }));
        check->add_option("address", peer_, "192.0.2.1, 192.0.2.1:5000, 2001:db8::1 or [2001:db8::1]:5000")->required();
        flags_.add_to(*check);
    }

    void add_credential() {
        auto* command_line = command("credential", "Make a time-limited credential and print iceServers for it",
                                     [this] { return make_credential(); });
        command_line->add_option("user", credential_.user, "Whom it is for; the name that quotas count by");
        command_line->add_option("--life", credential_.life, "How long it can be used [rtcconfig.credential-life]")
            ->type_name("DURATION");
        command_line->add_option("--secret-file", secret_file_, "The shared secret, instead of the configured ones")
            ->type_name("FILE");
        command_line->add_flag("--json", credential_.json, "Print one JSON object");
        flags_.add_to(*command_line);
    }

    int make_credential() {
        auto sources = flags_.sources(surroundings_);
        if (!sources) {
            return exit_code::usage;
        }
        if (!secret_file_.empty()) {
            sources->flags.push_back({"turn.secrets", {secret_file_}, "--secret-file", true});
        }
        return credential(*sources, credential_, programs_, surroundings_);
    }

    void add_health() {
        auto* ask = command("health", "Ask the running server whether it is well; exit code 0 or 1",
                            with_sources([this](const config::Sources& sources) {
                                health_.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(timeout_ * 1000));
                                return health(sources, health_, surroundings_);
                            }));
        ask->add_flag("--ready", health_.ready, "Ask whether it takes new work (/readyz)");
        ask->add_option("--address", health_.address, "Whom to ask [the first of listen.admin]")
            ->type_name("ADDRESS:PORT");
        ask->add_option("--timeout", timeout_, "How long to wait")->type_name("SECONDS")->check(CLI::Range(0.1, 600.0));
        flags_.add_to(*ask);
    }

    void add_version() {
        auto* print = command("version", "Print the version", [this] { return version(json_, surroundings_); });
        print->add_flag("--json", json_, "Print one JSON object, with what it was built with");
    }

    void add_completion() {
        auto* print = command("completion", "Print a script that completes fairlead's commands and flags", [this] {
            const auto names = command_names(app_);
            surroundings_.out << bash_completion(names);
            return exit_code::ok;
        });
        print->add_option("shell", shell_, "bash")->required()->check(CLI::IsMember({"bash"}));
    }

    void add_help() {
        auto* help = command("help", "Explain a command", [this] { return print_help(); });
        help->add_option("command", helped_, "The command");
    }

    int print_help() {
        const CLI::App* app = &app_;
        for (const std::string& name : helped_) {
            const auto commands =
                app->get_subcommands([&](const CLI::App* known) { return known->get_name() == name; });
            if (commands.empty()) {
                surroundings_.err << "there is no command " << name << suggestion(name, command_names(*app)) << '\n';
                return exit_code::usage;
            }
            app = commands.front();
        }
        surroundings_.out << help_of(*app);
        return exit_code::ok;
    }

    static std::string help_of(const CLI::App& app) {
        std::string parents;
        for (const CLI::App* parent = app.get_parent(); parent != nullptr; parent = parent->get_parent()) {
            parents = parents.empty() ? parent->get_name() : parent->get_name() + ' ' + parents;
        }
        return app.help(parents);
    }

    static std::vector<std::string> command_names(const CLI::App& app) {
        std::vector<std::string> names;
        for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
            names.push_back(command->get_name());
        }
        return names;
    }

    static std::vector<std::string> flag_names(const CLI::App& app) {
        std::vector<std::string> names;
        for (const auto* option : app.get_options()) {
            for (const std::string& name : option->get_lnames()) {
                names.push_back("--" + name);
            }
        }
        return names;
    }

    static std::string suggestion(const std::string& word, const std::vector<std::string>& known) {
        const auto near = config::closest(word, known);
        return near ? "; did you mean " + *near + '?' : "";
    }

    /// The innermost command that the command line names.
    [[nodiscard]] const CLI::App& deepest() const {
        const CLI::App* app = &app_;
        while (!app->get_subcommands().empty()) {
            app = app->get_subcommands().front();
        }
        return *app;
    }

    /// A flag or command that there is not.
    int refuse_extras(const CLI::ExtrasError& error) {
        const CLI::App* app = &deepest();
        const auto extras = app_.remaining(true);
        if (extras.empty()) {
            surroundings_.err << error.what() << '\n';
            return exit_code::usage;
        }
        const auto word = extras.front().substr(0, extras.front().find('='));
        const bool is_flag = word.starts_with('-');
        const auto known = is_flag ? flag_names(*app) : command_names(*app);
        surroundings_.err << "there is no "
                          << (is_flag         ? "flag "
                              : known.empty() ? "use for "
                                              : "command ")
                          << word << suggestion(word, known) << '\n';
        return exit_code::usage;
    }

    const Programs& programs_;
    const Surroundings& surroundings_;
    CLI::App app_{"fairlead: STUN, TURN, signaling and RTC configuration in one server", "fairlead"};
    ConfigurationFlags flags_;
    Action action_;
    bool origin_ = false;
    bool redacted_ = true;
    bool json_ = false;
    double timeout_ = 5;
    std::string peer_;
    std::string shell_;
    std::string secret_file_;
    std::vector<std::string> helped_;
    CredentialArguments credential_;
    HealthArguments health_;
};

} // namespace

int run(std::span<const std::string> arguments, const Programs& programs, const Surroundings& surroundings) {
    try {
        return CommandLine(programs, surroundings).run(arguments);
    } catch (const std::exception& error) {
        surroundings.err << "fairlead: " << error.what() << '\n';
        return exit_code::failed;
    }
}

} // namespace fairlead::cli
