#include "rtcconfig/configuration.hpp"
#include "rtcconfig/ice_servers.hpp"

#include "json/value.hpp"
#include "json/writer.hpp"

#include <gtest/gtest.h>

#include <set>

namespace fairlead::rtcconfig {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr UnixTime now = unix_time(1'733'000'000);

constexpr Endpoint stun_udp{Endpoint::Service::stun, net::Transport::udp, 3478};
constexpr Endpoint turn_udp{Endpoint::Service::turn, net::Transport::udp, 3478};
constexpr Endpoint turn_tcp{Endpoint::Service::turn, net::Transport::tcp, 3478};
constexpr Endpoint turn_tls{Endpoint::Service::turn, net::Transport::tls, 5349};
constexpr Endpoint turn_tls_443{Endpoint::Service::turn, net::Transport::tls, 443};

Options options() {
    return {.host = "turn.example.org",
            .endpoints = {turn_tls, turn_tcp, turn_udp, stun_udp},
            .secrets = std::make_shared<const account::SharedSecrets>(std::vector<std::string>{"north"}),
            .origins = {"https://app.example.org"}};
}

std::string body(const http::Response& response) {
    return std::string(as_text(response.content()));
}
json::Value parsed(const http::Response& response) {
    return json::Value::parse(body(response)).value_or(json::Value());
}
std::string field(const http::Response& response, std::string_view name) {
    return std::string(response.fields().find(name).value_or("absent"));
}
const json::Value& server(const json::Value& answer, std::size_t i) {
    return answer.find("iceServers")->array()->at(i);
}

TEST(IceUrl, NamesServiceTransportAndPort) {
    EXPECT_EQ(url("turn.example.org", stun_udp), "stun:turn.example.org:3478");
    EXPECT_EQ(url("turn.example.org", turn_udp), "turn:turn.example.org:3478?transport=udp");
    EXPECT_EQ(url("turn.example.org", turn_tcp), "turn:turn.example.org:3478?transport=tcp");
    EXPECT_EQ(url("turn.example.org", turn_tls), "turns:turn.example.org:5349?transport=tcp");
    EXPECT_EQ(url("2001:db8::1", turn_udp), "turn:[2001:db8::1]:3478?transport=udp");
    EXPECT_EQ(url("192.0.2.1", stun_udp), "stun:192.0.2.1:3478");
}

TEST(IceUrl, TellsUrlsFromOtherText) {
    for (const auto* good : {"stun:a", "stun:a:3478", "STUN:a.b-c", "turn:[2001:db8::1]:3478", "turn:a?transport=udp",
                             "turns:a:443?transport=tcp", "stuns:1.2.3.4"}) {
        EXPECT_TRUE(is_ice_url(good)) << good;
    }
    for (const auto* bad : {"", "stun", "stun:", "stun://a", "http:a", "turn:a:0", "turn:a:70000", "turn:a:",
                            "turn:a:x", "turn:a?transport=tls", "turn:a?x=1", "stun:a?transport=udp", "turn:a b",
                            "turn:[::1", "turn:2001:db8::1", "turn:[1.2.3.4]", "turn:a\"", "javascript:alert(1)"}) {
        EXPECT_FALSE(is_ice_url(bad)) << bad;
    }
}

TEST(IceServers, StunFirstThenOneTurnEntryInOrderOfCost) {
    const account::EphemeralCredential credential{.username = "u", .password = "p", .expiry = now};
    const auto servers = ice_servers("h", std::vector{turn_tls, turn_tcp, turn_udp, stun_udp}, credential);
    ASSERT_EQ(servers.size(), 2U);
    EXPECT_EQ(servers[0].urls, (std::vector<std::string>{"stun:h:3478"}));
    EXPECT_TRUE(servers[0].username.empty());
    EXPECT_EQ(servers[1].urls, (std::vector<std::string>{"turn:h:3478?transport=udp", "turn:h:3478?transport=tcp",
                                                         "turns:h:5349?transport=tcp"}));
    EXPECT_EQ(servers[1].username, "u");
    EXPECT_EQ(servers[1].credential, "p");
}

TEST(IceServers, AtMostFiveUrlsAndEachKindBeforeAnyTwice) {
    std::vector<Endpoint> many;
    for (std::uint16_t port = 1; port <= 6; ++port) {
        many.push_back({Endpoint::Service::turn, net::Transport::udp, port});
    }
    many.insert(many.end(), {stun_udp, turn_tls, turn_tls_443, turn_tcp});
    const std::vector<IceServer> additional = {{.urls = {"stun:other"}}};
    const auto servers = ice_servers("h", many, std::nullopt, additional);
    std::vector<std::string> urls;
    for (const auto& each : servers) {
        urls.insert(urls.end(), each.urls.begin(), each.urls.end());
    }
    EXPECT_EQ(urls, (std::vector<std::string>{"stun:h:3478", "turn:h:1?transport=udp", "turn:h:2?transport=udp",
                                              "turn:h:3478?transport=tcp", "turns:h:5349?transport=tcp"}));
    const auto with_room = ice_servers("h", std::vector{stun_udp}, std::nullopt, additional);
    ASSERT_EQ(with_room.size(), 2U);
    EXPECT_EQ(with_room[1].urls[0], "stun:other");
}

TEST(IceServers, WrittenFormSuitsEveryClient) {
    json::Writer out;
    const std::vector<IceServer> servers = {{.urls = {"stun:h:1"}},
                                            {.urls = {"turn:h:1"}, .username = "u", .credential = "p"}};
    write(out, servers);
    EXPECT_EQ(out.text(),
              R"([{"urls":["stun:h:1"]},{"urls":["turn:h:1"],"username":"u","credential":"p","password":"p"}])");
}

TEST(IceServers, ReadsEveryFormThatOthersWrite) {
    const auto read = [](std::string_view text) { return parse_ice_servers(*json::Value::parse(text)); };
    const auto servers = read(R"([
        {"url":"stun:a"},
        {"urls":"turn:b","username":"u","password":"p"},
        {"urls":["turn:c","http://no","turns:d?transport=tcp",5],"username":"u","credential":"q","password":"p"},
        {"urls":[]}, {"urls":"nonsense"}, 7, {}])");
    ASSERT_TRUE(servers);
    ASSERT_EQ(servers->size(), 3U);
    EXPECT_EQ((*servers)[0].urls, (std::vector<std::string>{"stun:a"}));
    EXPECT_EQ((*servers)[1].credential, "p");
    EXPECT_EQ((*servers)[2].urls, (std::vector<std::string>{"turn:c", "turns:d?transport=tcp"}));
    EXPECT_EQ((*servers)[2].credential, "q");
    EXPECT_FALSE(read(R"({"urls":"stun:a"})"));
}

TEST(RtcConfiguration, IsTheExampleOfTheEndpoint) {
    const auto response = rtc_configuration(now, options(), {.user = "alice", .origin = "https://app.example.org"});
    EXPECT_EQ(response.status(), http::Status::ok);
    EXPECT_EQ(field(response, "Cache-Control"), "no-store");
    EXPECT_EQ(field(response, "Vary"), "Origin");
    EXPECT_EQ(field(response, "Access-Control-Allow-Origin"), "https://app.example.org");
    EXPECT_EQ(field(response, "Access-Control-Allow-Credentials"), "true");
    EXPECT_EQ(field(response, "Content-Type").substr(0, 16), "application/json");
    const std::string username = "1733043200:alice"; // 12 h
    const std::string password = account::ephemeral_password("north", username);
    EXPECT_EQ(body(response),
              R"({"ttl":1800,"iceServers":[{"urls":["stun:turn.example.org:3478"]},)"
              R"({"urls":["turn:turn.example.org:3478?transport=udp","turn:turn.example.org:3478?transport=tcp",)"
              R"("turns:turn.example.org:5349?transport=tcp"],"username":")" +
                  username + R"(","credential":")" + password + R"(","password":")" + password +
                  R"("}],"iceTransportPolicy":"all","bundlePolicy":"max-bundle",)"
                  R"("rtcpMuxPolicy":"require","iceCandidatePoolSize":0})");
}

