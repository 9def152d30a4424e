#include "presence/roster.hpp"

#include "random/seeded.hpp"
#include "json/value.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace fairlead::presence {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

UserInfo user(const std::string& name) {
    return {"https://op", "sub-" + name, name};
}
std::string id(const std::string& name) {
    return R"({"issuer":"https://op","subject":"sub-)" + name + R"("})";
}
std::string info(const std::string& name) {
    return R"({"issuer":"https://op","subject":"sub-)" + name + R"(","username":")" + name + R"("})";
}
std::string online(const std::string& name) {
    return R"({"type":"userOnline","body":{"user":)" + info(name) + "}}";
}
std::string offline(const std::string& name) {
    return R"({"type":"userOffline","body":{"user":)" + id(name) + "}}";
}
std::string call(const std::string& target, const std::string& body = "1") {
    return R"({"type":"call-offer","target":)" + id(target) + R"(,"body":)" + body + "}";
}
std::string called(const std::string& origin, const std::string& body = "1") {
    return R"({"type":"call-offer","origin":)" + id(origin) + R"(,"body":)" + body + "}";
}

struct Received {
    Instant at;
    std::string text;
};

/// Plays the driver: sockets that take everything at once unless they are told to stop, and a clock that only we move.
class Wire {
public:
    explicit Wire(RosterOptions options = {}) : roster(options) {}

    Roster roster;
    Instant now{};
    std::map<SessionId, std::vector<Received>> received;
    std::map<SessionId, std::pair<CloseCode, std::string>> closed;
    std::set<SessionId> dropped;
    std::set<SessionId> paused;
    std::set<SessionId> not_reading; ///< sockets that take nothing
    std::map<SessionId, std::size_t> untaken;
    std::size_t most_untaken = 0;

    void connect(SessionId session, const std::string& name) { connect(session, user(name)); }
    void connect(SessionId session, const UserInfo& info) {
        run([&](Actions& out) { roster.connect(now, session, info, out); });
    }
    void message(SessionId session, const std::string& text) {
        run([&](Actions& out) { roster.message(now, session, text, out); });
    }
    void disconnect(SessionId session) {
        run([&](Actions& out) { roster.disconnect(now, session, out); });
    }
    /// The socket of a session takes what it has held back.
    void take(SessionId session) {
        not_reading.erase(session);
        const std::size_t count = std::exchange(untaken[session], 0);
        run([&](Actions& out) { roster.written(now, session, count, out); });
    }
    void advance(Duration by) {
        const Instant until = now + by;
        while (roster.next_timeout() <= until) {
            now = std::max(now, roster.next_timeout());
            run([&](Actions& out) { roster.handle_timeout(now, out); });
        }
        now = until;
    }
    std::vector<std::string> texts(SessionId session) {
        std::vector<std::string> all;
        for (const auto& r : received[session]) {
            all.push_back(r.text);
        }
        return all;
    }
    std::vector<std::string> fresh(SessionId session) {
        auto all = texts(session);
        received[session].clear();
        return all;
    }
    void forget() { received.clear(); }

private:
    template <class Call>
    void run(Call call) {
        Actions out;
        call(out);
        apply(out);
    }
    void apply(const Actions& first) {
        std::deque<Action> work(first.begin(), first.end());
        while (!work.empty()) {
            const Action action = work.front();
            work.pop_front();
            if (const auto* send = std::get_if<Send>(&action)) {
                EXPECT_FALSE(closed.contains(send->session)) << "nothing is sent behind a close";
                if (not_reading.contains(send->session)) {
                    most_untaken = std::max(most_untaken, ++untaken[send->session]);
                    continue;
                }
                received[send->session].push_back({now, *send->text});
                Actions more;
                roster.written(now, send->session, 1, more);
                work.insert(work.end(), more.begin(), more.end());
            } else if (const auto* close = std::get_if<Close>(&action)) {
                closed[close->session] = {close->code, std::string(close->reason)};
            } else if (const auto* drop = std::get_if<Drop>(&action)) {
                dropped.insert(drop->session);
            } else if (const auto* pause = std::get_if<Pause>(&action)) {
                EXPECT_TRUE(paused.insert(pause->session).second) << "paused twice";
            } else if (const auto* resume = std::get_if<Resume>(&action)) {
                EXPECT_EQ(paused.erase(resume->session), 1U) << "resumed without pause";
            }
        }
    }
};

using Texts = std::vector<std::string>;

TEST(Roster, NewUserHearsOfItselfAndOthersHearOfIt) {
    Wire wire;
    wire.connect(1, "alice");
    EXPECT_EQ(wire.fresh(1), (Texts{online("alice")}));
    wire.connect(2, "bob");
    EXPECT_EQ(wire.fresh(1), (Texts{online("bob")}));
    EXPECT_EQ(wire.fresh(2), (Texts{online("bob")}));
    wire.disconnect(2);
    EXPECT_EQ(wire.fresh(1), (Texts{offline("bob")}));
    EXPECT_EQ(wire.roster.users(), 1U);
}

