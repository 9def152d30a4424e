#include "server_process.hpp"

#include "text/format.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace fairlead::load {

bool ServerProcess::alive() const {
    std::ifstream stat(fmt::format("/proc/{}/stat", pid_));
    std::string text;
    if (!std::getline(stat, text)) {
        return false;
    }
    const auto name_end = text.rfind(')'); // the name itself may hold anything
    return name_end != std::string::npos && name_end + 2 < text.size() && text[name_end + 2] != 'Z';
}

std::chrono::nanoseconds ServerProcess::cpu_time() const {
    std::chrono::nanoseconds total{0};
    std::error_code none;
    for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid_), none)) {
        std::ifstream schedstat(task.path() / "schedstat");
        std::int64_t on_cpu = 0;
        if (schedstat >> on_cpu) {
            total += std::chrono::nanoseconds{on_cpu};
        }
    }
    return total;
}

std::uint64_t ServerProcess::resident_bytes() const {
    std::ifstream status(fmt::format("/proc/{}/status", pid_));
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmRSS:")) {
            std::istringstream fields(line.substr(6));
            std::uint64_t kib = 0;
            fields >> kib;
            return kib * 1024;
        }
    }
    return 0;
}

std::uint64_t socket_slab_bytes() {
    constexpr std::array<std::string_view, 10> of_sockets = {
        "UDP",  "UDPv6",  "TCP",           "TCPv6",         "sock_inode_cache",
        "filp", "dentry", "eventpoll_epi", "eventpoll_pwq", "request_sock_TCP"};
    std::ifstream slabinfo("/proc/slabinfo");
    std::uint64_t total = 0;
    for (std::string line; std::getline(slabinfo, line);) {
        std::istringstream fields(line);
        std::string name;
        std::uint64_t active = 0;
        std::uint64_t objects = 0;
        std::uint64_t size = 0;
        if (fields >> name >> active >> objects >> size && std::ranges::find(of_sockets, name) != of_sockets.end()) {
            total += active * size;
        }
    }
    return total;
}

} // namespace fairlead::load
