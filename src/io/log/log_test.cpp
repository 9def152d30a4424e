#include "log/fold.hpp"
#include "log/line.hpp"
#include "log/log.hpp"

#include "process/clock.hpp"
#include "process/descriptor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

namespace fairlead::log {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t when = 1'767'323'045'678'901; // 2026-01-02T03:04:05.678901Z

std::string json(std::string_view message, Fields fields) {
    std::string out;
    append_line(out, {.json = true}, when, Level::warn, "turn", message, fields);
    return out;
}
std::string text(std::string_view message, Fields fields) {
    std::string out;
    append_line(out, {}, when, Level::info, "turn", message, fields);
    return out;
}

TEST(Line, JsonHasTimeLevelTopicEventAndFields) {
    EXPECT_EQ(json("allocation created", {{"client", "192.0.2.1:5"}, {"lifetime", 600}, {"tls", true}, {"load", 0.5}}),
              R"({"ts":"2026-01-02T03:04:05.678Z","level":"warn","topic":"turn","event":"allocation created",)"
              R"("client":"192.0.2.1:5","lifetime":600,"tls":true,"load":0.5})"
              "\n");
}

TEST(Line, TextIsForReadingAndQuotesWhatWouldConfuse) {
    EXPECT_EQ(text("refused", {{"user", "a b"}, {"n", -1}, {"quote", "x\"y"}, {"empty", ""}}),
              "2026-01-02T03:04:05.678Z INFO  turn: refused user=\"a b\" n=-1 quote=\"x\\\"y\" empty=\"\"\n");
}

TEST(Line, ColourSurroundsOnlyTheLevel) {
    std::string out;
    append_line(out, {.json = false, .colour = true}, when, Level::error, "turn", "bad", {});
    EXPECT_THAT(out, HasSubstr("\x1b[31mERROR\x1b[0m turn: bad"));
}

TEST(Line, ControlCharactersAndTerminalSequencesAreEscaped) {
    const std::string_view hostile("a\r\nb\x1b[2Jc\0d\x7f", 12);
    EXPECT_THAT(text(hostile, {}), EndsWith("turn: a\\r\\nb\\x1b[2Jc\\x00d\\x7f\n"));
    EXPECT_THAT(json(hostile, {}), HasSubstr(R"("a\r\nb\u001b[2Jc\u0000d\u007f")"));
    EXPECT_THAT(json("\xC2\x9B"
                     "31m",
                     {}),
                HasSubstr(R"("\u009b31m")"));                                   // CSI as one C1 character
    EXPECT_THAT(text("\xE2\x80\xAE", {}), EndsWith("turn: \\xe2\\x80\\xae\n")); // right-to-left override
}

TEST(Line, BytesThatAreNotUtf8DoNotBreakTheJson) {
    EXPECT_THAT(json("\xff\xc0\xaf\xed\xa0\x80ok", {}), HasSubstr("\xEF\xBF\xBD"));
    EXPECT_THAT(json("\xff", {}), Not(HasSubstr("\xff")));
    EXPECT_THAT(json("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80", {}), HasSubstr("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"));
}

TEST(Line, IsCutAndStaysOneValidObject) {
    const std::string huge(100'000, 'x');
    const std::string line = json("big", {{"data", huge}, {"after", huge}});
    EXPECT_LT(line.size(), longest_line + 100);
    EXPECT_THAT(line, EndsWith("...\"}\n"));
}

TEST(Fold, IdenticalLineIsCountedAndSummedUpWhenTheWindowEnds) {
    Fold fold(0);
    const Instant start{};
    EXPECT_TRUE(fold.judge(start, "t", "e", "e", "same").pass);
    for (int i = 0; i < 10; ++i) {
        EXPECT_FALSE(fold.judge(start + 1s, "t", "e", "e", "same").pass);
    }
    EXPECT_TRUE(fold.judge(start + 1s, "t", "e", "e", "other").pass);
    const auto later = fold.judge(start + 6s, "t", "e", "e", "same");
    EXPECT_TRUE(later.pass);
    EXPECT_EQ(later.summary, 10U);
    EXPECT_EQ(later.summary_event, "e");
}

TEST(Fold, EventHasAShareOfEachSecond) {
    Fold fold(3);
    const Instant start{};
    int passed = 0;
    for (int i = 0; i < 100; ++i) {
        passed += fold.judge(start, "t", "bad request from {}", "m", std::to_string(i)).pass ? 1 : 0;
    }
    EXPECT_EQ(passed, 3);
    EXPECT_TRUE(fold.judge(start + 1s, "t", "bad request from {}", "m", "new second").pass);
}

TEST(Fold, WhatWasSwallowedIsReportedOnceWhenNothingFollows) {
    Fold fold(0);
    const Instant start{};
    (void)fold.judge(start, "t", "e", "message", "line");
    (void)fold.judge(start, "t", "e", "message", "line");
    std::vector<std::string> reports;
    const auto report = [&](std::string_view topic, std::string_view event, std::uint64_t n) {
        reports.push_back(fmt::format("{} {} {}", topic, event, n));
    };
    fold.expire(start + 1s, false, report);
    EXPECT_TRUE(reports.empty());
    fold.expire(start + 5s, false, report);
    fold.expire(start + 9s, true, report);
    EXPECT_EQ(reports, (std::vector<std::string>{"t message 1"}));
}

/// A pipe as the log's destination.
class Log : public ::testing::Test {
protected:
    Log() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        in_.reset(ends[0]);
        out_.reset(ends[1]);
    }
    ~Log() override {
        stop();
        redirect(2);
        set_level(Level::info);
    }
    void begin(std::size_t queue_bytes = 1U << 20U, std::uint32_t share = 0) {
        start({.descriptor = out_.get(),
               .format = Format::json,
               .lines_per_event_and_second = share,
               .queue_bytes = queue_bytes});
    }
    std::string finish() {
        stop();
        redirect(2);
        out_.reset();
        std::string all;
        std::array<char, 4096> buffer{};
        ssize_t n = 0;
        while ((n = ::read(in_.get(), buffer.data(), buffer.size())) > 0) {
            all.append(buffer.data(), static_cast<std::size_t>(n));
        }
        return all;
    }
    process::Descriptor in_;
    process::Descriptor out_;
};

TEST_F(Log, FormatsAndStructuredFieldsReachTheDestinationInOrder) {
    begin();
    info("turn", "listening on {}:{}", "192.0.2.1", 3478);
    warn("turn", "allocation refused", {{"reason", "quota"}});
    debug("turn", "not shown {}", 1);
    const std::string all = finish();
    EXPECT_THAT(all, HasSubstr(R"("event":"listening on 192.0.2.1:3478"})"));
    EXPECT_THAT(all, HasSubstr(R"("level":"warn","topic":"turn","event":"allocation refused","reason":"quota"})"));
    EXPECT_LT(all.find("listening"), all.find("refused"));
    EXPECT_THAT(all, Not(HasSubstr("not shown")));
}

TEST_F(Log, TopicMayHaveALevelOfItsOwn) {
    begin();
    set_level("sfu", Level::debug);
    set_level("quiet", Level::error);
    debug("sfu", "seen");
    warn("quiet", "unseen");
    debug("turn", "unseen");
    EXPECT_THAT(finish(), AllOf(HasSubstr("\"seen\""), Not(HasSubstr("unseen"))));
    set_level("sfu", Level::info);
    set_level("quiet", Level::info);
}

TEST_F(Log, MillionIdenticalErrorsBecomeTwoLines) {
    begin();
    for (int i = 0; i < 100'000; ++i) {
        error("turn", "the disk is full");
    }
    const std::string all = finish();
    EXPECT_EQ(std::ranges::count(all, '\n'), 2);
    EXPECT_THAT(all, HasSubstr("\"repeated\":99999"));
}

TEST_F(Log, StuckDestinationNeverHoldsTheCaller) {
    begin(100'000);
    const std::uint64_t before = lines_dropped();
    const Instant begun = process::steady_now();
    for (int i = 0; i < 10'000; ++i) { // a pipe takes 64 kB, the queue 100 kB, this is more than 700 kB
        info("turn", "line number {}", i);
    }
    EXPECT_LT(process::steady_now() - begun, 5s);
    EXPECT_GT(lines_dropped(), before);
    in_.reset(); // nobody reads: stop() must come back as well
    ::signal(SIGPIPE, SIG_IGN);
    stop();
}

TEST_F(Log, LinesFromManyThreadsAreWhole) {
    begin();
    std::string all;
    std::thread reader([&] {
        std::array<char, 4096> buffer{};
        ssize_t n = 0;
        while ((n = ::read(in_.get(), buffer.data(), buffer.size())) > 0) {
            all.append(buffer.data(), static_cast<std::size_t>(n));
        }
    });
    std::vector<std::thread> writers;
    for (int t = 0; t < 4; ++t) {
        writers.emplace_back([t] {
            for (int i = 0; i < 500; ++i) {
                info("turn", "thread", {{"t", t}, {"i", i}});
            }
        });
    }
    for (auto& writer : writers) {
        writer.join();
    }
    stop();
    redirect(2);
    out_.reset();
    reader.join();
    EXPECT_EQ(std::ranges::count(all, '\n'), 2000);
    EXPECT_THAT(all, HasSubstr(R"("event":"thread","t":3,"i":499})"));
}

} // namespace
} // namespace fairlead::log
