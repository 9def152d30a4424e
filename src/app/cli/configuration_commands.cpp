#include "cli/commands.hpp"

#include "config/dump.hpp"

#include <ostream>

namespace fairlead::cli {

std::optional<config::Loaded> load_or_tell(const config::Sources& sources, const Surroundings& surroundings) {
    auto loaded = config::load(sources);
    if (!loaded) {
        for (const config::Problem& problem : loaded.error()) {
            surroundings.err << problem.to_string() << '\n';
        }
        const auto count = loaded.error().size();
        surroundings.err << "fairlead: the configuration has " << count << (count == 1 ? " mistake\n" : " mistakes\n");
        return std::nullopt;
    }
    for (const config::Problem& warning : loaded->warnings) {
        surroundings.err << "warning: " << warning.to_string() << '\n';
    }
    return *std::move(loaded);
}

int serve(const config::Sources& sources, const Programs& programs, const Surroundings& surroundings) {
    const auto loaded = load_or_tell(sources, surroundings);
    return loaded ? programs.serve(*loaded, sources) : exit_code::usage;
}

int check_config(const config::Sources& sources, const Surroundings& surroundings) {
    const auto loaded = load_or_tell(sources, surroundings);
    if (!loaded) {
        return exit_code::usage;
    }
    for (const auto& file : loaded->files) {
        surroundings.out << "read " << file.string() << '\n';
    }
    surroundings.out << "the configuration is right\n";
    return exit_code::ok;
}

int dump_config(const config::Sources& sources, bool origin, const Surroundings& surroundings) {
    const auto loaded = load_or_tell(sources, surroundings);
    if (!loaded) {
        return exit_code::usage;
    }
    surroundings.out << config::dump(loaded->model, {.origin = origin});
    return exit_code::ok;
}

} // namespace fairlead::cli