TEST(Roster, ListNamesEverybodyIncludingTheAsker) {
    Wire wire;
    wire.connect(1, "alice");
    wire.connect(2, "bob");
    wire.forget();
    wire.message(1, R"({"type":"userList","target":{"issuer":"x","subject":"y"}})");
    ASSERT_EQ(wire.received[1].size(), 1U);
    EXPECT_TRUE(wire.received[2].empty());
    const auto list = json::Value::parse(wire.received[1][0].text);
    ASSERT_TRUE(list);
    EXPECT_EQ(list->text("type"), "userList");
    std::set<std::string> names;
    for (const auto& entry : *list->find("body")->find("users")->array()) {
        names.emplace(*entry.text("username"));
    }
    EXPECT_EQ(names, (std::set<std::string>{"alice", "bob"}));
}

TEST(Roster, UsernameForm) {
    Wire wire({.form = UserIdForm::username});
    wire.connect(1, "alice");
    wire.connect(2, "bob");
    EXPECT_EQ(wire.fresh(1)[1], R"({"type":"userOnline","body":{"user":{"username":"bob"}}})");
    wire.message(2, R"({"type":"Call-Offer","target":{"username":"alice"},"body":{"a":[1]}})");
    EXPECT_EQ(wire.fresh(1), (Texts{R"({"type":"Call-Offer","origin":{"username":"bob"},"body":{"a":[1]}})"}));
    wire.disconnect(2);
    EXPECT_EQ(wire.fresh(1), (Texts{R"({"type":"userOffline","body":{"user":{"username":"bob"}}})"}));
}

TEST(Relay, BodyArrivesAsWrittenAndOriginIsTheSender) {
    Wire wire;
    wire.connect(1, "alice");
    wire.connect(2, "bob");
    wire.forget();
    const std::string body = R"({ "z" : 12345678901234567890 , "a":1.10, "s":"\u0041\/\ud83d\ude00" })";
    wire.message(1, R"({"body":)" + body + R"(,"origin":{"issuer":"forged","subject":"x"},"more":1,"target":)" +
                        id("bob") + R"(,"type":"call-offer"})");
    EXPECT_EQ(wire.fresh(2), (Texts{called("alice", body)}));
    EXPECT_TRUE(wire.fresh(1).empty());
}

TEST(Relay, EmptyBodiesAreKeptAndNullIsLeftOut) {
    Wire wire({.pace = milliseconds{0}});
    wire.connect(1, "alice");
    wire.forget();
    for (const std::string body : {"0", "false", "\"\"", "{}", "[]"}) {
        wire.message(1, call("alice", body));
        EXPECT_EQ(wire.fresh(1), (Texts{called("alice", body)})) << "to oneself is delivered to oneself";
    }
    const Texts without = {R"({"type":"call-offer","origin":)" + id("alice") + "}"};
    wire.message(1, call("alice", "null"));
    EXPECT_EQ(wire.fresh(1), without);
    wire.message(1, R"({"type":"call-offer","target":)" + id("alice") + "}");
    EXPECT_EQ(wire.fresh(1), without);
}

TEST(Relay, ClientErrorsAreAnsweredAndTheSessionStaysOpen) {
    Wire wire;
    wire.connect(1, "alice");
    wire.forget();
    const auto answer = [&](const std::string& text) {
        wire.message(1, text);
        const auto got = wire.fresh(1);
        return got.size() == 1 ? got[0] : "nothing";
    };
    EXPECT_EQ(answer(call("bob")),
              R"({"type":"error","body":{"code":"target-offline","type":"call-offer","target":)" + id("bob") + "}}");
    const std::string no_target = R"({"type":"error","body":{"code":"no-target","type":"x"}})";
    EXPECT_EQ(answer(R"({"type":"x"})"), no_target);
    EXPECT_EQ(answer(R"({"type":"x","target":null})"), no_target);
    EXPECT_EQ(answer(R"({"type":"x","target":{}})"), no_target);
    EXPECT_EQ(answer(R"({"type":"x","target":[]})"), no_target);
    EXPECT_EQ(answer(R"({"type":"userOnline","target":)" + id("alice") + "}"),
              R"({"type":"error","body":{"code":"reserved-type","type":"userOnline","target":)" + id("alice") + "}}");
    EXPECT_EQ(answer(R"({"target":)" + id("alice") + "}"),
              R"({"type":"error","body":{"code":"reserved-type","target":)" + id("alice") + "}}");
    EXPECT_EQ(answer(R"({"type":"a b"})"), R"({"type":"error","body":{"code":"reserved-type"}})");
    EXPECT_EQ(answer(R"({"type":")" + std::string(65, 'x') + R"("})"),
              R"({"type":"error","body":{"code":"reserved-type"}})");
    EXPECT_TRUE(wire.closed.empty());
    EXPECT_EQ(wire.roster.stats().errors_sent, 9U);
}

