#include "modes.hpp"

#include "clients.hpp"
#include "links.hpp"
#include "report.hpp"
#include "server_process.hpp"
#include "traffic.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>

namespace fairlead::load {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

double microseconds(double nanoseconds) {
    return nanoseconds / 1e3;
}

/// Clients, their peer and the way there: what every mode but `listening` needs.
struct Scene {
    explicit Scene(const Options& options)
        : peer({options.peer, 0}, options.gro),
          links(make_links({options.server, options.transport, options.allocations, options.gro})),
          clients(*links, options.login, peer_address(options), options.peer.family()) {}

    [[nodiscard]] net::TransportAddress peer_address(const Options& options) const {
        return {options.peer, peer.port()};
    }

    void establish(const Options& options) {
        clients.establish(options.window);
        if (const auto& failure = clients.first_failure()) {
            throw std::runtime_error(fmt::format(
                "{} of {} allocations failed, first {} of client {}: {}", options.allocations - clients.established(),
                options.allocations, stun::describe(failure->method), failure->client,
                failure->error_code == 0 ? "no answer" : fmt::format("error {}", failure->error_code)));
        }
    }

    DatagramSocket peer;
    std::unique_ptr<Links> links;
    Clients clients;
};

Report begin_report(std::string_view mode, const Options& options) {
    Report report;
    report.text("case", mode).text("label", options.label).text("transport", net::describe(options.transport));
    return report;
}

void describe_traffic(Report& report, const Options& options) {
    report.text("direction", options.direction == Direction::client_to_peer ? "c2p" : "p2c")
        .count("payload", options.payload)
        .text("pattern", options.pattern == Pattern::paced ? "paced" : "b16")
        .count("allocations", options.allocations)
        .raw("rate", options.saturate ? "null" : fmt::format("{:.0f}", options.rate))
        .raw("gro", options.gro ? "true" : "false");
}

void describe_tally(Report& report, const Tally& tally, std::chrono::nanoseconds cpu, const Options& options) {
    const auto delivered = static_cast<double>(std::max<std::uint64_t>(tally.delivered, 1));
    const auto cpu_ns = static_cast<double>(cpu.count());
    report.count("sent", tally.sent)
        .count("delivered", tally.delivered)
        .count("lost", tally.sent - tally.delivered)
        .count("skipped", tally.skipped)
        .number("packets_per_second", static_cast<double>(tally.delivered) / tally.elapsed.count())
        .number("cpu_ns_per_packet", cpu_ns / delivered)
        .number("cpu_ns_per_byte", cpu_ns / delivered / static_cast<double>(options.payload))
        .number("cpu_share", cpu_ns / 1e9 / tally.elapsed.count())
        .count("rss_bytes", ServerProcess(options.pid).resident_bytes());
}

struct Measured {
    Tally tally;
    std::chrono::nanoseconds cpu;
};

Measured measure(Path& path, const Options& options) {
    const ServerProcess server(options.pid);
    static_cast<void>(drive(path, options, options.warm_up));
    const auto before = server.cpu_time();
    Tally tally = drive(path, options, options.duration);
    return {std::move(tally), server.cpu_time() - before};
}

} // namespace

std::string relay(const Options& options) {
    Scene scene(options);
    scene.establish(options);
    RelayPath path(*scene.links, scene.clients, scene.peer, options.direction);
    const auto [tally, cpu] = measure(path, options);
    scene.clients.release(options.window);
    if (tally.delivered == 0) {
        throw std::runtime_error("no packet came through");
    }

    Report report = begin_report("relay", options);
    describe_traffic(report, options);
    describe_tally(report, tally, cpu, options);
    if (options.latency) {
        report.number("p50_us", microseconds(tally.quantile(0.5))).number("p99_us", microseconds(tally.quantile(0.99)));
    }
    return report.line();
}

std::string latency(const Options& asked) {
    Options options = asked;
    options.latency = true;
    Scene scene(options);
    scene.establish(options);

    DatagramSocket near({options.server.address, 0}, options.gro);
    DirectPath direct(near, scene.peer, scene.peer_address(options));
    const Tally bare = drive(direct, options, options.duration / 3);

    RelayPath path(*scene.links, scene.clients, scene.peer, options.direction);
    const auto [tally, cpu] = measure(path, options);
    scene.clients.release(options.window);
    if (tally.delivered == 0) {
        throw std::runtime_error("no packet came through");
    }

    Report report = begin_report("latency", options);
    describe_traffic(report, options);
    describe_tally(report, tally, cpu, options);
    for (const auto& [name, share] : {std::pair{"p50", 0.5}, std::pair{"p99", 0.99}, std::pair{"p999", 0.999}}) {
        const double relayed = tally.quantile(share);
        const double without = bare.quantile(share);
        report.number(fmt::format("{}_us", name), microseconds(relayed))
            .number(fmt::format("direct_{}_us", name), microseconds(without))
            .number(fmt::format("added_{}_us", name), microseconds(relayed - without));
    }
    return report.line();
}

std::string allocate(const Options& options) {
    const ServerProcess server(options.pid);
    Scene scene(options);
    const auto before = server.cpu_time();
    const Instant start = Clock::now();
    scene.establish(options);
    const Seconds elapsed = Clock::now() - start;
    const auto cpu = static_cast<double>((server.cpu_time() - before).count());
    scene.clients.release(options.window);
    const double with_release = static_cast<double>((server.cpu_time() - before).count());

    const auto count = static_cast<double>(options.allocations);
    Report report = begin_report("allocate", options);
    report.count("allocations", options.allocations)
        .number("seconds", elapsed.count())
        .number("allocations_per_second", count / elapsed.count())
        .number("cpu_us_per_allocation", microseconds(cpu / count))
        .number("cpu_us_with_release", microseconds(with_release / count))
        .number("allocations_per_cpu_second", cpu > 0 ? count / (cpu / 1e9) : 0);
    return report.line();
}

std::string idle(const Options& options) {
    const ServerProcess server(options.pid);
    Scene scene(options);
    const std::uint64_t resident_before = server.resident_bytes();
    const std::uint64_t slab_before = socket_slab_bytes();
    scene.establish(options);
    std::this_thread::sleep_for(1s);
    const auto grown = [&](std::uint64_t before, std::uint64_t after) {
        return (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(options.allocations);
    };
    const std::uint64_t resident_with = server.resident_bytes();
    const double slab = grown(slab_before, socket_slab_bytes());
    const auto cpu_before = server.cpu_time();
    std::this_thread::sleep_for(2s);
    const auto cpu_idle = static_cast<double>((server.cpu_time() - cpu_before).count()) / 2;
    scene.clients.release(options.window);
    std::this_thread::sleep_for(3s);

    Report report = begin_report("idle", options);
    report.count("allocations", options.allocations)
        .count("rss_before", resident_before)
        .count("rss_with", resident_with)
        .count("rss_after_release", server.resident_bytes())
        .number("bytes_per_allocation", grown(resident_before, resident_with))
        .number("slab_bytes_per_allocation", slab)
        .number("cpu_us_per_allocation_and_second", microseconds(cpu_idle / static_cast<double>(options.allocations)));
    return report.line();
}

} // namespace fairlead::load
