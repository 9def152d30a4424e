#include "stream/test_streams.hpp"
#include "stream/write_queue.hpp"

#include "process/limits.hpp"
#include "process/socket_address.hpp"

#include <boost/asio/error.hpp>
#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <vector>

namespace fairlead::stream {
namespace {

using namespace std::chrono_literals;

TEST_F(StreamTest, BytesGoBothWaysOverBothFamilies) {
    for (const Family family : {Family::v4, Family::v6}) {
        connect_pair(family);
        EXPECT_EQ(here_->peer(), acceptor_->local());
        EXPECT_EQ(there_->peer(), here_->local());
        EXPECT_EQ(there_->local(), here_->peer());
        std::optional<ErrorCode> written;
        std::optional<ReadResult> read;
        std::string text;
        loop_.spawn("read", put_read(*there_, 100, read, text)); // waits before there is anything
        turn_for_a_while();
        EXPECT_FALSE(read);
        loop_.spawn("write", put_written(*here_, "hello", written));
        ASSERT_TRUE(turn_until([&] { return read && written; }));
        EXPECT_EQ(text, "hello");
        EXPECT_FALSE(*written);
        loop_.spawn("write", put_written(*there_, "back", written));
        read.reset();
        text.clear();
        loop_.spawn("read", put_read(*here_, 2, read, text));
        ASSERT_TRUE(turn_until([&] { return read.has_value(); }));
        EXPECT_EQ(text, "ba"); // no more than asked for, and the rest is still there
        loop_.spawn("read", put_read(*here_, 20, read, text));
        ASSERT_TRUE(turn_until([&] { return text == "back"; }));
    }
}

asio::awaitable<void> write_three(Stream& stream, std::string big, std::optional<ErrorCode>& result) {
    const std::array<Bytes, 4> pieces{as_bytes("one "), Bytes{}, as_bytes(big), as_bytes(" end")};
    result = co_await stream.write_pieces(pieces);
}

TEST_F(StreamTest, PiecesArriveInOrderHoweverOftenTheBufferIsFull) {
    connect_pair();
    std::string big(5'000'000, 'x'); // more than loopback takes at once
    for (std::size_t i = 0; i < big.size(); i += 1000) {
        big[i] = static_cast<char>('a' + i / 1000 % 26);
    }
    std::optional<ErrorCode> written;
    std::optional<ErrorCode> end;
    std::string text;
    loop_.spawn("write", write_three(*here_, big, written));
    turn_for_a_while();
    EXPECT_FALSE(written); // nobody reads yet
    loop_.spawn("read", put_read_all(*there_, text, end));
    ASSERT_TRUE(turn_until([&] { return written.has_value(); }));
    here_->shutdown();
    ASSERT_TRUE(turn_until([&] { return end.has_value(); }));
    EXPECT_EQ(*end, asio::error::eof);
    EXPECT_TRUE(text == "one " + big + " end");
}

TEST_F(StreamTest, EndThatArrivesTogetherWithDataIsSeenAfterIt) {
    connect_pair();
    std::string text;
    std::optional<ErrorCode> end;
    const std::array<Bytes, 1> last{as_bytes("last words")};
    EXPECT_EQ(here_->try_write(last).n, 10U);
    here_->close();
    turn_for_a_while(); // both are one edge for the reader
    loop_.spawn("read", put_read_all(*there_, text, end));
    ASSERT_TRUE(turn_until([&] { return end.has_value(); }));
    EXPECT_EQ(text, "last words");
    EXPECT_EQ(*end, asio::error::eof);
}

TEST_F(StreamTest, CloseEndsWhoeverWaitsAndStaysClosed) {
    connect_pair();
    std::optional<ReadResult> read;
    std::string text;
    loop_.spawn("read", put_read(*here_, 100, read, text));
    turn_for_a_while();
    here_->close();
    here_->close();
    ASSERT_TRUE(turn_until([&] { return read.has_value(); }));
    EXPECT_EQ(read->ec, asio::error::operation_aborted);
    EXPECT_FALSE(here_->is_open());
    std::array<std::byte, 1> byte{};
    EXPECT_EQ(here_->try_read(byte).ec, asio::error::operation_aborted);
    EXPECT_EQ(here_->try_write(std::array<Bytes, 1>{byte}).ec, asio::error::operation_aborted);
    read.reset();
    loop_.spawn("read", put_read(*here_, 100, read, text));
    ASSERT_TRUE(turn_until([&] { return read.has_value(); }));
}

TEST_F(StreamTest, StreamDestroyedWhileSomebodyWaitsResumesThem) {
    connect_pair();
    std::optional<ReadResult> read;
    std::string text;
    loop_.spawn("read", put_read(*here_, 100, read, text));
    turn_for_a_while();
    here_.reset();
    ASSERT_TRUE(turn_until([&] { return read.has_value(); }));
    EXPECT_EQ(read->ec, asio::error::operation_aborted);
}

TEST_F(StreamTest, ResetReachesThePeerAsReset) {
    connect_pair();
    std::optional<ReadResult> read;
    std::string text;
    loop_.spawn("read", put_read(*there_, 100, read, text));
    turn_for_a_while();
    here_->reset();
    ASSERT_TRUE(turn_until([&] { return read.has_value(); }));
    EXPECT_EQ(read->ec, asio::error::connection_reset);
}

TEST_F(StreamTest, DeadlineClosesTheStreamNeverEarly) {
    connect_pair();
    std::optional<ReadResult> read;
    std::string text;
    const Instant deadline = process::steady_now() + 300ms;
    here_->expires_at(process::steady_now() + 1h);
    here_->expires_at(deadline); // earlier than before
    there_->expires_at(deadline);
    there_->expires_at(deadline + 1h); // later than before
    loop_.spawn("read", put_read(*here_, 100, read, text));
    ASSERT_TRUE(turn_until([&] { return read.has_value(); }));
    EXPECT_EQ(read->ec, asio::error::timed_out);
    EXPECT_GE(process::steady_now(), deadline);
    EXPECT_FALSE(here_->is_open());
    EXPECT_TRUE(there_->is_open());
    EXPECT_EQ(wheel_.size(), 1U);
    there_->expires_at(never);
    EXPECT_EQ(wheel_.size(), 0U);
}

TEST_F(StreamTest, WheelMayDieBeforeTheStreamsItKnows) {
    auto wheel = std::make_unique<DeadlineWheel>(loop_);
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    const process::Descriptor other(ends[1]);
    TcpStream stream(*wheel, process::Descriptor(ends[0]));
    stream.expires_at(soon());
    wheel.reset();
    stream.close();
    EXPECT_FALSE(stream.is_open());
}

TEST_F(StreamTest, PeekLeavesTheBytesAndReleaseHandsTheSocketOn) {
    connect_pair();
    const std::array<Bytes, 1> text{as_bytes("GET /")};
    EXPECT_EQ(here_->try_write(text).n, 5U);
    std::array<std::byte, 3> first{};
    ASSERT_TRUE(turn_until([&] { return there_->try_peek(first).n == 3; }));
    EXPECT_EQ(as_text(first), "GET");
    process::Descriptor socket = there_->release();
    EXPECT_FALSE(there_->is_open());
    ASSERT_TRUE(socket);
    TcpStream adopted(wheel_, std::move(socket));
    EXPECT_EQ(adopted.peer(), here_->local());
    std::optional<ReadResult> read;
    std::string got;
    loop_.spawn("read", put_read(adopted, 100, read, got));
    ASSERT_TRUE(turn_until([&] { return read.has_value(); }));
    EXPECT_EQ(got, "GET /");
}

TEST_F(StreamTest, ConnectSaysWhyNot) {
    listen();
    const net::TransportAddress nobody = acceptor_->local();
    acceptor_->close();
    acceptor_.reset();
    std::optional<Connected> connected;
    loop_.spawn("connect", put_connected(wheel_, nobody, soon(), connected));
    ASSERT_TRUE(turn_until([&] { return connected.has_value(); }));
    EXPECT_EQ(connected->ec, asio::error::connection_refused);
    EXPECT_EQ(connected->stream, nullptr);
}

TEST_F(StreamTest, FastPeerDoesNotKeepTheLoopForItself) {
    connect_pair();
    std::string text;
    std::optional<ErrorCode> end;
    loop_.spawn("read", put_read_all(*there_, text, end));
    const std::string load(1'000'000, 'x');
    std::size_t most_in_a_turn = 0;
    for (int i = 0; i < 200 && text.size() < 3'000'000; ++i) {
        const std::array<Bytes, 1> piece{as_bytes(load)};
        (void)here_->try_write(piece);
        const std::size_t before = text.size();
        loop_.turn({});
        most_in_a_turn = std::max(most_in_a_turn, text.size() - before);
    }
    EXPECT_GE(text.size(), 1'000'000U);
    EXPECT_LE(most_in_a_turn, 33U * 20'000U);
}

asio::awaitable<void> accept_all(Acceptor& acceptor, std::vector<std::unique_ptr<TcpStream>>& into, ErrorCode& end) {
    while (true) {
        Accepted accepted = co_await acceptor.accept();
        if (accepted.ec) {
            end = accepted.ec;
            co_return;
        }
        into.push_back(std::move(accepted.stream));
    }
}

process::Descriptor dial(const net::TransportAddress& to) {
    process::Descriptor socket(::socket(to.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const process::SocketAddress address(to);
    EXPECT_EQ(::connect(socket.get(), address.data(), address.size()), 0);
    return socket;
}

TEST_F(StreamTest, AcceptorTakesManyAndEndsWhenClosed) {
    listen();
    std::vector<std::unique_ptr<TcpStream>> accepted;
    ErrorCode end;
    loop_.spawn("accept", accept_all(*acceptor_, accepted, end));
    std::vector<process::Descriptor> clients;
    for (int i = 0; i < 100; ++i) {
        clients.push_back(dial(acceptor_->local()));
    }
    ASSERT_TRUE(turn_until([&] { return accepted.size() == 100; }));
    EXPECT_EQ(acceptor_->stats().accepted.value(), 100U);
    acceptor_->close();
    ASSERT_TRUE(turn_until([&] { return end == asio::error::operation_aborted; }));
}

TEST_F(StreamTest, OutOfDescriptorsThePeerIsTurnedAwayAndTheLoopRests) {
    listen();
    std::vector<std::unique_ptr<TcpStream>> accepted;
    ErrorCode end;
    loop_.spawn("accept", accept_all(*acceptor_, accepted, end));
    // UBSan looks at a type it has not met before through a pipe of its own, which there must still be descriptors for.
    const process::Descriptor first = dial(acceptor_->local());
    ASSERT_TRUE(turn_until([&] { return accepted.size() == 1; }));
    process::Descriptor client = dial(acceptor_->local());
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    // The lowest free number is the first that is refused.
    const process::Descriptor probe(::dup(2));
    const rlimit tight{static_cast<rlim_t>(probe.get()), before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    const bool turned_away = turn_until([&] { return acceptor_->stats().out_of_descriptors.value() == 1; });
    const std::uint64_t turns = loop_.stats().turns.value();
    loop_.turn(50ms);
    loop_.turn(50ms);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_TRUE(turned_away);
    EXPECT_EQ(loop_.stats().turns.value(), turns + 2);
    EXPECT_EQ(acceptor_->stats().out_of_descriptors.value(), 1U);
    char byte = 0;
    EXPECT_EQ(::recv(client.get(), &byte, 1, 0), -1);
    EXPECT_EQ(errno, ECONNRESET);
    const process::Descriptor again = dial(acceptor_->local());
    ASSERT_TRUE(turn_until([&] { return accepted.size() == 2; }));
    acceptor_->close();
    turn_for_a_while();
}

TEST_F(StreamTest, ListenFailuresAreReported) {
    listen();
    const auto again = Acceptor::listen(wheel_, {.local = acceptor_->local()});
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error(), asio::error::address_in_use);
    const auto not_listening =
        Acceptor::adopt(wheel_, process::Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    ASSERT_FALSE(not_listening);
    EXPECT_EQ(not_listening.error(), asio::error::invalid_argument);
}

TEST_F(StreamTest, IdleStreamIsSmall) {
    constexpr std::size_t count = 1000;
    listen();
    std::vector<std::unique_ptr<TcpStream>> accepted;
    ErrorCode end;
    loop_.spawn("accept", accept_all(*acceptor_, accepted, end));
    std::vector<process::Descriptor> clients;
    clients.reserve(count);
    accepted.reserve(count);
    const std::size_t before = process::resident_bytes();
    for (std::size_t i = 0; i < count; ++i) {
        clients.push_back(dial(acceptor_->local()));
        ASSERT_TRUE(turn_until([&] { return accepted.size() == i + 1; }));
        accepted.back()->expires_at(soon());
    }
    const std::size_t each = (process::resident_bytes() - before) / count;
    RecordProperty("bytes_per_idle_stream", static_cast<int>(each));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_LT(each, 1024U);
#endif
    acceptor_->close();
    turn_for_a_while();
}

// --- WriteQueue ---------------------------------------------------------------------------------------------------

class WriteQueueTest : public StreamTest {
protected:
    void make_queue(const WriteQueue::Limits& limits) {
        connect_pair();
        const int small = 4096;
        ::setsockopt(here_->descriptor(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        queue_ = std::make_unique<WriteQueue>(
            loop_, *here_, limits, [this](WriteFailure why) { failures_.push_back(why); }, [this] { ++drained_; });
    }
    void read_everything() { loop_.spawn("read", put_read_all(*there_, text_, end_)); }

    std::unique_ptr<WriteQueue> queue_;
    std::vector<WriteFailure> failures_;
    int drained_ = 0;
    std::string text_;
    std::optional<ErrorCode> end_;
};

TEST_F(WriteQueueTest, WritesOfATurnLeaveInOneCallAndNothingIsKept) {
    make_queue({});
    EXPECT_TRUE(queue_->push(as_bytes("one ")));
    const std::array<Bytes, 2> pieces{as_bytes("two "), as_bytes("three ")};
    EXPECT_TRUE(queue_->push(pieces));
    const MutableBytes room = queue_->reserve(100);
    ASSERT_EQ(room.size(), 100U);
    std::ranges::copy(as_bytes("four"), room.begin());
    queue_->commit(4);
    EXPECT_EQ(queue_->waiting(), 18U);
    queue_->flush();
    EXPECT_EQ(queue_->waiting(), 0U);
    EXPECT_TRUE(queue_->write(pieces));
    EXPECT_EQ(queue_->waiting(), 0U);
    read_everything();
    ASSERT_TRUE(turn_until([&] { return text_ == "one two three fourtwo three "; }));
}

TEST_F(WriteQueueTest, WhatDoesNotFitFollowsInOrderAndCongestionIsTold) {
    make_queue({.high = 100'000, .low = 10'000, .most = 100'000'000});
    std::string expected;
    int i = 0;
    while (!queue_->congested()) {
        const std::string chunk = std::to_string(i++) + std::string(10'000, 'x');
        const std::array<Bytes, 1> piece{as_bytes(chunk)};
        ASSERT_TRUE(queue_->write(piece));
        expected += chunk;
        ASSERT_LT(i, 100'000);
    }
    queue_->shutdown_when_empty();
    EXPECT_EQ(drained_, 0);
    read_everything();
    ASSERT_TRUE(turn_until([&] { return end_.has_value(); }));
    EXPECT_TRUE(text_ == expected);
    EXPECT_EQ(drained_, 1);
    EXPECT_TRUE(failures_.empty());
}

TEST_F(WriteQueueTest, SlowPeerIsClosedWithItsReason) {
    make_queue({.high = 10'000, .low = 1'000, .most = 50'000});
    const std::string chunk(40'000, 'x');
    int accepted = 0;
    while (queue_->push(as_bytes(chunk))) {
        queue_->flush();
        ASSERT_LT(++accepted, 1000);
    }
    EXPECT_TRUE(failures_.empty()); // told by the loop, not from inside push
    EXPECT_FALSE(here_->is_open());
    ASSERT_TRUE(turn_until([&] { return !failures_.empty(); }));
    EXPECT_THAT(failures_, ::testing::ElementsAre(WriteFailure::slow_peer));
    EXPECT_FALSE(queue_->push(as_bytes("x")));
    EXPECT_EQ(queue_->waiting(), 0U);
}

TEST_F(WriteQueueTest, PeerThatTakesNothingTimesOut) {
    make_queue({.most = 100'000'000, .stall_limit = 30ms});
    const std::string chunk(10'000'000, 'x');
    ASSERT_TRUE(queue_->push(as_bytes(chunk)));
    queue_->flush();
    EXPECT_GT(queue_->waiting(), 0U);
    ASSERT_TRUE(turn_until([&] { return !failures_.empty(); }));
    EXPECT_THAT(failures_, ::testing::ElementsAre(WriteFailure::timed_out));
}

TEST_F(WriteQueueTest, BrokenStreamIsToldOnce) {
    make_queue({});
    there_->reset();
    turn_for_a_while();
    (void)queue_->push(as_bytes("x"));
    queue_->flush();
    (void)queue_->push(as_bytes("x"));
    queue_->flush();
    ASSERT_TRUE(turn_until([&] { return !failures_.empty(); }));
    turn_for_a_while();
    EXPECT_THAT(failures_, ::testing::ElementsAre(WriteFailure::broken));
}

TEST_F(WriteQueueTest, ClosedBeforeItsStreamItTouchesNothing) {
    make_queue({.most = 100'000'000});
    const std::string chunk(10'000'000, 'x');
    ASSERT_TRUE(queue_->push(as_bytes(chunk)));
    queue_->flush();
    queue_.reset();
    here_.reset();
    turn_for_a_while();
    EXPECT_TRUE(failures_.empty());
}

} // namespace
} // namespace fairlead::stream