TEST(Relay, WhatIsNoMessageClosesWith1007) {
    SessionId next = 1;
    Wire wire;
    for (const std::string text :
         {"", " ", "x", "[]", "null", "\"userList\"", "{", "{}x", R"({"type":1})", R"({"type":{}})",
          R"({"type":"x","target":"bob"})", R"({"type":"x","target":1})", R"({"type":"x","target":{"issuer":1}})",
          R"({"type":"x","target":[1]})", R"({"type":"x","target":[[]]})", R"({"type":"x","type":"y"})",
          R"({"type":"x","target":{},"target":{}})", R"({"type":"x","target":{},"t\u0061rget":{}})",
          "{\"type\":\"x\",\"body\":\"\xff\"}"}) {
        const SessionId session = next++;
        wire.connect(session, "user" + std::to_string(session));
        wire.message(session, text);
        ASSERT_TRUE(wire.closed.contains(session)) << text;
        EXPECT_EQ(wire.closed[session].first, CloseCode::invalid_payload) << text;
        EXPECT_EQ(wire.closed[session].second, "failed to unmarshal JSON");
    }
    EXPECT_EQ(wire.roster.sessions(), 0U);
}

TEST(Relay, DepthOfTheBodyIsBounded) {
    Wire wire({.pace = milliseconds{0}});
    wire.connect(1, "alice");
    wire.forget();
    wire.message(1, call("alice", std::string(64, '[') + std::string(64, ']')));
    EXPECT_EQ(wire.fresh(1).size(), 1U);
    wire.message(1, call("alice", std::string(65, '[') + std::string(65, ']')));
    EXPECT_EQ(wire.closed[1].first, CloseCode::invalid_payload);
}