TEST(RtcConfiguration, TtlNeverOverflowsABrowserTimer) {
    auto config = options();
    config.ttl = hours{24};
    EXPECT_EQ(parsed(rtc_configuration(now, config, {.user = "a"})).find("ttl")->integer(), 2147);
    config.ttl = seconds{0};
    EXPECT_EQ(parsed(rtc_configuration(now, config, {.user = "a"})).find("ttl")->integer(), 1);
}

TEST(RtcConfiguration, CredentialOutlivesTheAnswer) {
    const auto margin = [](const Options& config, const Caller& caller) {
        const auto answer = parsed(rtc_configuration(now, config, caller));
        const auto name = account::parse_ephemeral_username(*server(answer, 1).text("username"), ':');
        return (name->expiry - now).count() - *answer.find("ttl")->integer();
    };
    auto config = options();
    config.open_to_anybody = true;
    EXPECT_EQ(margin(config, {}), 600) << "nobody in particular: ttl + 10 min";
    EXPECT_GT(margin(config, {.user = "alice"}), 40'000);
    config.secrets = std::make_shared<const account::SharedSecrets>(
        std::vector<std::string>{"north"}, account::SharedSecretOptions{.longest_life = seconds{900}});
    EXPECT_EQ(margin(config, {.user = "alice"}), 600) << "a short longest life shortens the ttl";
}

TEST(RtcConfiguration, NobodyIsRefusedAndKeysAreCompared) {
    auto config = options();
    config.api_keys = {"k1", "k2"};
    const auto nobody = rtc_configuration(now, config, {});
    EXPECT_EQ(nobody.status(), http::Status::unauthorized);
    EXPECT_EQ(field(nobody, "WWW-Authenticate"), "Bearer");
    EXPECT_EQ(field(nobody, "Cache-Control"), "no-store");
    EXPECT_TRUE(body(nobody).empty());
    EXPECT_EQ(rtc_configuration(now, config, {}, "k3").status(), http::Status::forbidden);
    EXPECT_EQ(rtc_configuration(now, config, {}, "").status(), http::Status::forbidden);
    EXPECT_EQ(rtc_configuration(now, config, {}, "k2").status(), http::Status::ok);
}

TEST(RtcConfiguration, OtherOriginsGetNoAccessAndAStarNoCookies) {
    auto config = options();
    EXPECT_EQ(
        field(rtc_configuration(now, config, {.user = "a", .origin = "https://evil"}), "Access-Control-Allow-Origin"),
        "absent");
    EXPECT_EQ(field(rtc_configuration(now, config, {.user = "a", .origin = "*"}), "Access-Control-Allow-Origin"),
              "absent");
    config.origins.emplace_back("*");
    const auto open = rtc_configuration(now, config, {.user = "a", .origin = "https://evil"});
    EXPECT_EQ(field(open, "Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(field(open, "Access-Control-Allow-Credentials"), "absent");
    EXPECT_EQ(field(rtc_configuration(now, config, {.user = "a", .origin = "https://app.example.org"}),
                    "Access-Control-Allow-Credentials"),
              "true");
    EXPECT_EQ(field(rtc_configuration(now, config, {.user = "a"}), "Access-Control-Allow-Origin"), "absent");
}

TEST(RtcConfiguration, NothingToOfferIs503) {
    auto config = options();
    config.endpoints.clear();
    EXPECT_EQ(rtc_configuration(now, config, {.user = "a"}).status(), http::Status::service_unavailable);
}

TEST(RtcConfiguration, FixedCredentialAndNone) {
    auto config = options();
    config.secrets = nullptr;
    config.fixed = FixedCredential{"gorst", "hero"};
    EXPECT_EQ(server(parsed(rtc_configuration(now, config, {.user = "a"})), 1).text("password"), "hero");
    config.fixed.reset();
    EXPECT_EQ(server(parsed(rtc_configuration(now, config, {.user = "a"})), 1).find("username"), nullptr);
}

TEST(TurnRest, AnswersTheDraft) {
    auto config = options();
    config.api_keys = {"APIKEY"};
    const auto response = turn_rest(now, config, {}, {.service = "turn", .username = "alice", .key = "APIKEY"});
    EXPECT_EQ(response.status(), http::Status::ok);
    EXPECT_EQ(field(response, "Content-Type").substr(0, 16), "application/json");
    const std::string username = "1733086400:alice";
    EXPECT_EQ(body(response),
              R"({"username":")" + username + R"(","password":")" + account::ephemeral_password("north", username) +
                  R"(","ttl":86400,"uris":["turn:turn.example.org:3478?transport=udp",)"
                  R"("turn:turn.example.org:3478?transport=tcp","turns:turn.example.org:5349?transport=tcp"]})");
}

TEST(TurnRest, StatusCodes) {
    auto config = options();
    config.api_keys = {"k"};
    const auto status = [&](const TurnRestQuery& query, const Caller& caller = {}) {
        return http::code(turn_rest(now, config, caller, query).status());
    };
    EXPECT_EQ(status({.service = "turn"}), 401U);
    EXPECT_EQ(status({.service = "turn", .key = "x"}), 403U);
    EXPECT_EQ(status({.service = "turn", .key = "k"}), 200U);
    EXPECT_EQ(status({.service = "turn"}, {.user = "alice"}), 200U);
    EXPECT_EQ(status({.service = "ftp", .key = "k"}), 400U);
    EXPECT_EQ(status({.key = "k"}), 400U);
    EXPECT_EQ(status({.service = "turn", .username = std::string(513, 'x'), .key = "k"}), 400U);
    config.endpoints = {stun_udp};
    EXPECT_EQ(status({.service = "turn", .key = "k"}), 503U);
    EXPECT_EQ(status({.service = "stun", .key = "k"}), 200U);
}

TEST(TurnRest, StunServiceIsAListWithoutCredentials) {
    auto config = options();
    config.open_to_anybody = true;
    const auto answer = parsed(turn_rest(now, config, {}, {.service = "stun"}));
    EXPECT_EQ(answer.find("username"), nullptr);
    ASSERT_EQ(answer.find("uris")->array()->size(), 1U);
    EXPECT_EQ(*answer.find("uris")->array()->at(0).text(), "stun:turn.example.org:3478");
}

TEST(TurnRest, TokenHolderCannotAskForSomebodyElse) {
    const auto answer = parsed(turn_rest(now, options(), {.user = "alice"}, {.service = "turn", .username = "bob"}));
    EXPECT_EQ(answer.text("username"), "1733086400:alice");
}

} // namespace
} // namespace fairlead::rtcconfig
