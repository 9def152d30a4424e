#include "cli/commands.hpp"
#include "http/response_parser.hpp"
#include "process/clock.hpp"
#include "process/descriptor.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ostream>
#include <system_error>

namespace fairlead::cli {

namespace {

struct SocketAddress {
    sockaddr_storage storage = {};
    socklen_t length = 0;
};

SocketAddress socket_address(const net::TransportAddress& address) {
    SocketAddress result;
    const auto bytes = address.address.bytes();
    if (address.address.is_v4()) {
        sockaddr_in v4 = {};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(address.port);
        std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
        std::memcpy(&result.storage, &v4, sizeof v4);
        result.length = sizeof v4;
    } else {
        sockaddr_in6 v6 = {};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(address.port);
        std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
        std::memcpy(&result.storage, &v6, sizeof v6);
        result.length = sizeof v6;
    }
    return result;
}

/// One HTTP request over a non-blocking socket, everything before one deadline.
class Request {
public:
    Request(const net::TransportAddress& server, Instant deadline) : server_(server), deadline_(deadline) {}

    /// An answer, or the system's reason why there is none.
    Result<http::ReceivedResponse, std::error_code> get(std::string_view path) {
        const SocketAddress to = socket_address(server_);
        socket_ = process::Descriptor(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (!socket_) {
            return system_failure();
        }
        if (::connect(socket_.get(), as_generic(to), to.length) != 0 && errno != EINPROGRESS) {
            return system_failure();
        }
        const std::string request =
            "GET " + std::string(path) + " HTTP/1.1\r\nHost: " + server_.to_string() + "\r\nConnection: close\r\n\r\n";
        return exchange(request);
    }

private:
    static const sockaddr* as_generic(const SocketAddress& address) {
        // The sockets interface is made of this cast: sockaddr_storage stands for every kind of address.
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
        return reinterpret_cast<const sockaddr*>(&address.storage);
    }
    static std::unexpected<std::error_code> system_failure() {
        return fail(std::error_code(errno, std::generic_category()));
    }

    /// False when the deadline passes first.
    [[nodiscard]] bool ready(short events) const {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - process::steady_now());
        pollfd waiting = {socket_.get(), events, 0};
        return left.count() > 0 && ::poll(&waiting, 1, static_cast<int>(left.count())) > 0;
    }

    Result<http::ReceivedResponse, std::error_code> exchange(std::string_view request) {
        while (!request.empty()) {
            if (!ready(POLLOUT)) {
                return fail(std::make_error_code(std::errc::timed_out));
            }
            const auto sent = ::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN) {
                return system_failure();
            }
            request.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
        }
        http::ResponseParser parser;
        std::array<std::byte, 4096> room;
        while (parser.stage() < http::ResponseParser::Stage::complete) {
            if (!ready(POLLIN)) {
                return fail(std::make_error_code(std::errc::timed_out));
            }
            const auto received = ::recv(socket_.get(), room.data(), room.size(), 0);
            if (received > 0) {
                static_cast<void>(parser.push(Bytes(room).first(static_cast<std::size_t>(received))));
            } else if (received == 0) {
                parser.end();
            } else if (errno != EAGAIN) {
                return system_failure();
            }
        }
        if (parser.stage() == http::ResponseParser::Stage::faulty) {
            return fail(std::make_error_code(std::errc::bad_message));
        }
        return parser.take();
    }

    net::TransportAddress server_;
    Instant deadline_;
    process::Descriptor socket_;
};

} // namespace

int health(const config::Sources& sources, const HealthArguments& arguments, const Surroundings& surroundings) {
    std::optional<net::TransportAddress> server;
    if (!arguments.address.empty()) {
        server = net::TransportAddress::parse(arguments.address);
        if (!server) {
            surroundings.err << "--address: expected address:port, found \"" << arguments.address << "\"\n";
            return exit_code::usage;
        }
    } else {
        const auto loaded = load_or_tell(sources, surroundings);
        if (!loaded) {
            return exit_code::usage;
        }
        if (loaded->model.listen.admin.empty()) {
            surroundings.err << "listen.admin is empty: there is nobody to ask\n";
            return exit_code::usage;
        }
        server = loaded->model.listen.admin.front();
    }
    if (server->address.is_any()) {
        server->address = net::IpAddress::loopback(server->family());
    }
    const auto* path = arguments.ready ? "/readyz" : "/healthz";
    const auto answer = Request(*server, process::steady_now() + arguments.timeout).get(path);
    if (!answer) {
        surroundings.err << "http://" << server->to_string() << path << ": " << answer.error().message() << '\n';
        return exit_code::failed;
    }
    surroundings.out << answer->status << ' ' << answer->body << (answer->body.ends_with('\n') ? "" : "\n");
    return answer->status == 200 ? exit_code::ok : exit_code::failed;
}

} // namespace fairlead::cli
