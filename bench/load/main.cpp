// fairlead-load: drives any TURN server and says what it cost that server. One case, one line of JSON.

#include "modes.hpp"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <map>
#include <sched.h>

namespace {

using namespace fairlead;
using namespace fairlead::load;

std::string check_address(const std::string& text) {
    return net::TransportAddress::parse(text) ? "" : "not an address with a port: " + text;
}
std::string check_ip(const std::string& text) {
    return net::IpAddress::parse(text) ? "" : "not an IP address: " + text;
}

void add_server_options(CLI::App& mode, Options& options) {
    mode.add_option_function<std::string>(
            "--server", [&](const std::string& text) { options.server = *net::TransportAddress::parse(text); },
            "The server's address and port, as literals")
        ->required()
        ->check(check_address);
    mode.add_option("--label", options.label, "Copied into the result");
    mode.add_option("--cpu", options.cpu, "Run on this CPU only");
}

void add_client_options(CLI::App& mode, Options& options) {
    add_server_options(mode, options);
    mode.add_option("--transport", options.transport, "Between clients and server: udp, tcp or tls")
        ->transform(CLI::CheckedTransformer(std::map<std::string, net::Transport>{
            {"udp", net::Transport::udp}, {"tcp", net::Transport::tcp}, {"tls", net::Transport::tls}}));
    mode.add_option("--user", options.login.username, "Static user");
    mode.add_option("--password", options.login.password, "The static user's password");
    mode.add_option("--secret", options.login.secret, "Shared secret; every client is then a user of its own");
    mode.add_option_function<std::string>(
            "--peer", [&](const std::string& text) { options.peer = *net::IpAddress::parse(text); },
            "A local address for the peers (127.0.0.2)")
        ->check(check_ip);
    mode.add_option("--pid", options.pid, "The server's process, to read its CPU time and memory from /proc");
    mode.add_option("--allocations", options.allocations, "How many clients, each with one allocation")
        ->check(CLI::Range(1, 60'000));
    mode.add_option("--window", options.window, "Requests in flight while allocations are made")
        ->check(CLI::Range(1, 10'000));
    mode.add_flag("--gro,!--no-gro", options.gro, "Take runs of equal datagrams whole (UDP_GRO); on");
}

void add_traffic_options(CLI::App& mode, Options& options) {
    mode.add_option("--direction", options.direction, "c2p (client to peer) or p2c")
        ->transform(CLI::CheckedTransformer(
            std::map<std::string, Direction>{{"c2p", Direction::client_to_peer}, {"p2c", Direction::peer_to_client}}));
    mode.add_option("--pattern", options.pattern, "paced, or b16 for bursts of 16")
        ->transform(
            CLI::CheckedTransformer(std::map<std::string, Pattern>{{"paced", Pattern::paced}, {"b16", Pattern::b16}}));
    mode.add_option("--payload", options.payload, "Bytes of each packet, a multiple of four")
        ->check(CLI::Range(28, 1400))
        ->check([](const std::string& text) { return std::stoul(text) % 4 == 0 ? "" : "must be a multiple of four"; });
    mode.add_option("--rate", options.rate, "Packets per second, all allocations together")
        ->check(CLI::Range(1.0, 10e6));
    mode.add_flag("--saturate", options.saturate, "As many as come back instead of a rate");
    mode.add_option("--in-flight", options.in_flight, "Packets on their way with --saturate")
        ->check(CLI::Range(16, 100'000));
    mode.add_option_function<double>(
        "--duration", [&](double seconds) { options.duration = std::chrono::duration<double>(seconds); }, "Seconds");
    mode.add_option_function<double>(
        "--warm-up", [&](double seconds) { options.warm_up = std::chrono::duration<double>(seconds); }, "Seconds");
    mode.add_flag("--latency", options.latency, "Time every packet");
}

void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(cpu), &set);
    if (::sched_setaffinity(0, sizeof set, &set) != 0) {
        throw std::runtime_error("cannot run on that CPU");
    }
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Drives a TURN server and measures what it costs that server; one line of JSON per case.",
                 "fairlead-load");
    app.require_subcommand(1);

    CLI::App& relay_mode = *app.add_subcommand("relay", "CPU per relayed packet, loss");
    add_client_options(relay_mode, options);
    add_traffic_options(relay_mode, options);
    CLI::App& latency_mode = *app.add_subcommand("latency", "Delay that the server adds");
    add_client_options(latency_mode, options);
    add_traffic_options(latency_mode, options);
    CLI::App& allocate_mode = *app.add_subcommand("allocate", "CPU per allocation");
    add_client_options(allocate_mode, options);
    CLI::App& idle_mode = *app.add_subcommand("idle", "Memory per idle allocation");
    add_client_options(idle_mode, options);
    CLI::App& listening_mode = *app.add_subcommand("listening", "Time from exec to the first answer");
    add_server_options(listening_mode, options);
    listening_mode.add_option("--rounds", options.rounds, "How often")->check(CLI::Range(1, 1000));
    listening_mode.add_option("command", options.command, "The server's command line")->required();

    CLI11_PARSE(app, argc, argv);
    ::signal(SIGPIPE, SIG_IGN);
    try {
        if (options.cpu >= 0) {
            pin(options.cpu);
        }
        const std::string result = relay_mode      ? relay(options)
                                   : latency_mode  ? latency(options)
                                   : allocate_mode ? allocate(options)
                                   : idle_mode     ? idle(options)
                                                   : listening(options);
        std::puts(result.c_str());
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fairlead-load: %s\n", error.what());
        return 1;
    }
}
