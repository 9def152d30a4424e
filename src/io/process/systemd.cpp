#include "process/systemd.hpp"

#include "process/clock.hpp"
#include "process/descriptor.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace fairlead::process {
namespace {

std::string take_variable(const char* name) {
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): called before threads start
    std::string copy = value == nullptr ? "" : value;
    ::unsetenv(name); // NOLINT(concurrency-mt-unsafe)
    return copy;
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

bool meant_for_us(std::string_view pid) {
    return pid.empty() || number(pid) == static_cast<std::uint64_t>(::getpid());
}

} // namespace

ServiceManager::ServiceManager(std::string notify_socket, std::optional<Duration> watchdog)
    : socket_(std::move(notify_socket)), watchdog_(watchdog) {}

ServiceManager ServiceManager::from_environment() {
    std::string socket = take_variable("NOTIFY_SOCKET");
    const std::string pid = take_variable("WATCHDOG_PID");
    const auto period = number(take_variable("WATCHDOG_USEC"));
    std::optional<Duration> watchdog;
    if (period && *period > 0 && meant_for_us(pid)) {
        watchdog = std::chrono::microseconds(std::min<std::uint64_t>(*period, std::uint64_t{1} << 40U) / 2);
    }
    return ServiceManager(std::move(socket), watchdog);
}

void ServiceManager::notify(std::string_view state) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_.empty() || socket_.size() >= sizeof address.sun_path || (socket_[0] != '/' && socket_[0] != '@')) {
        return;
    }
    std::ranges::copy(socket_, address.sun_path);
    if (socket_[0] == '@') {
        address.sun_path[0] = '\0'; // the abstract namespace, spelled "@" in the variable
    }
    const Descriptor fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd) {
        return;
    }
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
    const auto* name = reinterpret_cast<const sockaddr*>(&address); // NOLINT: the sockets API
    ::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT, name, length);
}

void ServiceManager::ready() {
    notify("READY=1");
}

void ServiceManager::reloading() {
    const auto monotonic = std::chrono::duration_cast<std::chrono::microseconds>(steady_now().time_since_epoch());
    notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic.count()));
}

void ServiceManager::stopping() {
    notify("STOPPING=1");
}

void ServiceManager::watchdog() {
    notify("WATCHDOG=1");
}

void ServiceManager::status(std::string_view text) {
    std::string line = "STATUS=" + std::string(text);
    std::ranges::replace(line, '\n', ' ');
    notify(line);
}

std::vector<int> inherited_descriptors() {
    constexpr int first = 3; // SD_LISTEN_FDS_START
    const std::string pid = take_variable("LISTEN_PID");
    const auto count = number(take_variable("LISTEN_FDS"));
    take_variable("LISTEN_FDNAMES");
    std::vector<int> descriptors;
    if (!count || pid.empty() || !meant_for_us(pid)) {
        return descriptors;
    }
    for (int fd = first; fd < first + static_cast<int>(std::min<std::uint64_t>(*count, 1024)); ++fd) {
        if (::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) {
            descriptors.push_back(fd);
        }
    }
    return descriptors;
}

} // namespace fairlead::process
