#include "serve/serve.hpp"

#include "log/address.hpp"
#include "log/log.hpp"
#include "loop/signals.hpp"
#include "serve/server.hpp"

#include <cstdio>

namespace fairlead::serve {

namespace {

log::Level level_of(config::LogLevel level) {
    switch (level) {
    case config::LogLevel::error:
        return log::Level::error;
    case config::LogLevel::warning:
        return log::Level::warn;
    case config::LogLevel::info:
        return log::Level::info;
    case config::LogLevel::debug:
        return log::Level::debug;
    case config::LogLevel::off:
        return log::Level::off;
    }
    return log::Level::info;
}

log::Options log_options(const config::Log& log) {
    log::Options options;
    options.level = level_of(log.level);
    switch (log.format) {
    case config::LogFormat::automatic:
        options.format = log::Format::automatic;
        break;
    case config::LogFormat::text:
        options.format = log::Format::text;
        break;
    case config::LogFormat::json:
        options.format = log::Format::json;
        break;
    }
    return options;
}

log::Addresses addresses_of(config::LogAddresses addresses) {
    switch (addresses) {
    case config::LogAddresses::shown:
        return log::Addresses::shown;
    case config::LogAddresses::masked:
        return log::Addresses::masked;
    case config::LogAddresses::hidden:
        return log::Addresses::hidden;
    }
    return log::Addresses::shown;
}

} // namespace

int run(const config::Model& model) {
    loop::block_signals(); // before the first thread, so that all of them inherit it
    log::start(log_options(model.log));
    for (const auto& [topic, level] : model.log.topics) {
        log::set_level(topic, level_of(level));
    }
    log::set_addresses(addresses_of(model.log.addresses));
    int exit_code = 0;
    {
        Server server(model);
        if (const auto error = server.start()) {
            for (const std::string& message : error->messages) {
                log::error("serve", "cannot start: {}", message);
            }
            exit_code = error->exit_code;
        } else {
            server.wait();
        }
    }
    log::stop();
    return exit_code;
}

} // namespace fairlead::serve