TEST(Relay, MessageAboveTheLimitClosesWith1009) {
    Wire wire({.largest_message = 1'000});
    wire.connect(1, "alice");
    wire.connect(2, "bob");
    wire.forget();
    const std::string frame = call("bob", "\"\"");
    wire.message(1, call("bob", "\"" + std::string(1'000 - frame.size(), 'x') + "\""));
    EXPECT_TRUE(wire.closed.empty());
    wire.message(1, call("bob", "\"" + std::string(1'001 - frame.size(), 'x') + "\""));
    EXPECT_EQ(wire.closed[1].first, CloseCode::message_too_big);
    EXPECT_EQ(wire.fresh(2).back(), offline("alice"));
}

TEST(Sessions, OnlineWithTheFirstAndOfflineWithTheLast) {
    Wire wire;
    wire.connect(1, "alice");
    wire.connect(2, "bob");
    wire.connect(3, "bob");
    EXPECT_EQ(wire.fresh(1), (Texts{online("alice"), online("bob")}));
    EXPECT_TRUE(wire.fresh(3).empty());
    wire.message(1, call("bob"));
    EXPECT_EQ(wire.fresh(3), (Texts{called("alice")})) << "the newest session gets it";
    wire.disconnect(2);
    EXPECT_TRUE(wire.fresh(1).empty()) << "bob is still there";
    wire.disconnect(3);
    EXPECT_EQ(wire.fresh(1), (Texts{offline("bob")}));
}

TEST(Sessions, OlderSessionTakesOverWhenTheNewestGoes) {
    Wire wire;
    wire.connect(1, "alice");
    wire.connect(2, "bob");
    wire.connect(3, "bob");
    wire.disconnect(3);
    wire.forget();
    wire.message(1, call("bob"));
    EXPECT_EQ(wire.fresh(2), (Texts{called("alice")}));
}

TEST(Sessions, AllSessionsGetItWhenConfigured) {
    Wire wire({.relay_to_all_sessions = true});
    wire.connect(1, "alice");
    wire.connect(2, "bob");
    wire.connect(3, "bob");
    wire.forget();
    wire.message(1, call("bob"));
    EXPECT_EQ(wire.fresh(2), (Texts{called("alice")}));
    EXPECT_EQ(wire.fresh(3), (Texts{called("alice")}));
}

TEST(Sessions, NinthSessionOfAUserAndOneTooManyInTotalAreRefused) {
    Wire wire({.sessions = 9});
    for (SessionId s = 1; s <= 8; ++s) {
        wire.connect(s, "alice");
    }
    EXPECT_TRUE(wire.closed.empty());
    wire.connect(9, "alice");
    EXPECT_EQ(wire.closed[9].first, CloseCode::policy_violation);
    wire.connect(10, "bob");
    wire.connect(11, "carol");
    EXPECT_EQ(wire.closed[11].first, CloseCode::try_again_later);
    EXPECT_EQ(wire.roster.sessions(), 9U);
    EXPECT_EQ(wire.roster.users(), 2U);
    wire.connect(12, {"i", "", "x"});
    EXPECT_EQ(wire.closed[12].first, CloseCode::policy_violation);
}

TEST(Pacing, BurstOfFortyArrivesCompleteInOrderInAboutFourSeconds) {
    Wire wire;
    wire.connect(1, "alice");
    wire.connect(2, "bob");
    wire.forget();
    const Instant begin = wire.now;
    for (int i = 0; i < 40; ++i) {
        while (wire.paused.contains(1)) {
            wire.advance(milliseconds{1});
        }
        wire.message(1, call("bob", std::to_string(i)));
    }
    wire.advance(seconds{1});
    ASSERT_EQ(wire.received[2].size(), 40U);
    for (std::size_t i = 0; i < 40; ++i) {
        EXPECT_EQ(wire.received[2][i].text, called("alice", std::to_string(i)));
        EXPECT_EQ(wire.received[2][i].at - begin, i * milliseconds{100});
    }
    EXPECT_TRUE(wire.closed.empty());
    EXPECT_FALSE(wire.paused.contains(1));
}

TEST(Pacing, MessagesThatWereReadBeforeThePauseAreKeptInOrder) {
    Wire wire;
    wire.connect(1, "alice");
    wire.connect(2, "bob");
    wire.forget();
    for (int i = 0; i < 40; ++i) {
        wire.message(1, call("bob", std::to_string(i)));
    }
    EXPECT_TRUE(wire.paused.contains(1));
    wire.advance(seconds{5});
    ASSERT_EQ(wire.received[2].size(), 40U);
    for (std::size_t i = 0; i < 40; ++i) {
        EXPECT_EQ(wire.received[2][i].text, called("alice", std::to_string(i)));
    }
    EXPECT_FALSE(wire.paused.contains(1));
}

TEST(Pacing, LateTimersKeepTheAverageAndNeverBunch) {
    Wire wire;
    wire.connect(1, "alice");
    wire.connect(2, "bob");
    wire.forget();
    SeededRandom random(5);
    for (int i = 0; i < 200; ++i) {
        wire.message(1, call("bob", std::to_string(i)));
    }
    while (wire.received[2].size() < 200) {
        ASSERT_NE(wire.roster.next_timeout(), never);
        wire.now = std::max(wire.now, wire.roster.next_timeout()) + milliseconds{random.below(35)};
        wire.advance(milliseconds{0});
    }
    const auto& got = wire.received[2];
    for (std::size_t i = 1; i < got.size(); ++i) {
        EXPECT_GE(got[i].at - got[i - 1].at, milliseconds{60});
    }
    const auto average = (got.back().at - got.front().at) / (got.size() - 1);
    EXPECT_GE(average, milliseconds{95});
    EXPECT_LE(average, milliseconds{105});
}

TEST(Pacing, ReceiversDoNotInfluenceEachOther) {
    Wire wire;
    wire.connect(1, "alice");
    for (SessionId s = 2; s < 20; ++s) {
        wire.connect(s, "u" + std::to_string(s));
    }
    wire.forget();
    for (SessionId s = 2; s < 20; ++s) {
        wire.message(1, call("u" + std::to_string(s)));
        EXPECT_EQ(wire.received[s].size(), 1U);
    }
    EXPECT_TRUE(wire.paused.empty());
}

TEST(Pacing, SeveralSendersAreServedInTurn) {
    Wire wire;
    wire.connect(1, "alice");
    wire.connect(2, "bob");
    wire.connect(3, "carol");
    wire.forget();
    wire.message(1, call("carol", "\"a1\""));
    wire.message(1, call("carol", "\"a2\""));
    wire.message(2, call("carol", "\"b1\""));
    wire.message(1, call("carol", "\"a3\""));
    wire.message(2, call("carol", "\"b2\""));
    wire.advance(seconds{1});
    EXPECT_EQ(wire.fresh(3), (Texts{called("alice", "\"a1\""), called("alice", "\"a2\""), called("bob", "\"b1\""),
                                    called("alice", "\"a3\""), called("bob", "\"b2\"")}));
}

TEST(Pacing, ListTakesTheAskersSlot) {
    Wire wire;
    wire.connect(1, "alice");
    wire.forget();
    wire.message(1, R"({"type":"userList"})");
    wire.message(1, R"({"type":"userList"})");
    EXPECT_EQ(wire.received[1].size(), 1U);
    EXPECT_TRUE(wire.paused.contains(1));
    wire.advance(milliseconds{99});
    EXPECT_EQ(wire.received[1].size(), 1U);
    wire.advance(milliseconds{1});
    EXPECT_EQ(wire.received[1].size(), 2U);
}

TEST(Pacing, ZeroTurnsItOff) {
    Wire wire({.pace = milliseconds{0}});
    wire.connect(1, "alice");
    wire.connect(2, "bob");
    wire.forget();
    for (int i = 0; i < 500; ++i) {
        wire.message(1, call("bob"));
    }
    EXPECT_EQ(wire.received[2].size(), 500U);
}

TEST(Pacing, MessageThatWaitsTooLongIsGivenUpWithTargetBusy) {
    Wire wire({.longest_wait = seconds{1}});
    wire.connect(1, "victim");
    for (SessionId s = 2; s < 40; ++s) {
        wire.connect(s, "u" + std::to_string(s));
    }
    wire.forget();
    for (SessionId s = 2; s < 40; ++s) {
        wire.message(s, call("victim"));
    }
    wire.advance(seconds{3});
    EXPECT_GE(wire.received[1].size(), 10U);
    EXPECT_LE(wire.received[1].size(), 11U);
    EXPECT_EQ(wire.fresh(39), (Texts{R"({"type":"error","body":{"code":"target-busy","type":"call-offer","target":)" +
                                     id("victim") + "}}"}));
    EXPECT_TRUE(wire.paused.empty());
    EXPECT_TRUE(wire.closed.empty());
    EXPECT_EQ(wire.roster.load().waiting_messages, 0U);
    EXPECT_EQ(wire.roster.load().waiting_bytes, 0U);
}

TEST(Pacing, ReceiverThatGoesAwayFreesItsSenders) {
    Wire wire;
    wire.connect(1, "alice");
    wire.connect(2, "bob");
    wire.forget();
    wire.message(1, call("bob", "1"));
    wire.message(1, call("bob", "2"));
    ASSERT_TRUE(wire.paused.contains(1));
    wire.disconnect(2);
    const auto got = wire.fresh(1);
    ASSERT_EQ(got.size(), 2U);
    EXPECT_NE(got[0].find("target-offline"), std::string::npos);
    EXPECT_EQ(got[1], offline("bob"));
    EXPECT_TRUE(wire.paused.empty());
}

TEST(Pacing, HangUpOfAPageThatClosesStillArrivesAndOfflineComesBehindIt) {
    Wire wire;
    wire.connect(1, "alice");
    wire.connect(2, "bob");
    wire.connect(3, "carol");
    wire.forget();
    for (int i = 0; i < 3; ++i) {
        wire.message(1, call("bob", std::to_string(i)));
    }
    wire.disconnect(1);
    EXPECT_EQ(wire.fresh(3), (Texts{offline("alice")})) << "everybody else knows at once";
    wire.advance(seconds{1});
    EXPECT_EQ(wire.fresh(2),
              (Texts{called("alice", "0"), called("alice", "1"), called("alice", "2"), offline("alice")}));
    wire.connect(4, "alice");
    EXPECT_EQ(wire.fresh(2), (Texts{online("alice")}));
}

TEST(Pacing, WaitingBytesAreBounded) {
    Wire wire({.waiting_bytes = 5'000});
    wire.connect(1, "victim");
    for (SessionId s = 2; s < 12; ++s) {
        wire.connect(s, "u" + std::to_string(s));
    }
    wire.forget();
    for (SessionId s = 2; s < 12; ++s) {
        wire.message(s, call("victim", "\"" + std::string(1'000, 'x') + "\""));
        EXPECT_LE(wire.roster.load().waiting_bytes, 5'000U);
    }
    EXPECT_NE(wire.fresh(11).at(0).find("target-busy"), std::string::npos);
}

TEST(SlowConsumer, SeventeenthUnwrittenMessageClosesWith1008) {
    Wire wire;
    wire.connect(1, "alice");
    wire.connect(2, "slow");
    wire.connect(3, "carol");
    wire.forget();
    wire.not_reading.insert(2);
    for (int i = 0; i < 17; ++i) {
        while (wire.paused.contains(1)) {
            wire.advance(milliseconds{1});
        }
        wire.message(1, call("slow", std::to_string(i)));
        if (i < 16) {
            EXPECT_FALSE(wire.closed.contains(2)) << i;
        }
    }
    wire.advance(milliseconds{100});
    ASSERT_TRUE(wire.closed.contains(2));
    EXPECT_EQ(wire.closed[2],
              (std::pair{CloseCode::policy_violation, std::string("connection too slow to keep up with messages")}));
    EXPECT_EQ(wire.fresh(3), (Texts{offline("slow")}));
    EXPECT_NE(wire.texts(1).at(0).find("target-offline"), std::string::npos);
    EXPECT_TRUE(wire.paused.empty());
}

TEST(SlowConsumer, WriteThatDoesNotFinishInFiveSecondsDropsTheConnection) {
    Wire wire;
    wire.connect(1, "alice");
    wire.connect(2, "slow");
    wire.forget();
    wire.not_reading.insert(2);
    wire.message(1, call("slow"));
    wire.advance(milliseconds{4'999});
    EXPECT_TRUE(wire.dropped.empty());
    wire.advance(milliseconds{1});
    EXPECT_TRUE(wire.dropped.contains(2));
    EXPECT_EQ(wire.fresh(1), (Texts{offline("slow")}));
}

TEST(SlowConsumer, FiveSecondsBeginWhenTheMessageIsNext) {
    Wire wire;
    wire.connect(1, "alice");
    wire.connect(2, "slow");
    wire.not_reading.insert(2);
    wire.connect(3, "carol"); // one presence message before the relayed one
    wire.message(1, call("slow"));
    wire.advance(seconds{6});
    EXPECT_TRUE(wire.dropped.empty());
    Actions out;
    wire.roster.written(wire.now, 2, 1, out);
    wire.advance(milliseconds{4'999});
    EXPECT_TRUE(wire.dropped.empty());
    wire.advance(milliseconds{1});
    EXPECT_TRUE(wire.dropped.contains(2));
}

TEST(SlowConsumer, PresenceAloneClosesAfterThirtySecondsWithoutProgress) {
    Wire wire;
    wire.connect(1, "slow");
    wire.not_reading.insert(1);
    wire.connect(2, "bob");
    wire.advance(milliseconds{29'999});
    EXPECT_TRUE(wire.closed.empty());
    wire.advance(milliseconds{1});
    EXPECT_EQ(wire.closed[1].first, CloseCode::policy_violation);
    EXPECT_EQ(wire.fresh(2).back(), offline("slow"));
}

TEST(SlowConsumer, ErrorsPauseTheSenderInsteadOfPilingUp) {
    Wire wire;
    wire.connect(1, "alice");
    wire.not_reading.insert(1);
    for (int i = 0; i < 100; ++i) {
        wire.message(1, call("nobody"));
    }
    EXPECT_EQ(wire.most_untaken, 16U);
    EXPECT_TRUE(wire.paused.contains(1));
    wire.take(1);
    EXPECT_FALSE(wire.paused.contains(1));
    EXPECT_EQ(wire.roster.stats().errors_sent, 100U);
    EXPECT_TRUE(wire.closed.empty());
}

TEST(SlowConsumer, SenderThatIgnoresThePauseIsClosed) {
    Wire wire;
    wire.connect(1, "alice");
    wire.connect(2, "bob");
    for (int i = 0; i < 1'100; ++i) {
        wire.message(1, call("bob"));
    }
    EXPECT_EQ(wire.closed[1].first, CloseCode::policy_violation);
}

TEST(Presence, ChangesThatCannotBeWrittenAreReducedToTheirNetEffect) {
    Wire wire;
    wire.connect(1, "alice");
    wire.forget();
    wire.not_reading.insert(1);
    for (SessionId s = 0; s < 100; ++s) {
        wire.connect(100 + s, "first" + std::to_string(s)); // fills the burst
    }
    for (SessionId s = 0; s < 50; ++s) {
        wire.connect(300 + s, "visitor");
        wire.disconnect(300 + s);
    }
    wire.connect(400, "guest");
    wire.disconnect(400);
    wire.connect(401, "guest");
    wire.disconnect(100);
    EXPECT_EQ(wire.most_untaken, 100U);
    wire.take(1);
    EXPECT_EQ(wire.fresh(1), (Texts{online("guest"), offline("first0")})) << "the visitor has never been there";
}

TEST(Presence, RelayedMessageWaitsForTheUserOnlineOfItsSender) {
    Wire wire;
    wire.connect(1, "alice");
    wire.forget();
    wire.not_reading.insert(1);
    for (SessionId s = 0; s < 100; ++s) {
        wire.connect(100 + s, "u" + std::to_string(s));
    }
    wire.connect(2, "bob");
    wire.message(2, call("alice"));
    EXPECT_TRUE(wire.paused.contains(2));
    EXPECT_EQ(wire.untaken[1], 100U);
    wire.take(1);
    EXPECT_EQ(wire.fresh(1), (Texts{online("bob"), called("bob")}));
    EXPECT_FALSE(wire.paused.contains(2));
}

TEST(Presence, SenderThatCameAndWentIsAnnouncedAroundItsMessage) {
    Wire wire;
    wire.connect(1, "alice");
    wire.forget();
    wire.not_reading.insert(1);
    for (SessionId s = 0; s < 100; ++s) {
        wire.connect(100 + s, "u" + std::to_string(s));
    }
    wire.connect(2, "bob");
    wire.message(2, call("alice"));
    wire.disconnect(2);
    wire.take(1);
    EXPECT_EQ(wire.fresh(1), (Texts{online("bob"), called("bob"), offline("bob")}));
}

TEST(Presence, JoinStormThrowsNobodyOutAndStaysLinear) {
    Wire wire;
    constexpr SessionId count = 1'000;
    std::size_t most_untold = 0;
    for (SessionId s = 1; s <= count; ++s) {
        wire.connect(s, "u" + std::to_string(s));
        wire.message(s, R"({"type":"userList"})");
        most_untold = std::max(most_untold, wire.roster.load().untold_changes);
        wire.advance(milliseconds{1});
        if (s == 500) {
            wire.message(1, call("u500"));
            EXPECT_EQ(wire.received[500].size(), 2U) << "its own userOnline and the list";
        }
        if (s == 600) {
            EXPECT_EQ(wire.received[500].back().text, online("u600"));
        }
    }
    EXPECT_LE(most_untold, 1'100U);
    EXPECT_TRUE(wire.closed.empty());
    EXPECT_TRUE(wire.dropped.empty());
    for (SessionId s = 1; s <= count; ++s) {
        std::set<std::string> known;
        for (const auto& text : wire.texts(s)) {
            const auto value = json::Value::parse(text, {.size = 1'000'000});
            ASSERT_TRUE(value);
            if (value->text("type") == "userList") {
                for (const auto& each : *value->find("body")->find("users")->array()) {
                    known.emplace(*each.text("username"));
                }
            } else if (value->text("type") == "userOnline") {
                known.emplace(*value->find("body")->find("user")->text("username"));
            }
        }
        ASSERT_EQ(known.size(), count) << s;
    }
}

TEST(Presence, StormWithoutReadersHoldsOneLogAndOneBurstEach) {
    Wire wire;
    constexpr SessionId count = 1'000;
    for (SessionId s = 1; s <= count; ++s) {
        wire.not_reading.insert(s);
        wire.connect(s, "u" + std::to_string(s));
    }
    EXPECT_EQ(wire.most_untaken, 100U);
    EXPECT_EQ(wire.roster.load().untold_changes, count);
    for (int round = 0; round < 20; ++round) {
        for (SessionId s = 1; s <= count; ++s) {
            wire.take(s);
        }
    }
    EXPECT_TRUE(wire.closed.empty());
    wire.disconnect(1);
    EXPECT_EQ(wire.received[2].back().text, offline("u1"));
}

TEST(Multicast, GoesToEachTargetOnceWithItsOwnPacing) {
    Wire wire;
    for (SessionId s = 1; s <= 4; ++s) {
        wire.connect(s, "u" + std::to_string(s));
    }
    wire.message(2, call("u3", "\"busy\""));
    wire.forget();
    const std::string targets = "[" + id("u2") + "," + id("u3") + "," + id("u3") + "," + id("gone") + "]";
    wire.message(1, R"({"type":"Conference-Offer","target":)" + targets + R"(,"body":7})");
    const std::string expected = R"({"type":"Conference-Offer","origin":)" + id("u1") + R"(,"body":7})";
    EXPECT_EQ(wire.fresh(2), (Texts{expected}));
    EXPECT_TRUE(wire.fresh(3).empty());
    EXPECT_TRUE(wire.paused.contains(1));
    EXPECT_NE(wire.fresh(1).at(0).find("target-offline"), std::string::npos);
    wire.advance(milliseconds{100});
    EXPECT_EQ(wire.fresh(3), (Texts{expected}));
    EXPECT_TRUE(wire.paused.empty());
}

TEST(Multicast, TooManyTargetsAreRefused) {
    Wire wire({.targets_per_message = 2});
    wire.connect(1, "alice");
    wire.forget();
    wire.message(1, R"({"type":"x","target":[)" + id("alice") + "," + id("alice") + "," + id("b") + "]}");
    EXPECT_EQ(wire.fresh(1), (Texts{R"({"type":"error","body":{"code":"too-many-targets","type":"x"}})"}));
}

TEST(Rooms, MembersReachEachOtherAndStrangersDoNot) {
    Wire wire;
    for (SessionId s = 1; s <= 3; ++s) {
        wire.connect(s, "u" + std::to_string(s));
    }
    wire.forget();
    const std::string join = R"({"type":"join","body":{"room":"blue"}})";
    const std::string talk = R"({"type":"ICT-Offer","target":{"room":"blue"},"body":1})";
    wire.message(1, join);
    wire.message(2, join);
    wire.message(2, join);
    wire.message(1, talk);
    EXPECT_EQ(wire.fresh(2), (Texts{R"({"type":"ICT-Offer","origin":)" + id("u1") + R"(,"body":1})"}));
    EXPECT_TRUE(wire.fresh(1).empty());
    EXPECT_TRUE(wire.fresh(3).empty());
    wire.message(3, talk);
    EXPECT_NE(wire.fresh(3).at(0).find("no-target"), std::string::npos);
    wire.message(2, R"({"type":"leave","body":{"room":"blue"}})");
    wire.advance(seconds{1});
    wire.message(1, talk);
    EXPECT_TRUE(wire.fresh(2).empty());
    wire.disconnect(1);
    EXPECT_EQ(wire.fresh(2), (Texts{offline("u1")}));
}

TEST(Rooms, AreBounded) {
    Wire wire({.rooms_per_session = 2, .users_per_room = 1});
    wire.connect(1, "alice");
    wire.connect(2, "bob");
    wire.forget();
    const auto join = [](const std::string& room) { return R"({"type":"join","body":{"room":")" + room + R"("}})"; };
    wire.message(1, join("a"));
    wire.message(1, join("b"));
    EXPECT_TRUE(wire.fresh(1).empty());
    wire.message(1, join("c"));
    EXPECT_NE(wire.fresh(1).at(0).find("room-full"), std::string::npos);
    wire.message(2, join("a"));
    EXPECT_NE(wire.fresh(2).at(0).find("room-full"), std::string::npos);
}

/// Any history: what a session has been told is what is true, whoever reads how slowly.
TEST(Presence, EveryReaderEndsUpWithTheTruth) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        SeededRandom random(seed);
        Wire wire({.pace = milliseconds{10}});
        std::map<SessionId, std::string> open;
        SessionId next = 1;
        for (int step = 0; step < 600; ++step) {
            const std::string name = "n" + std::to_string(random.below(12));
            switch (random.below(7)) {
            case 0:
            case 1:
                wire.connect(next, name);
                if (!wire.closed.contains(next)) {
                    open[next] = name;
                }
                ++next;
                break;
            case 2:
                if (!open.empty()) {
                    const auto victim = std::next(open.begin(), static_cast<std::ptrdiff_t>(random.below(open.size())));
                    wire.disconnect(victim->first);
                    open.erase(victim);
                }
                break;
            case 3:
            case 4:
                if (!open.empty()) {
                    const auto sender = std::next(open.begin(), static_cast<std::ptrdiff_t>(random.below(open.size())));
                    wire.message(sender->first, call(name, std::to_string(step)));
                }
                break;
            case 5:
                if (!open.empty()) {
                    const auto reader = std::next(open.begin(), static_cast<std::ptrdiff_t>(random.below(open.size())));
                    if (wire.not_reading.contains(reader->first)) {
                        // What was held back has gone out in the meantime; this harness only loses its text.
                        wire.disconnect(reader->first);
                        open.erase(reader);
                    } else {
                        wire.not_reading.insert(reader->first);
                    }
                }
                break;
            default:
                wire.advance(milliseconds{random.below(50)});
            }
            for (const auto& [session, why] : wire.closed) {
                open.erase(session);
            }
        }
        wire.advance(seconds{2});
        for (const auto& [session, why] : wire.closed) {
            open.erase(session);
        }
        for (const SessionId session : wire.dropped) {
            open.erase(session);
        }
        std::set<std::string> truth;
        for (const auto& [session, name] : open) {
            truth.insert(name);
        }
        EXPECT_EQ(wire.roster.users(), truth.size());
        for (const auto& [session, name] : open) {
            if (wire.not_reading.contains(session)) {
                continue;
            }
            // Those who were there before are not announced to a newcomer; they can only leave, once.
            std::map<std::string, bool> known;
            for (const auto& text : wire.texts(session)) {
                const auto value = json::Value::parse(text);
                const auto* body = value->find("body");
                if (value->text("type") == "userOnline") {
                    const std::string who(*body->find("user")->text("username"));
                    EXPECT_FALSE(known.contains(who) && known[who]) << "twice online";
                    known[who] = true;
                } else if (value->text("type") == "userOffline") {
                    const std::string who = std::string(*body->find("user")->text("subject")).substr(4);
                    EXPECT_FALSE(known.contains(who) && !known[who]) << "twice offline";
                    known[who] = false;
                } else if (value->text("type") == "call-offer") {
                    const std::string who = std::string(*value->find("origin")->text("subject")).substr(4);
                    EXPECT_FALSE(known.contains(who) && !known[who]) << "message of somebody who is gone";
                }
            }
            for (const auto& [who, there] : known) {
                EXPECT_EQ(there, truth.contains(who)) << "seed " << seed << " session " << session << " " << who;
            }
        }
        EXPECT_EQ(wire.roster.load().waiting_messages, 0U);
    }
}

} // namespace
} // namespace fairlead::presence
