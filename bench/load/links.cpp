#include "links.hpp"

#include <array>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <vector>

namespace fairlead::load {
namespace {

std::optional<net::IpAddress> client_address(const net::TransportAddress& server, std::size_t client) {
    if (!server.address.is_v4() || !server.address.is_loopback()) {
        return std::nullopt;
    }
    constexpr std::size_t hosts_per_block = 250;
    return net::IpAddress::v4(127, static_cast<std::uint8_t>(1 + client / (hosts_per_block * hosts_per_block)),
                              static_cast<std::uint8_t>(client / hosts_per_block % hosts_per_block),
                              static_cast<std::uint8_t>(1 + client % hosts_per_block));
}

/// A set of descriptors; ready() names those where something happened since it was last asked.
class Readiness {
public:
    Readiness() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {}
    ~Readiness() { ::close(fd_); }
    Readiness(const Readiness&) = delete;
    Readiness& operator=(const Readiness&) = delete;

    void watch(int descriptor, std::size_t index) const {
        epoll_event event{};
        event.events = EPOLLIN | EPOLLOUT | EPOLLET;
        event.data.u64 = index;
        ::epoll_ctl(fd_, EPOLL_CTL_ADD, descriptor, &event);
    }
    template <class Visit>
    void ready(Visit&& visit) const {
        std::array<epoll_event, 64> events{};
        const int count = ::epoll_wait(fd_, events.data(), events.size(), 0);
        for (int i = 0; i < count; ++i) {
            visit(static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64));
        }
    }

private:
    int fd_;
};

/// All clients behind one socket, told apart by their source addresses.
class SharedDatagramLinks final : public Links {
public:
    explicit SharedDatagramLinks(const LinkOptions& options)
        : socket_({net::IpAddress::any(options.server.family()), 0}, options.gro) {
        routes_.reserve(options.count);
        for (std::size_t i = 0; i < options.count; ++i) {
            routes_.emplace_back(options.server, client_address(options.server, i));
        }
    }

    [[nodiscard]] std::size_t count() const override { return routes_.size(); }
    [[nodiscard]] bool open(std::size_t) const override { return true; }
    [[nodiscard]] bool closed(std::size_t) const override { return false; }
    [[nodiscard]] bool unreliable() const override { return true; }
    void queue(std::size_t client, Bytes data, std::size_t segment) override {
        socket_.queue(routes_[client], data, segment);
    }
    void flush() override { socket_.flush(); }
    void receive(const Take& take) override { socket_.receive(take); }

private:
    DatagramSocket socket_;
    std::vector<Route> routes_;
};

/// A socket for each client.
class DatagramLinks final : public Links {
public:
    explicit DatagramLinks(const LinkOptions& options) : route_(options.server, std::nullopt) {
        sockets_.reserve(options.count);
        for (std::size_t i = 0; i < options.count; ++i) {
            sockets_.emplace_back(net::TransportAddress{net::IpAddress::any(options.server.family()), 0}, options.gro);
            readiness_.watch(sockets_.back().descriptor(), i);
        }
    }

    [[nodiscard]] std::size_t count() const override { return sockets_.size(); }
    [[nodiscard]] bool open(std::size_t) const override { return true; }
    [[nodiscard]] bool closed(std::size_t) const override { return false; }
    [[nodiscard]] bool unreliable() const override { return true; }
    void queue(std::size_t client, Bytes data, std::size_t segment) override {
        sockets_[client].send(route_, data, segment);
    }
    void flush() override {}
    void receive(const Take& take) override {
        readiness_.ready([&](std::size_t i) {
            while (sockets_[i].receive(take) != 0) {
            }
        });
    }

private:
    Route route_;
    Readiness readiness_;
    std::vector<DatagramSocket> sockets_;
};

struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

/// A TCP or TLS connection for each client.
class StreamLinks final : public Links {
public:
    explicit StreamLinks(const LinkOptions& options) {
        if (options.transport == net::Transport::tls) {
            tls_.reset(SSL_CTX_new(TLS_client_method()));
            // The server under test has a certificate of its own making; load is measured here, not trust.
            SSL_CTX_set_verify(tls_.get(), SSL_VERIFY_NONE, nullptr);
            SSL_CTX_set_mode(tls_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        }
        connections_.reserve(options.count);
        for (std::size_t i = 0; i < options.count; ++i) {
            connections_.emplace_back(options.server, client_address(options.server, i), tls_.get());
            readiness_.watch(connections_.back().descriptor(), i);
        }
    }

    [[nodiscard]] std::size_t count() const override { return connections_.size(); }
    [[nodiscard]] bool open(std::size_t client) const override {
        return connections_[client].state() == StreamConnection::State::open;
    }
    [[nodiscard]] bool closed(std::size_t client) const override {
        return connections_[client].state() == StreamConnection::State::closed;
    }
    [[nodiscard]] bool unreliable() const override { return false; }
    void queue(std::size_t client, Bytes data, std::size_t) override { connections_[client].write(data); }
    void flush() override {}
    void receive(const Take& take) override {
        readiness_.ready([&](std::size_t i) {
            connections_[i].advance();
            connections_[i].read(take);
        });
    }

private:
    std::unique_ptr<SSL_CTX, FreeContext> tls_;
    Readiness readiness_;
    std::vector<StreamConnection> connections_;
};

} // namespace

std::unique_ptr<Links> make_links(const LinkOptions& options) {
    if (net::is_stream(options.transport)) {
        return std::make_unique<StreamLinks>(options);
    }
    if (client_address(options.server, 0)) {
        return std::make_unique<SharedDatagramLinks>(options);
    }
    return std::make_unique<DatagramLinks>(options);
}

} // namespace fairlead::load
