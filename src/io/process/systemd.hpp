#pragma once

#include "time/instant.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::process {

/// The service manager's notification protocol (sd_notify(3)), spoken by hand over $NOTIFY_SOCKET. Without the
/// variable every call does nothing. Never blocks: a message that does not fit is lost.
class ServiceManager {
public:
    /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and removes them from the environment of children.
    static ServiceManager from_environment();
    ServiceManager() = default;
    explicit ServiceManager(std::string notify_socket, std::optional<Duration> watchdog = std::nullopt);

    [[nodiscard]] bool present() const { return !socket_.empty(); }
    void ready();
    /// RELOADING=1 and MONOTONIC_USEC in one message, as Type=notify-reload demands; finish with ready().
    void reloading();
    void stopping();
    void watchdog();
    /// One free-text line for `systemctl status`.
    void status(std::string_view text);

    /// How often watchdog() has to be called at the latest: half of WATCHDOG_USEC. Nothing when no watchdog is set.
    [[nodiscard]] std::optional<Duration> watchdog_interval() const { return watchdog_; }

private:
    void notify(std::string_view state);
    std::string socket_;
    std::optional<Duration> watchdog_;
};

/// Descriptors passed by socket activation ($LISTEN_FDS, $LISTEN_PID), close-on-exec set; the variables are removed.
[[nodiscard]] std::vector<int> inherited_descriptors();

} // namespace fairlead::process
