#include "account/shared_secret.hpp"
#include "cli/commands.hpp"
#include "config/registry.hpp"
#include "process/clock.hpp"
#include "rtcconfig/ice_servers.hpp"
#include "text/ascii.hpp"
#include "json/writer.hpp"

#include <cerrno>
#include <ctime>
#include <fstream>
#include <ostream>

namespace fairlead::cli {

namespace {

/// "2026-01-02T03:04:05Z"
std::string written(UnixTime time) {
    const std::time_t seconds = unix_seconds(time);
    std::tm parts = {};
    char text[sizeof "2026-01-02T03:04:05Z"] = {};
    gmtime_r(&seconds, &parts);
    return {text, std::strftime(text, sizeof text, "%FT%TZ", &parts)};
}

std::vector<rtcconfig::Endpoint> endpoints(const config::Listen& listen) {
    using Service = rtcconfig::Endpoint::Service;
    std::vector<rtcconfig::Endpoint> all;
    const auto add = [&](const config::TransportAddresses& addresses, bool enabled, Service service,
                         net::Transport transport) {
        if (enabled && !addresses.empty()) {
            all.push_back({service, transport, addresses.front().port});
        }
    };
    add(listen.turn, listen.udp, Service::stun, net::Transport::udp);
    add(listen.turn, listen.udp, Service::turn, net::Transport::udp);
    add(listen.turn, listen.tcp, Service::turn, net::Transport::tcp);
    add(listen.turn_tls, listen.tls, Service::turn, net::Transport::tls);
    return all;
}

/// The configured secrets, else the one that the server generated. Empty after telling why there is none.
std::vector<std::string> secrets(const config::Model& model, const Surroundings& surroundings, int& exit) {
    std::vector<std::string> texts;
    for (const config::Secret& secret : model.turn.secrets) {
        texts.push_back(secret.text);
    }
    if (!texts.empty()) {
        return texts;
    }
    const auto path = model.server.state_dir / "turn-secret";
    errno = 0;
    std::ifstream file(path);
    std::string line;
    if (std::getline(file, line) && !text::trim(line).empty()) {
        texts.emplace_back(text::trim(line));
        return texts;
    }
    exit = errno == EACCES ? exit_code::no_permission : exit_code::failed;
    surroundings.err << "no secret: turn.secrets is empty, and " << path.string()
                     << (errno == EACCES ? " may not be read by this user\n"
                                         : " does not exist; the server makes it at its first start\n");
    return texts;
}

/// The configured life, or the one that was asked for, read like the option itself.
std::optional<std::chrono::seconds> life_of(const config::Model& model, const std::string& asked,
                                            const Surroundings& surroundings) {
    if (asked.empty()) {
        return model.rtcconfig.credential_life;
    }
    config::Model scratch;
    config::Problems problems;
    const config::Origin at{config::Origin::Kind::flag, "--life", 0, 0};
    const auto* option = config::registry().find("turn.longest-credential-life");
    if (option->read(config::Node::scalar(asked, at), scratch, problems) &&
        scratch.turn.longest_credential_life != std::chrono::seconds::zero()) {
        return scratch.turn.longest_credential_life;
    }
    surroundings.err << "--life: expected a duration such as 90s, 10m, 12h or 7d, found \"" << asked << "\"\n";
    return std::nullopt;
}

} // namespace

int credential(const config::Sources& sources, const CredentialArguments& arguments, const Programs& programs,
               const Surroundings& surroundings) {
    const auto loaded = load_or_tell(sources, surroundings);
    if (!loaded) {
        return exit_code::usage;
    }
    const config::Model& model = loaded->model;
    const auto life = life_of(model, arguments.life, surroundings);
    if (!life) {
        return exit_code::usage;
    }
    int exit = exit_code::ok;
    account::SharedSecretOptions options;
    options.longest_life = model.turn.longest_credential_life;
    const account::SharedSecrets shared(secrets(model, surroundings, exit), options);
    if (shared.empty()) {
        return exit;
    }
    const auto issued = shared.issue(process::unix_now(), arguments.user, *life);
    const auto host = programs.host ? programs.host(model) : model.advertise.host.value_or("localhost");
    json::Writer servers;
    rtcconfig::write(servers, rtcconfig::ice_servers(host, endpoints(model.listen), issued));
    if (arguments.json) {
        json::Writer object;
        object.begin_object()
            .member("username", issued.username)
            .member("password", issued.password)
            .member("expires", unix_seconds(issued.expiry))
            .key("iceServers")
            .raw(servers.text())
            .end_object();
        surroundings.out << object.text() << '\n';
    } else {
        surroundings.out << "username:   " << issued.username << "\npassword:   " << issued.password
                         << "\nexpires:    " << written(issued.expiry) << "\niceServers: " << servers.text() << '\n';
    }
    return exit_code::ok;
}

} // namespace fairlead::cli
