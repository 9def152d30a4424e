#include "process/clock.hpp"
#include "process/descriptor.hpp"
#include "process/interfaces.hpp"
#include "process/limits.hpp"
#include "process/random.hpp"
#include "process/systemd.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>

namespace fairlead::process {
namespace {

std::array<std::byte, 16> draw() {
    SystemRandom random;
    std::array<std::byte, 16> bytes{};
    random.fill(bytes);
    return bytes;
}

TEST(SystemRandom, NeverRepeatsAcrossRefillsAndThreads) {
    std::set<std::array<std::byte, 16>> seen;
    for (int i = 0; i < 2000; ++i) { // 32 kB: eight refills
        EXPECT_TRUE(seen.insert(draw()).second);
    }
    std::array<std::byte, 16> other{};
    std::thread([&other] { other = draw(); }).join();
    EXPECT_TRUE(seen.insert(other).second);
}

TEST(SystemRandom, LargeRequestsAreFilledToTheLastByte) {
    SystemRandom random;
    std::array<std::byte, 9000> bytes{};
    random.fill(bytes);
    const auto tail = std::span(bytes).last(64);
    EXPECT_FALSE(std::ranges::all_of(tail, [](std::byte b) { return b == std::byte{0}; }));
}

TEST(SystemRandom, ChildAfterForkDrawsOtherBytesThanItsParent) {
    draw(); // the buffer is full now, and the child inherits it
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const Descriptor in(ends[0]);
    Descriptor out(ends[1]);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const auto bytes = draw();
        const bool written = ::write(out.get(), bytes.data(), bytes.size()) == 16;
        ::_exit(written ? 0 : 1);
    }
    const auto ours = draw();
    std::array<std::byte, 16> theirs{};
    ASSERT_EQ(::read(in.get(), theirs.data(), theirs.size()), 16);
    EXPECT_NE(ours, theirs);
    ::waitpid(child, nullptr, 0);
}

TEST(Clock, SteadyNeverGoesBackAndUnixIsThisCentury) {
    const Instant first = steady_now();
    EXPECT_GE(steady_now(), first);
    EXPECT_GT(unix_now(), unix_time(1'700'000'000));
    EXPECT_NEAR(static_cast<double>(unix_microseconds() / 1'000'000), static_cast<double>(unix_seconds(unix_now())), 2);
}

TEST(Descriptor, ClosesWhatItOwnsExactlyOnce) {
    const std::size_t before = open_descriptors();
    {
        Descriptor a(::dup(2));
        EXPECT_EQ(open_descriptors(), before + 1);
        Descriptor b = std::move(a);
        EXPECT_FALSE(a); // NOLINT(bugprone-use-after-move): what a moved-from one owns is the point
        b.reset(::dup(2));
        EXPECT_EQ(open_descriptors(), before + 1);
        const Descriptor c(b.release());
        EXPECT_FALSE(b);
    }
    EXPECT_EQ(open_descriptors(), before);
}

TEST(Limits, DescriptorLimitIsRaisedToTheHardOneAtLeast) {
    const std::uint64_t now = raise_descriptor_limit(0);
    EXPECT_GE(raise_descriptor_limit(now), now);
    EXPECT_GT(resident_bytes(), 1'000'000U);
}

TEST(Interfaces, LoopbackIsAmongThem) {
    const auto all = interface_addresses();
    const auto loopback = std::ranges::find_if(all, [](const InterfaceAddress& i) {
        return i.loopback && i.address == net::IpAddress::loopback(net::Family::v4);
    });
    ASSERT_NE(loopback, all.end());
    EXPECT_EQ(loopback->prefix_length, 8);
}

class NotifySocket {
public:
    explicit NotifySocket(const std::string& name) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(name, address.sun_path);
        if (name[0] == '@') {
            address.sun_path[0] = '\0';
        }
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), length), 0); // NOLINT: the sockets API
    }
    std::string receive() {
        std::array<char, 256> buffer{};
        const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        return n < 0 ? "(nothing)" : std::string(buffer.data(), static_cast<std::size_t>(n));
    }

private:
    Descriptor fd_;
};

TEST(ServiceManager, SpeaksOverTheAbstractSocketItWasGiven) {
    const std::string name = "@fairlead-notify-" + std::to_string(::getpid());
    NotifySocket manager(name);
    ServiceManager service(name);
    service.ready();
    EXPECT_EQ(manager.receive(), "READY=1");
    service.watchdog();
    EXPECT_EQ(manager.receive(), "WATCHDOG=1");
    service.stopping();
    EXPECT_EQ(manager.receive(), "STOPPING=1");
    service.status("two\nlines");
    EXPECT_EQ(manager.receive(), "STATUS=two lines");
}

TEST(ServiceManager, ReloadingCarriesTheMonotonicTimeInTheSameMessage) {
    const std::string name = "@fairlead-reload-" + std::to_string(::getpid());
    NotifySocket manager(name);
    const auto before = std::chrono::duration_cast<std::chrono::microseconds>(steady_now().time_since_epoch());
    ServiceManager(name).reloading();
    const std::string message = manager.receive();
    const std::string prefix = "RELOADING=1\nMONOTONIC_USEC=";
    ASSERT_TRUE(message.starts_with(prefix)) << message;
    EXPECT_GE(std::stoll(message.substr(prefix.size())), before.count());
}

TEST(ServiceManager, TakesItsVariablesOutOfTheEnvironment) {
    ::setenv("NOTIFY_SOCKET", "/run/nowhere", 1);
    ::setenv("WATCHDOG_USEC", "15000000", 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    const auto service = ServiceManager::from_environment();
    EXPECT_TRUE(service.present());
    EXPECT_EQ(service.watchdog_interval(), std::chrono::microseconds(7'500'000));
    EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
    ::setenv("WATCHDOG_USEC", "15000000", 1);
    ::setenv("WATCHDOG_PID", "1", 1);
    EXPECT_FALSE(ServiceManager::from_environment().watchdog_interval());
    EXPECT_FALSE(ServiceManager::from_environment().present());
}

TEST(ServiceManager, NobodyListeningIsNotAnError) {
    ServiceManager("/nonexistent/notify").ready();
    ServiceManager(std::string(300, '/')).ready();
    ServiceManager("relative").ready();
    ServiceManager().ready();
}

} // namespace
} // namespace fairlead::process
