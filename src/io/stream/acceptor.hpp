#pragma once

#include "net/address.hpp"
#include "process/descriptor.hpp"
#include "result/result.hpp"
#include "stream/stream.hpp"

#include <cstdint>
#include <memory>

namespace fairlead::stream {

struct ListenOptions {
    /// IPv6 sockets are IPv6 only. Port 0 takes any port.
    net::TransportAddress local{};
    bool reuse_port = false; ///< one acceptor per worker on the same address (SO_REUSEPORT)
    int backlog = 4096;
    /// Seconds the kernel keeps a connection to itself until its first bytes come (TCP_DEFER_ACCEPT); 0: off.
    int defer_accept_seconds = 0;
};

struct Accepted {
    ErrorCode ec;
    std::unique_ptr<TcpStream> stream; ///< null when ec
};

/// Accepts TCP connections. Survives every error: a connection that was gone before we looked is skipped; out of
/// descriptors, the connection is accepted on a spare descriptor and reset, so that neither the peer waits nor the loop
/// spins; out of memory, it pauses for 100 ms.
class Acceptor {
public:
    /// std::error_code of socket, bind or listen.
    [[nodiscard]] static Result<std::unique_ptr<Acceptor>, ErrorCode> listen(DeadlineWheel& wheel,
                                                                             const ListenOptions& options);
    /// A listening socket made by somebody else (socket activation, hand-over).
    [[nodiscard]] static Result<std::unique_ptr<Acceptor>, ErrorCode> adopt(DeadlineWheel& wheel,
                                                                            process::Descriptor socket);
    ~Acceptor();
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;

    /// The next connection, with TCP_NODELAY set. Fails only with operation_aborted, after close().
    asio::awaitable<Accepted> accept();
    void close();

    [[nodiscard]] const net::TransportAddress& local() const { return local_; }

    struct Stats {
        stats::Counter accepted;
        stats::Counter gone;               ///< ECONNABORTED and kin
        stats::Counter out_of_descriptors; ///< refused with a reset
        stats::Counter out_of_memory;
    };
    [[nodiscard]] const Stats& stats() const;

private:
    struct State; // shared with the coroutine that waits
    static asio::awaitable<Accepted> accept_on(std::shared_ptr<State> state);
    Acceptor(DeadlineWheel& wheel, process::Descriptor socket);
    std::shared_ptr<State> state_;
    net::TransportAddress local_;
};

} // namespace fairlead::stream
