#include "modes.hpp"

#include "datagram_socket.hpp"
#include "report.hpp"
#include "stun/writer.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <random>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <system_error>
#include <thread>

namespace fairlead::load {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

/// A server process of ours; ends with the object, by force if need be.
class Child {
public:
    explicit Child(const std::vector<std::string>& command) {
        std::vector<char*> arguments;
        for (const std::string& word : command) {
            arguments.push_back(const_cast<char*>(word.c_str()));
        }
        arguments.push_back(nullptr);
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
        const int error = ::posix_spawnp(&pid_, arguments[0], &files, nullptr, arguments.data(), environ);
        posix_spawn_file_actions_destroy(&files);
        if (error != 0) {
            throw std::system_error(error, std::generic_category(), command[0]);
        }
    }
    ~Child() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] bool ended() {
        if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) {
            pid_ = 0;
        }
        return pid_ == 0;
    }
    /// Time from SIGTERM to the end, `patience` at most.
    [[nodiscard]] Milliseconds terminate(Milliseconds patience) {
        const Instant start = Clock::now();
        if (!ended()) {
            ::kill(pid_, SIGTERM);
        }
        while (!ended() && Clock::now() - start < patience) {
            std::this_thread::sleep_for(100us);
        }
        return Clock::now() - start;
    }

private:
    pid_t pid_ = 0;
};

stun::TransactionId random_transaction() {
    std::random_device device;
    stun::TransactionId id{};
    std::ranges::generate(id, [&] { return static_cast<std::byte>(device()); });
    return id;
}

/// True when the server answers a Binding request within a millisecond.
bool answers(DatagramSocket& socket, const Route& server) {
    std::array<std::byte, stun::header_size> room{};
    const auto id = random_transaction();
    stun::Writer request(room, stun::Class::request, stun::Method::binding, id);
    socket.send(server, Bytes(room).first(request.finish()));
    bool answered = false;
    for (const Instant give_up = Clock::now() + 1ms; !answered && Clock::now() < give_up;) {
        socket.receive([&](Bytes datagram) {
            const auto answer = stun::Message::parse(datagram);
            answered = answered || (answer && answer->is(stun::Class::success, stun::Method::binding) &&
                                    answer->transaction_id() == id);
        });
    }
    return answered;
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

std::string json(const std::vector<double>& values) {
    std::string text;
    for (const double value : values) {
        text += fmt::format("{}{:.2f}", text.empty() ? "" : ",", value);
    }
    return "[" + text + "]";
}

} // namespace

std::string listening(const Options& options) {
    constexpr auto patience = 10s;
    DatagramSocket socket({net::IpAddress::any(options.server.family()), 0}, false);
    const Route server(options.server, std::nullopt);
    std::vector<double> up;
    std::vector<double> down;
    for (std::size_t round = 0; round < options.rounds; ++round) {
        if (answers(socket, server)) {
            throw std::runtime_error("something listens there already");
        }
        const Instant start = Clock::now();
        Child child(options.command);
        while (!answers(socket, server)) {
            if (child.ended()) {
                throw std::runtime_error("the server ended by itself");
            }
            if (Clock::now() - start > patience) {
                throw std::runtime_error("the server does not answer");
            }
        }
        up.push_back(Milliseconds(Clock::now() - start).count());
        down.push_back(child.terminate(patience).count());
    }
    Report report;
    report.text("case", "listening")
        .text("label", options.label)
        .number("ms_to_listening", median(up))
        .number("ms_to_end", median(down))
        .raw("all_ms_to_listening", json(up))
        .raw("all_ms_to_end", json(down));
    return report.line();
}

} // namespace fairlead::load
