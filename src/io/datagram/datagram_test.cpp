#include "datagram/engine.hpp"

#include "bytes/bytes.hpp"
#include "loop/timer.hpp"
#include "process/clock.hpp"
#include "process/descriptor.hpp"
#include "process/limits.hpp"
#include "process/random.hpp"
#include "process/socket_address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <netinet/udp.h>
#include <poll.h>
#include <sys/resource.h>

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace fairlead::datagram {
namespace {

using namespace std::chrono_literals;
using net::Family;
using net::IpAddress;
using net::TransportAddress;
using ::testing::ElementsAre;

/// A plain blocking socket, the other side of every test.
class Peer {
public:
    Peer(Family family, IpAddress address)
        : fd_(::socket(family == Family::v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        const process::SocketAddress local(TransportAddress{address, 0});
        EXPECT_EQ(::bind(fd_.get(), local.data(), local.size()), 0);
        const int room = 4 << 20; // for all that a test sends at once
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        address_ = process::local_address(fd_.get()).value_or(TransportAddress{});
    }
    explicit Peer(Family family) : Peer(family, IpAddress::loopback(family)) {}

    [[nodiscard]] const TransportAddress& address() const { return address_; }

    void send(const TransportAddress& to, std::string_view text) const {
        const process::SocketAddress address(to);
        EXPECT_EQ(::sendto(fd_.get(), text.data(), text.size(), 0, address.data(), address.size()),
                  static_cast<ssize_t>(text.size()));
    }
    /// `text` as one train of datagrams of `size`.
    void send_train(const TransportAddress& to, std::string_view text, int size) const {
        ::setsockopt(fd_.get(), SOL_UDP, UDP_SEGMENT, &size, sizeof size);
        send(to, text);
        size = 0;
        ::setsockopt(fd_.get(), SOL_UDP, UDP_SEGMENT, &size, sizeof size);
    }

    struct Datagram {
        std::string text;
        TransportAddress from;
    };
    /// What has arrived within a second; nothing otherwise.
    [[nodiscard]] std::optional<Datagram> receive(std::chrono::milliseconds patience = 1000ms) const {
        pollfd ready{fd_.get(), POLLIN, 0};
        if (::poll(&ready, 1, static_cast<int>(patience.count())) != 1) {
            return std::nullopt;
        }
        std::string buffer(70'000, '\0');
        process::SocketAddress from;
        const ssize_t n = ::recvfrom(fd_.get(), buffer.data(), buffer.size(), 0, from.data(), from.size_pointer());
        if (n < 0) {
            return std::nullopt;
        }
        buffer.resize(static_cast<std::size_t>(n));
        return Datagram{std::move(buffer), from.get().value_or(TransportAddress{})};
    }
    void close() { fd_.reset(); }

private:
    process::Descriptor fd_;
    TransportAddress address_;
};

/// Records what the engine tells, and calls what a test hangs in.
class Recorder final : public Receiver {
public:
    struct Buffer {
        TransportAddress from;
        TransportAddress to;
        std::string text;
        std::size_t segment_size;
        int tos;
        int ttl;
    };
    void on_batch(SocketId socket, std::uint64_t tag, std::span<Received> batch) override {
        ++batches;
        last_tag = tag;
        for (const Received& r : batch) {
            datagrams += r.segments();
            if (keep) {
                buffers.push_back({r.from, r.to, std::string(as_text(r.bytes)), r.segment_size, r.tos, r.ttl});
            }
        }
        if (batch_hook) {
            batch_hook(socket, batch);
        }
    }
    void on_icmp_error(SocketId /*socket*/, std::uint64_t /*tag*/, const IcmpError& error) override {
        errors.push_back(error);
        originals.emplace_back(as_text(error.original));
    }
    void on_turn_end() override {
        ++turn_ends;
        if (turn_end_hook) {
            turn_end_hook();
        }
    }

    std::function<void(SocketId, std::span<Received>)> batch_hook;
    std::function<void()> turn_end_hook;
    bool keep = true;
    int batches = 0;
    int turn_ends = 0;
    std::size_t datagrams = 0;
    std::uint64_t last_tag = 0;
    std::vector<Buffer> buffers;
    std::vector<IcmpError> errors;
    std::vector<std::string> originals;
};

class Datagrams : public ::testing::TestWithParam<Family> {
protected:
    [[nodiscard]] Family family() const { return GetParam(); }
    [[nodiscard]] IpAddress here() const { return IpAddress::loopback(family()); }

    /// On the loopback address, unless the options name another.
    SocketId open(OpenOptions options) {
        if (options.local == TransportAddress{}) {
            options.local = {here(), 0};
        }
        return open_at(options);
    }
    SocketId open_at(OpenOptions options) {
        options.receiver = &recorder_;
        const auto id = engine_.open(options);
        EXPECT_TRUE(id.has_value());
        return id.value_or(SocketId{});
    }
    SocketId open() { return open(OpenOptions{}); }
    [[nodiscard]] TransportAddress address_of(SocketId id) const { return engine_.local(id).value(); }

    /// Turns the loop until `done`; false after five seconds.
    bool turn_until(const std::function<bool()>& done) {
        const Instant limit = process::steady_now() + 5s;
        while (!done()) {
            if (process::steady_now() > limit) {
                return false;
            }
            loop_.turn(10ms);
        }
        return true;
    }

    loop::Loop loop_{"test"};
    Engine engine_{loop_};
    Recorder recorder_;
};

INSTANTIATE_TEST_SUITE_P(Families, Datagrams, ::testing::Values(Family::v4, Family::v6),
                         [](const auto& suite) { return suite.param == Family::v4 ? "v4" : "v6"; });

TEST_P(Datagrams, AnswerLeavesInTheSameTurnFromTheSocketThatWasAsked) {
    const SocketId socket = open({.local = {here(), 0}, .tag = 77});
    recorder_.batch_hook = [&](SocketId via, std::span<Received> batch) {
        for (const Received& r : batch) {
            engine_.queue(via, r.from, as_bytes("re: "), r.bytes);
        }
    };
    const Peer peer(family());
    peer.send(address_of(socket), "hello");
    ASSERT_TRUE(turn_until([&] { return recorder_.batches == 1; }));
    EXPECT_EQ(recorder_.last_tag, 77U);
    EXPECT_EQ(recorder_.turn_ends, 1);
    EXPECT_EQ(recorder_.buffers[0].from, peer.address());
    EXPECT_EQ(recorder_.buffers[0].to, address_of(socket));
    const auto answer = peer.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->text, "re: hello");
    EXPECT_EQ(answer->from, address_of(socket));
    EXPECT_FALSE(engine_.has_queued());
}

TEST_P(Datagrams, EmptyAndLargestDatagramsPassWhole) {
    const SocketId socket = open();
    recorder_.batch_hook = [&](SocketId via, std::span<Received> batch) {
        for (const Received& r : batch) {
            engine_.queue(via, r.from, {}, r.bytes);
        }
    };
    const Peer peer(family());
    const std::string largest(Engine::max_datagram, 'L');
    peer.send(address_of(socket), "");
    peer.send(address_of(socket), largest);
    peer.send(address_of(socket), "");
    ASSERT_TRUE(turn_until([&] { return recorder_.datagrams == 3; }));
    EXPECT_EQ(peer.receive().value().text, "");
    EXPECT_EQ(peer.receive().value().text, largest);
    EXPECT_EQ(peer.receive().value().text, "");
}

std::string numbered(int n, std::size_t size) {
    std::string text = std::to_string(n) + ":";
    text.resize(size, static_cast<char>('a' + n % 26));
    return text;
}

TEST_P(Datagrams, TrainInIsOneBufferAndLeavesAsTrainWithHeadersChanged) {
    const SocketId inlet = open();
    const SocketId outlet = open();
    const Peer sender(family());
    const Peer receiver(family());
    std::string train;
    std::vector<std::string> expected;
    for (int i = 0; i < 17; ++i) {
        const std::string datagram = numbered(i, i == 16 ? 60 : 200); // the last is shorter
        train += datagram;
        expected.push_back("HEAD" + datagram.substr(4));
    }
    recorder_.batch_hook = [&](SocketId /*via*/, std::span<Received> batch) {
        for (const Received& r : batch) {
            for (std::size_t i = 0; i < r.segments(); ++i) {
                engine_.queue(outlet, receiver.address(), as_bytes("HEAD"), r.segment(i).subspan(4));
            }
        }
    };
    sender.send_train(address_of(inlet), train, 200);
    ASSERT_TRUE(turn_until([&] { return recorder_.datagrams == 17; }));
    EXPECT_EQ(recorder_.buffers.size(), 1U);
    EXPECT_EQ(recorder_.buffers[0].segment_size, 200U);
    std::vector<std::string> got;
    for (int i = 0; i < 17; ++i) {
        const auto datagram = receiver.receive();
        ASSERT_TRUE(datagram) << i;
        EXPECT_EQ(datagram->from, address_of(outlet));
        got.push_back(datagram->text);
    }
    EXPECT_EQ(got, expected);
    EXPECT_EQ(engine_.stats().trains_received.value(), 1U);
    EXPECT_EQ(engine_.stats().trains_sent.value(), 1U);
    EXPECT_EQ(engine_.stats().send_calls.value(), 1U);
    EXPECT_EQ(engine_.stats().datagrams_sent.value(), 17U);
}

TEST_P(Datagrams, WithoutTrainsEachDatagramIsABufferOfItsOwn) {
    const SocketId inlet = open({.trains = false});
    const Peer sender(family());
    sender.send_train(address_of(inlet), std::string(1000, 'x'), 100);
    ASSERT_TRUE(turn_until([&] { return recorder_.datagrams == 10; }));
    EXPECT_EQ(recorder_.buffers.size(), 10U);
    EXPECT_FALSE(recorder_.buffers[0].segment_size != 100U);
}

TEST_P(Datagrams, OrderWithinEachFlowSurvivesGrouping) {
    const SocketId socket = open();
    std::vector<Peer> peers;
    for (int i = 0; i < 5; ++i) {
        peers.emplace_back(family());
    }
    std::vector<std::string> bodies;
    bodies.reserve(1500);
    std::map<std::size_t, std::vector<std::string>> expected;
    process::SystemRandom random;
    for (int i = 0; i < 1500; ++i) { // more than the queue holds at once
        // Sizes go up and down, so runs begin and end all the time.
        bodies.push_back(numbered(i, 10 + random.below(4)));
        const std::size_t to = random.below(peers.size());
        expected[to].push_back(bodies.back());
        engine_.queue(socket, peers[to].address(), {}, as_bytes(bodies.back()));
    }
    engine_.flush();
    for (std::size_t to = 0; to < peers.size(); ++to) {
        for (const std::string& text : expected[to]) {
            const auto datagram = peers[to].receive();
            ASSERT_TRUE(datagram);
            ASSERT_EQ(datagram->text, text);
        }
        EXPECT_FALSE(peers[to].receive(0ms));
    }
    EXPECT_GT(engine_.stats().trains_sent.value(), 100U);
    EXPECT_LT(engine_.stats().send_calls.value(), 10U);
}

TEST_P(Datagrams, RunsAreSplitAtSixtyFourSegmentsAndAtTheLargestDatagram) {
    const SocketId socket = open();
    const Peer receiver(family());
    std::vector<std::string> bodies;
    for (int i = 0; i < 130; ++i) {
        bodies.push_back(numbered(i, 100));
    }
    for (int i = 130; i < 230; ++i) {
        bodies.push_back(numbered(i, 1200));
    }
    for (const std::string& body : bodies) {
        engine_.queue(socket, receiver.address(), {}, as_bytes(body));
    }
    engine_.flush();
    for (const std::string& body : bodies) {
        const auto datagram = receiver.receive();
        ASSERT_TRUE(datagram);
        ASSERT_EQ(datagram->text, body);
    }
    // 64 + 64 + 2 of 100 bytes; 54 (64,800 bytes) + 46 of 1200.
    EXPECT_EQ(engine_.stats().trains_sent.value(), 5U);
    EXPECT_EQ(engine_.stats().send_calls.value(), 1U);
}

TEST_P(Datagrams, MessageWrittenInPlaceIsSentAsCommitted) {
    const SocketId socket = open();
    const Peer receiver(family());
    for (int i = 0; i < 3000; ++i) { // the arena and the queue run full on the way
        const MutableBytes room = engine_.reserve(200);
        ASSERT_EQ(room.size(), 200U);
        const std::string text = numbered(i, 150);
        std::ranges::copy(as_bytes(text), room.begin());
        engine_.commit(socket, receiver.address(), text.size());
        if (i % 50 == 49) {
            engine_.flush();
            for (int j = i - 49; j <= i; ++j) {
                ASSERT_EQ(receiver.receive().value().text, numbered(j, 150));
            }
        }
    }
    const MutableBytes large = engine_.reserve(1U << 20U);
    EXPECT_EQ(large.size(), Engine::max_datagram);
}

TEST_P(Datagrams, FullQueueOfMessagesInPlaceKeepsEveryByte) {
    const SocketId socket = open();
    const Peer receiver(family());
    for (int i = 0; i < 1100; ++i) {
        const MutableBytes room = engine_.reserve(64);
        const std::string text = numbered(i, 20);
        std::ranges::copy(as_bytes(text), room.begin());
        engine_.commit(socket, receiver.address(), text.size());
        engine_.queue(socket, receiver.address(), as_bytes("12345678901234567890"), {});
    }
    engine_.flush();
    for (int i = 0; i < 1100; ++i) {
        const auto first = receiver.receive();
        ASSERT_TRUE(first) << i;
        ASSERT_EQ(first->text, numbered(i, 20));
        ASSERT_EQ(receiver.receive().value().text, "12345678901234567890");
    }
}

TEST_P(Datagrams, OneBadDestinationDoesNotHurtTheOthers) {
    const SocketId socket = open();
    const Peer a(family());
    const Peer b(family());
    const TransportAddress no_port{here(), 0};
    const TransportAddress other_family{IpAddress::loopback(family() == Family::v4 ? Family::v6 : Family::v4), 9};
    const std::string huge(Engine::max_datagram + 1, 'x');
    engine_.queue(socket, a.address(), {}, as_bytes("a1"));
    engine_.queue(socket, no_port, {}, as_bytes("lost"));
    engine_.queue(socket, other_family, {}, as_bytes("lost"));
    engine_.queue(socket, b.address(), {}, as_bytes("b1"));
    engine_.queue(socket, no_port, {}, as_bytes("same"));
    engine_.queue(socket, no_port, {}, as_bytes("size"));
    engine_.queue(socket, a.address(), {}, as_bytes(huge));
    engine_.queue(SocketId{socket.index, socket.generation + 1}, a.address(), {}, as_bytes("stale"));
    engine_.queue(socket, a.address(), {}, as_bytes("longer a2"));
    engine_.flush();
    EXPECT_EQ(a.receive().value().text, "a1");
    EXPECT_EQ(a.receive().value().text, "longer a2");
    EXPECT_EQ(b.receive().value().text, "b1");
    EXPECT_EQ(engine_.stats().drops(SendDrop::bad_destination), 4U);
    EXPECT_EQ(engine_.stats().drops(SendDrop::too_large), 1U);
    EXPECT_EQ(engine_.stats().drops(SendDrop::socket_gone), 1U);
    EXPECT_EQ(engine_.stats().datagrams_sent.value(), 3U);
}

TEST_P(Datagrams, TrainThatTheKernelRefusesIsSentOneByOneAndRemembered) {
    const SocketId socket = open();
    const Peer receiver(family());
    // The kernel segments only what it checksums (EIO), so a socket that does not checksum refuses every train.
    const int on = 1;
    const bool v6 = family() == Family::v6;
    if (v6) {
        ASSERT_EQ(::setsockopt(engine_.descriptor(socket), SOL_UDP, UDP_NO_CHECK6_TX, &on, sizeof on), 0);
    } else {
        ASSERT_EQ(::setsockopt(engine_.descriptor(socket), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
    }
    const auto queue_three = [&] {
        for (const char* text : {"one", "two", "six"}) {
            engine_.queue(socket, receiver.address(), as_bytes("#"), as_bytes(text), {.tos = 8});
        }
        engine_.flush();
    };
    queue_three();
    EXPECT_EQ(engine_.stats().train_refusals.value(), 1U);
    queue_three();
    EXPECT_EQ(engine_.stats().train_refusals.value(), 1U); // not tried again
    if (!v6) { // a zero checksum over IPv6 is dropped by the receiver, which is not what is tested here
        for (const char* text : {"#one", "#two", "#six", "#one", "#two", "#six"}) {
            EXPECT_EQ(receiver.receive().value().text, text);
        }
    }
    EXPECT_EQ(engine_.stats().datagrams_sent.value(), 6U);
}

TEST_P(Datagrams, PortUnreachableArrivesAsEventAndLaterDatagramsStillLeave) {
    const SocketId socket = open({.icmp_errors = true});
    Peer gone(family());
    const TransportAddress nobody = gone.address();
    gone.close();
    const Peer somebody(family());
    engine_.queue(socket, nobody, {}, as_bytes("is anybody there"));
    engine_.flush();
    // The kernel now has an error pending on the socket; the next send would be told about it.
    engine_.queue(socket, somebody.address(), {}, as_bytes("yes"));
    engine_.flush();
    EXPECT_EQ(somebody.receive().value().text, "yes");
    ASSERT_TRUE(turn_until([&] { return !recorder_.errors.empty(); }));
    const IcmpError& error = recorder_.errors[0];
    EXPECT_EQ(error.peer, nobody);
    EXPECT_EQ(error.reporter, here());
    EXPECT_EQ(error.type, family() == Family::v4 ? 3 : 1);
    EXPECT_EQ(error.code, family() == Family::v4 ? 3 : 4);
    EXPECT_EQ(recorder_.originals[0], "is anybody there");
    EXPECT_EQ(engine_.stats().drops(SendDrop::refused), 0U);
    somebody.send(address_of(socket), "still listening");
    ASSERT_TRUE(turn_until([&] { return recorder_.datagrams == 1; }));
}

TEST_P(Datagrams, TosAndTtlAreSeenAndSet) {
    const SocketId inlet = open({.tos_and_ttl = true});
    const SocketId outlet = open();
    engine_.queue(outlet, address_of(inlet), {}, as_bytes("a"), {.tos = 0xB8, .ttl = 33});
    engine_.queue(outlet, address_of(inlet), {}, as_bytes("b"), {.tos = 0x02});
    engine_.queue(outlet, address_of(inlet), {}, as_bytes("c"));
    engine_.queue(outlet, address_of(inlet), {}, as_bytes("d"), {.dont_fragment = true});
    engine_.flush();
    ASSERT_TRUE(turn_until([&] { return recorder_.datagrams == 4; }));
    std::vector<std::pair<int, int>> seen;
    for (const auto& buffer : recorder_.buffers) {
        seen.emplace_back(buffer.tos, buffer.ttl);
    }
    EXPECT_THAT(seen, ElementsAre(std::pair(0xB8, 33), std::pair(0x02, 64), std::pair(0, 64), std::pair(0, 64)));
}

TEST_P(Datagrams, WildcardSocketSaysWhereDatagramsCameToAndAnswersFromThere) {
    const SocketId socket = open_at({.local = {IpAddress::any(family()), 0}});
    recorder_.batch_hook = [&](SocketId via, std::span<Received> batch) {
        for (const Received& r : batch) {
            for (std::size_t i = 0; i < r.segments(); ++i) {
                engine_.queue(via, r.from, {}, r.segment(i), {.from = r.to.address});
            }
        }
    };
    const IpAddress second = family() == Family::v4 ? IpAddress::v4(127, 0, 0, 2) : here();
    const TransportAddress target{second, address_of(socket).port};
    const Peer peer(family());
    peer.send(target, "who is it");
    peer.send_train(target, "aabbcc", 2);
    ASSERT_TRUE(turn_until([&] { return recorder_.datagrams == 4; }));
    EXPECT_EQ(recorder_.buffers[0].to, target);
    for (const char* text : {"who is it", "aa", "bb", "cc"}) {
        const auto answer = peer.receive();
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->text, text);
        EXPECT_EQ(answer->from, target);
    }
}

TEST_P(Datagrams, HeadroomAndTailroomAroundEverySlotAreWritable) {
    const SocketId socket = open({.trains = false});
    const Peer peer(family());
    const std::string largest(Engine::max_datagram, 'L');
    peer.send(address_of(socket), largest);
    peer.send(address_of(socket), "small");
    recorder_.batch_hook = [&](SocketId /*via*/, std::span<Received> batch) {
        for (const Received& r : batch) {
            std::fill_n(r.in_front(Received::headroom), Received::headroom, std::byte{1});
            std::fill_n(r.bytes.data() + r.bytes.size(), Received::tailroom, std::byte{2});
        }
        for (const Received& r : batch) {
            EXPECT_TRUE(as_text(r.bytes) == largest || as_text(r.bytes) == "small");
        }
    };
    ASSERT_TRUE(turn_until([&] { return recorder_.datagrams == 2; }));
}

TEST_P(Datagrams, SocketClosedByAHandlerIsNotHeardOfAgainInThatTurn) {
    const SocketId first = open();
    const SocketId second = open();
    const Peer peer(family());
    peer.send(address_of(first), "x");
    peer.send(address_of(second), "x");
    recorder_.batch_hook = [&](SocketId via, std::span<Received> batch) {
        engine_.queue(via, batch[0].from, {}, as_bytes("bye"));
        engine_.close(first);
        engine_.close(second);
        engine_.close(second);
    };
    ASSERT_TRUE(turn_until([&] { return recorder_.batches == 1; }));
    EXPECT_EQ(peer.receive().value().text, "bye"); // what was queued leaves before the socket closes
    loop_.turn(0s);
    EXPECT_EQ(recorder_.batches, 1);
    EXPECT_FALSE(engine_.is_open(first));
    EXPECT_EQ(engine_.stats().open(), 0U);
    const SocketId third = open();
    EXPECT_TRUE(third.index == first.index || third.index == second.index);
    EXPECT_FALSE(engine_.is_open(first));
    EXPECT_FALSE(engine_.local(second));
    EXPECT_TRUE(engine_.is_open(third));
}

TEST_P(Datagrams, HandlerThatThrowsDoesNotEndTheEngine) {
    const SocketId socket = open();
    const Peer peer(family());
    peer.send(address_of(socket), "bad");
    recorder_.batch_hook = [&](SocketId, std::span<Received>) { throw std::runtime_error("expected by the test"); };
    ASSERT_TRUE(turn_until([&] { return loop_.stats().handler_exceptions.value() == 1; }));
    recorder_.batch_hook = {};
    peer.send(address_of(socket), "good");
    ASSERT_TRUE(turn_until([&] { return recorder_.datagrams == 2; }));
    EXPECT_EQ(recorder_.buffers.back().text, "good");
}

TEST_P(Datagrams, FloodIsReadInBoundedTurnsAndOtherHandlersGetTheirs) {
    const SocketId socket = open({.trains = false, .receive_buffer = 4 << 20});
    const Peer peer(family());
    for (int i = 0; i < 300; ++i) {
        peer.send(address_of(socket), "flood");
    }
    std::size_t when_posted_ran = 0;
    loop_.post([&] { when_posted_ran = recorder_.datagrams; });
    std::size_t most_in_a_turn = 0;
    std::size_t before = 0;
    recorder_.turn_end_hook = [&] {
        most_in_a_turn = std::max(most_in_a_turn, recorder_.datagrams - before);
        before = recorder_.datagrams;
    };
    ASSERT_TRUE(turn_until([&] { return recorder_.datagrams == 300; }));
    EXPECT_LE(most_in_a_turn, 64U);
    EXPECT_LT(when_posted_ran, 300U);
}

TEST_P(Datagrams, ReceiveSlotsOfOneTurnServeManySockets) {
    std::vector<SocketId> sockets;
    for (int i = 0; i < 100; ++i) { // more than there are slots
        sockets.push_back(open({.trains = false}));
    }
    recorder_.batch_hook = [&](SocketId via, std::span<Received> batch) {
        for (const Received& r : batch) {
            engine_.queue(via, r.from, {}, r.bytes);
        }
    };
    const Peer peer(family());
    for (int i = 0; i < 100; ++i) {
        for (int j = 0; j < 3; ++j) {
            peer.send(address_of(sockets[static_cast<std::size_t>(i)]), std::to_string(i) + "." + std::to_string(j));
        }
    }
    ASSERT_TRUE(turn_until([&] { return recorder_.datagrams == 300; }));
    std::map<TransportAddress, int> next;
    for (int i = 0; i < 300; ++i) {
        const auto answer = peer.receive();
        ASSERT_TRUE(answer);
        const auto dot = answer->text.find('.');
        EXPECT_EQ(answer->from, address_of(sockets[static_cast<std::size_t>(std::stoi(answer->text))]));
        EXPECT_EQ(std::stoi(answer->text.substr(dot + 1)), next[answer->from]++);
    }
}

TEST_P(Datagrams, BindFailuresHaveNames) {
    const SocketId taken = open();
    const auto again = engine_.open({.local = address_of(taken), .receiver = &recorder_});
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error(), OpenError::address_in_use);
    const auto alien = engine_.open(
        {.local = {family() == Family::v4 ? IpAddress::v4(192, 0, 2, 1) : IpAddress::parse("2001:db8::1").value(), 0},
         .receiver = &recorder_});
    ASSERT_FALSE(alien);
    EXPECT_EQ(alien.error(), OpenError::address_not_available);
    EXPECT_EQ(engine_.stats().open_failures.value(), 2U);
    EXPECT_EQ(engine_.stats().open(), 1U);
}

TEST_P(Datagrams, ReusePortSocketsShareAnAddressAndOpenAnyTakesTheFirstFreePort) {
    const SocketId first = open({.reuse_port = true});
    EXPECT_TRUE(engine_.open({.local = address_of(first), .receiver = &recorder_, .reuse_port = true}));
    const SocketId taken = open();
    const SocketId free = open();
    const std::uint16_t free_port = address_of(free).port;
    engine_.close(free);
    const std::array<std::uint16_t, 2> ports{address_of(taken).port, free_port};
    const auto any = engine_.open_any({.local = {here(), 0}, .receiver = &recorder_}, ports);
    ASSERT_TRUE(any);
    EXPECT_EQ(address_of(*any).port, free_port);
    const auto none_left = engine_.open_any({.local = {here(), 0}, .receiver = &recorder_}, ports);
    ASSERT_FALSE(none_left);
    EXPECT_EQ(none_left.error(), OpenError::address_in_use);
}

TEST_P(Datagrams, RandomPortsFillTheirRangeToTheLastOne) {
    process::SystemRandom random;
    std::set<std::uint16_t> ports;
    std::optional<OpenError> why;
    for (int i = 0; i < 41 && !why; ++i) {
        const auto id = engine_.open_random({.local = {here(), 0}, .receiver = &recorder_}, 61'000, 61'039, random);
        if (id) {
            ports.insert(address_of(*id).port);
        } else {
            why = id.error();
        }
    }
    EXPECT_EQ(why, OpenError::address_in_use);
    EXPECT_GE(ports.size(), 38U); // somebody else on this machine may hold one
    EXPECT_GE(*ports.begin(), 61'000);
    EXPECT_LE(*ports.rbegin(), 61'039);
}

TEST_P(Datagrams, TenThousandSocketsComeAndGoWithoutATrace) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < 11'000) {
        GTEST_SKIP() << "the hard limit of descriptors is " << limit.rlim_max;
    }
    process::raise_descriptor_limit(0);
    const std::size_t descriptors = process::open_descriptors();
    std::vector<SocketId> sockets;
    sockets.reserve(10'000);
    [[maybe_unused]] const std::size_t before = process::resident_bytes();
    for (int i = 0; i < 10'000; ++i) {
        sockets.push_back(open());
    }
    [[maybe_unused]] const std::size_t full = process::resident_bytes();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_LT(full - before, 10'000U * 200U); // the table doubles as it grows
#endif
    for (const SocketId id : sockets) {
        engine_.close(id);
    }
    EXPECT_EQ(process::open_descriptors(), descriptors);
    for (int round = 0; round < 3; ++round) {
        for (SocketId& id : sockets) {
            id = open();
        }
        for (const SocketId id : sockets) {
            engine_.close(id);
        }
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // they keep what is freed for a while
    EXPECT_LT(process::resident_bytes(), full + (1U << 20U));
#endif
    EXPECT_EQ(engine_.stats().open(), 0U);
    EXPECT_EQ(engine_.stats().sockets_opened.value(), 40'000U);
}

TEST(DatagramEngine, DestroyedWithAWaitPendingItIsNotCalledAgain) {
    loop::Loop loop("test");
    Recorder recorder;
    const Peer peer(Family::v4);
    {
        Engine engine(loop);
        const auto id = engine.open({.local = {IpAddress::loopback(Family::v4), 0}, .receiver = &recorder});
        ASSERT_TRUE(id);
        peer.send(engine.local(*id).value(), "late");
    }
    loop.turn(1ms);
    EXPECT_EQ(recorder.batches, 0);
}

} // namespace
} // namespace fairlead::datagram
