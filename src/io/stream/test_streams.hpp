#pragma once

#include "loop/loop.hpp"
#include "process/clock.hpp"
#include "stream/acceptor.hpp"
#include "stream/stream.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

// What the tests of this module share: a loop, a listener, and both ends of a connection.
namespace fairlead::stream {

inline asio::awaitable<void> put_accepted(Acceptor& acceptor, std::unique_ptr<TcpStream>& into) {
    Accepted accepted = co_await acceptor.accept();
    into = std::move(accepted.stream);
}

inline asio::awaitable<void> put_connected(DeadlineWheel& wheel, net::TransportAddress to, Instant deadline,
                                           std::optional<Connected>& into) {
    const net::TransportAddress anywhere{net::IpAddress::any(to.family()), 0};
    into = co_await connect(wheel, to, anywhere, deadline);
}

inline asio::awaitable<void> put_read(Stream& stream, std::size_t at_most, std::optional<ReadResult>& result,
                                      std::string& text) {
    std::string buffer(at_most, '\0');
    result = co_await stream.read_some(std::as_writable_bytes(std::span(buffer)));
    text += buffer.substr(0, result->n);
}

inline asio::awaitable<void> put_read_all(Stream& stream, std::string& text, std::optional<ErrorCode>& end) {
    std::string buffer(20'000, '\0');
    while (true) {
        const ReadResult result = co_await stream.read_some(std::as_writable_bytes(std::span(buffer)));
        if (result.ec) {
            end = result.ec;
            co_return;
        }
        text.append(buffer, 0, result.n);
    }
}

inline asio::awaitable<void> put_written(Stream& stream, std::string text, std::optional<ErrorCode>& result) {
    result = co_await stream.write(text);
}

class StreamTest : public ::testing::Test {
protected:
    using Family = net::Family;

    void listen(Family family = Family::v4) {
        auto made = Acceptor::listen(wheel_, {.local = {net::IpAddress::loopback(family), 0}});
        ASSERT_TRUE(made.has_value()) << made.error().message();
        acceptor_ = std::move(*made);
    }

    /// Connects here_ (the client) to there_ (accepted).
    void connect_pair(Family family = Family::v4) {
        listen(family);
        std::optional<Connected> connected;
        loop_.spawn("accept", put_accepted(*acceptor_, there_));
        loop_.spawn("connect", put_connected(wheel_, acceptor_->local(), soon(), connected));
        ASSERT_TRUE(turn_until([&] { return connected && there_; }));
        ASSERT_FALSE(connected->ec) << connected->ec.message();
        here_ = std::move(connected->stream);
    }

    [[nodiscard]] static Instant soon() { return process::steady_now() + std::chrono::seconds(5); }

    bool turn_until(const std::function<bool()>& done) {
        const Instant limit = process::steady_now() + std::chrono::seconds(10);
        while (!done()) {
            if (process::steady_now() > limit) {
                return false;
            }
            loop_.turn(std::chrono::milliseconds(10));
        }
        return true;
    }
    void turn_for_a_while() {
        for (int i = 0; i < 20; ++i) {
            loop_.turn({});
        }
    }

    loop::Loop loop_{"test"};
    DeadlineWheel wheel_{loop_};
    std::unique_ptr<Acceptor> acceptor_;
    std::unique_ptr<TcpStream> here_;
    std::unique_ptr<TcpStream> there_;
};

} // namespace fairlead::stream
