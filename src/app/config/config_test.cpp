#include "config/dump.hpp"
#include "config/load.hpp"
#include "config/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

namespace fairlead::config {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

std::string contents(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// A directory of its own for each test; messages are compared with it left out.
class Configuration : public testing::Test {
protected:
    Configuration() {
        std::string name = (fs::temp_directory_path() / "fairlead-config-XXXXXX").string();
        directory_ = mkdtemp(name.data());
    }
    ~Configuration() override {
        std::error_code ignored;
        fs::remove_all(directory_, ignored);
    }

    fs::path write(const std::string& name, const std::string& text) {
        const auto path = directory_ / name;
        fs::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }

    void yaml(const std::string& text) { sources_.file = write("f.yaml", text); }
    void environment(const std::string& name, const std::string& value) {
        sources_.environment.emplace_back(name, value);
    }
    void flag(const std::string& path, const std::string& value) {
        sources_.flags.push_back({path, {value}, registry().find(path)->flag(), false});
    }

    Loaded loaded() {
        auto result = load(sources_);
        if (!result) {
            ADD_FAILURE() << testing::PrintToString(lines(result.error()));
            return {};
        }
        return *std::move(result);
    }
    Model model() { return loaded().model; }

    std::vector<std::string> problems() {
        const auto result = load(sources_);
        return result ? std::vector<std::string>{} : lines(result.error());
    }
    std::vector<std::string> warnings() { return lines(loaded().warnings); }

    std::vector<std::string> lines(const Problems& problems) const {
        std::vector<std::string> texts;
        for (const Problem& problem : problems) {
            auto text = problem.to_string();
            const auto prefix = directory_.string() + '/';
            for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
                text.erase(at, prefix.size());
            }
            texts.push_back(text);
        }
        return texts;
    }

    fs::path directory_;
    Sources sources_;
};

// ---- what is refused

TEST_F(Configuration, UnknownKeyIsRefusedWithTheNearestName) {
    yaml("turn:\n  raelm: example.org\n");
    EXPECT_THAT(problems(), ElementsAre("f.yaml:2:3: turn.raelm: unknown key; did you mean \"realm\"?"));
}

TEST_F(Configuration, UnknownSectionIsRefusedWithTheNearestName) {
    yaml("lisen:\n  turn: 3478\n");
    EXPECT_THAT(problems(), ElementsAre("f.yaml:1:1: lisen: unknown key; did you mean \"listen\"?"));
}

TEST_F(Configuration, KeyInTheWrongSectionIsRefusedWithItsPath) {
    yaml("realm: example.org\nturn.software: x\n");
    EXPECT_THAT(
        problems(),
        ElementsAre("f.yaml:1:1: realm: unknown key; did you mean \"turn.realm\"?",
                    "f.yaml:2:1: turn.software: unknown key; write every part of the path on a line of its own, "
                    "indented below the part before"));
}

TEST_F(Configuration, KeyLikeNothingIsRefusedWithWhatThereIs) {
    yaml("web:\n  bandwidth: 1\n");
    EXPECT_THAT(problems(), ElementsAre("f.yaml:2:3: web.bandwidth: unknown key; web has enabled, root"));
}

TEST_F(Configuration, WrongTypeIsRefusedWithWhatIsExpected) {
    yaml("listen:\n"
         "  udp: maybe\n"
         "turn:\n"
         "  lifetimes:\n"
         "    nonce: soon\n"
         "  quotas:\n"
         "    user: [1]\n"
         "    channels: -3\n"
         "log:\n"
         "  format: xml\n"
         "presence:\n"
         "  max-message:\n");
    EXPECT_THAT(
        problems(),
        ElementsAre(
            "f.yaml:2:8: listen.udp: expected true or false, found \"maybe\"",
            "f.yaml:5:12: turn.lifetimes.nonce: expected a duration such as 90s, 10m, 12h or 7d, 10s to 1d, found "
            "\"soon\"",
            "f.yaml:7:11: turn.quotas.user: expected a whole number, found a list",
            "f.yaml:8:15: turn.quotas.channels: expected a whole number, 1 to 4096, found \"-3\"",
            "f.yaml:10:11: log.format: expected auto, text or json, found \"xml\"",
            "f.yaml:12:3: presence.max-message: expected a size such as 64KiB or 1MiB, 1KiB to 1MiB, found nothing"));
}

TEST_F(Configuration, ValueOutOfRangeIsRefusedWithTheRange) {
    yaml("turn:\n"
         "  lifetimes: {nonce: 5s}\n"
         "rtcconfig:\n"
         "  ttl: 1h\n"
         "relay:\n"
         "  ports: 1-100\n"
         "server:\n"
         "  workers: 0\n"
         "presence:\n"
         "  max-message: 2MiB\n");
    EXPECT_THAT(problems(),
                ElementsAre("f.yaml:2:22: turn.lifetimes.nonce: expected 10s to 1d, found \"5s\"",
                            "f.yaml:4:8: rtcconfig.ttl: expected 1m to 2147s, found \"1h\"",
                            "f.yaml:6:10: relay.ports: expected within 1024-65535, at least 2 ports, found \"1-100\"",
                            "f.yaml:8:12: server.workers: expected auto, or 1 to 256, found \"0\"",
                            "f.yaml:10:16: presence.max-message: expected 1KiB to 1MiB, found \"2MiB\""));
}

TEST_F(Configuration, EveryWrongItemOfAListIsRefusedAtItsOwnPlace) {
    yaml("relay:\n"
         "  peers:\n"
         "    allow:\n"
         "      - 10.0.0.0/8\n"
         "      - 10.0.0.1/8\n"
         "      - 10.0.0.1-10.0.0.9\n"
         "listen:\n"
         "  turn: [3478, 192.0.2.1, turn.example.org:3478, 70000]\n");
    EXPECT_THAT(
        problems(),
        ElementsAre(
            "f.yaml:5:9: relay.peers.allow: expected an address range such as 10.0.0.0/8 or 2001:db8::/32, found "
            "\"10.0.0.1/8\"; the address has bits beyond the length",
            "f.yaml:6:9: relay.peers.allow: expected an address range such as 10.0.0.0/8 or 2001:db8::/32, found "
            "\"10.0.0.1-10.0.0.9\"; write a range of addresses as address/length",
            "f.yaml:8:16: listen.turn: expected a port, or address:port such as 192.0.2.1:3478 or "
            "[2001:db8::1]:3478, found \"192.0.2.1\"; the port is missing",
            "f.yaml:8:27: listen.turn: expected a port, or address:port such as 192.0.2.1:3478 or "
            "[2001:db8::1]:3478, found \"turn.example.org:3478\"; names are not looked up here",
            "f.yaml:8:50: listen.turn: expected a port, or address:port such as 192.0.2.1:3478 or "
            "[2001:db8::1]:3478, found \"70000\""));
}

TEST_F(Configuration, DuplicateKeyTabAndBrokenYamlAreRefused) {
    yaml("turn:\n  realm: a\n  realm: b\n");
    EXPECT_THAT(problems(), ElementsAre("f.yaml:3:3: \"realm\" is here twice; it stands first in line 2"));
    yaml("turn:\n\trealm: a\n");
    EXPECT_THAT(problems(), ElementsAre("f.yaml:2:1: a tab; YAML is indented with spaces only"));
    yaml("turn: {realm: a\n");
    EXPECT_THAT(problems(), ElementsAre(StartsWith("f.yaml:2:1: not YAML: ")));
    yaml("- turn\n");
    EXPECT_THAT(problems(), ElementsAre("f.yaml:1:1: expected sections such as turn:, found a list"));
    yaml("turn: yes\n");
    EXPECT_THAT(problems(), ElementsAre("f.yaml:1:7: turn: expected a section of options, found a text"));
}

TEST_F(Configuration, UnreadableFileIsRefusedWithTheSystemsReason) {
    sources_.file = directory_ / "none.yaml";
    EXPECT_THAT(problems(), ElementsAre("none.yaml: cannot read none.yaml: No such file or directory"));
    sources_.file = directory_;
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("it is a directory")));
    yaml(std::string(2'000'000, '#'));
    EXPECT_THAT(problems(), ElementsAre("f.yaml: cannot read f.yaml: it is larger than 1 MiB"));
}

TEST_F(Configuration, MoreFilesThatCannotBeListedAreRefused) {
    yaml("turn: {realm: x}\n");
    write("conf.d", "a file where a directory should be");
    EXPECT_THAT(problems(), ElementsAre("conf.d: cannot be read: Not a directory"));
}

TEST_F(Configuration, AllProblemsOfAllSourcesAreToldAtOnceInOrder) {
    yaml("turn:\n  raelm: a\n  fingerprint: perhaps\n");
    write("conf.d/10-more.yaml", "web: {root: /nowhere/at/all, colour: red}\n");
    environment("FAIRLEAD_LOG__LEVEL", "loud");
    flag("relay.ports", "9-1");
    EXPECT_THAT(
        problems(),
        ElementsAre("f.yaml:2:3: turn.raelm: unknown key; did you mean \"realm\"?",
                    "f.yaml:3:16: turn.fingerprint: expected true or false, found \"perhaps\"",
                    "conf.d/10-more.yaml:1:13: web.root: /nowhere/at/all is not a directory",
                    "conf.d/10-more.yaml:1:30: web.colour: unknown key; web has enabled, root",
                    "environment FAIRLEAD_LOG__LEVEL: log.level: expected debug, info, warning, error or off, found "
                    "\"loud\"",
                    "flag --relay-ports: relay.ports: expected a port or a range such as 49152-65535, within "
                    "1024-65535, at least 2 ports, found \"9-1\""));
}

TEST_F(Configuration, UnknownVariableOfOursIsRefusedAndSomebodyElsesIsNot) {
    environment("FAIRLEAD_TURN__RAELM", "x");
    environment("FAIRLEAD_PORT_3478_UDP", "udp://10.0.0.1:3478");
    EXPECT_THAT(problems(),
                ElementsAre("environment FAIRLEAD_TURN__RAELM: no such option; did you mean FAIRLEAD_TURN__REALM?"));
}

TEST_F(Configuration, VariableWithASingleUnderscoreIsWarnedAbout) {
    environment("FAIRLEAD_LOG_LEVEL", "debug");
    EXPECT_THAT(warnings(),
                ElementsAre("environment FAIRLEAD_LOG_LEVEL: is ignored; did you mean FAIRLEAD_LOG__LEVEL?"));
}

TEST_F(Configuration, UnknownSetKeyIsRefused) {
    sources_.flags.push_back({"turn.raelm", {"x"}, "--set turn.raelm", false});
    EXPECT_THAT(problems(), ElementsAre("flag --set turn.raelm: no such option; did you mean turn.realm?"));
}

// ---- rules between options

TEST_F(Configuration, OneAddressCannotServeTwoThings) {
    yaml("listen:\n  http: 8080\n  admin: 127.0.0.1:8080\n");
    EXPECT_THAT(problems(),
                ElementsAre("f.yaml:3:10: listen.admin: 127.0.0.1:8080 is taken by listen.http (0.0.0.0:8080)"));
    yaml("listen:\n  turn: 443\n  tcp: false\n  https: 443\n");
    EXPECT_THAT(problems(), IsEmpty()) << "UDP and TCP ports are different ports";
}

TEST_F(Configuration, RulesBetweenOptionsAreToldWhereOneWasSet) {
    yaml("turn:\n"
         "  lifetimes: {allocation: 2h}\n"
         "  longest-credential-life: 1h\n"
         "rtcconfig:\n"
         "  allowed-origins: ['*', 'https://a.example']\n"
         "relay: {addresses: 10.0.0.7, peers: {policy: list}}\n"
         "tls: {key: /etc/hostname}\n"
         "advertise: {relay-addresses: [203.0.113.7, 203.0.113.8/10.0.0.8]}\n");
    EXPECT_THAT(
        problems(),
        ElementsAre(
            "f.yaml:2:27: turn.lifetimes.allocation: is longer than turn.lifetimes.allocation-max",
            "f.yaml:3:28: rtcconfig.credential-life: is longer than turn.longest-credential-life, so that the server "
            "would refuse its own credentials",
            "f.yaml:5:20: rtcconfig.allowed-origins: \"*\" is every origin; it stands alone",
            "f.yaml:6:46: relay.peers.policy: list accepts what relay.peers.allow lists, and that is empty",
            "f.yaml:7:12: tls.key: needs tls.certificate, too",
            "f.yaml:8:30: advertise.relay-addresses: 203.0.113.7 and 203.0.113.8 replace the same address",
            "f.yaml:8:30: advertise.relay-addresses: 10.0.0.8 is not among relay.addresses"));
}

TEST_F(Configuration, UserNameThatNoClientCanSendIsRefused) {
    yaml("turn: {users: {\"a\\x01b\": secret}}\n");
    EXPECT_THAT(problems(), ElementsAre(StartsWith("f.yaml:1:15: turn.users: a")));
    yaml("turn: {users: {" + std::string(600, 'a') + ": secret}}\n");
    EXPECT_THAT(problems(), ElementsAre(StartsWith("f.yaml:1:15: turn.users: aaa")));
}

TEST_F(Configuration, RuleIsNotToldWhereOneOfItsValuesCouldNotBeRead) {
    yaml("turn: {lifetimes: {allocation: 2h, allocation-max: long}}\n");
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("turn.lifetimes.allocation-max: expected a duration")));
}

TEST_F(Configuration, MissingCertificateIsRefusedWithItsName) {
    yaml("tls: {certificate: /nowhere/cert.pem, key: /nowhere/key.pem}\n");
    EXPECT_THAT(problems(),
                ElementsAre("f.yaml:1:20: tls.certificate: cannot read /nowhere/cert.pem: No such file or directory",
                            "f.yaml:1:44: tls.key: cannot read /nowhere/key.pem: No such file or directory"));
}

TEST_F(Configuration, UnreadableKeyIsRefusedWithOwnerAndMode) {
    if (geteuid() == 0) {
        GTEST_SKIP() << "root reads everything";
    }
    const auto key = write("key.pem", "x");
    fs::permissions(key, fs::perms::none);
    yaml("tls: {certificate: /etc/hostname, key: " + key.string() + "}\n");
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("Permission denied; it belongs to ")));
}

TEST_F(Configuration, OpenAdminListenerAndWeakSecretAreWarnedAbout) {
    yaml("listen: {admin: 9641}\nturn: {secrets: [north]}\n");
    EXPECT_THAT(warnings(), Contains(HasSubstr("listen.admin: 0.0.0.0:9641 is not a loopback address")));
    EXPECT_THAT(warnings(), Contains(HasSubstr("turn.secrets: a secret of less than 16 characters")));
}

// ---- values

TEST_F(Configuration, NothingAtAllIsAValidConfiguration) {
    const auto here = loaded();
    EXPECT_THAT(here.warnings, IsEmpty());
    EXPECT_EQ(here.model.server.state_dir, ".run");
    EXPECT_EQ(here.model.relay.ports, (PortRange{49152, 65535}));
}

TEST_F(Configuration, SectionsWithEverythingCommentedOutAreEmpty) {
    yaml("turn:\n#  realm: x\nlisten:\n");
    EXPECT_EQ(model().turn.realm, "fairlead");
}

TEST_F(Configuration, ValuesArriveInTheirTypes) {
    yaml("server: {workers: 4, drain-timeout: 1h30m}\n"
         "listen: {turn: [3478, '[2001:db8::1]:53'], turn-tls: [], admin: '[::1]:9641'}\n"
         "advertise: {host: turn.example.org, relay-addresses: [203.0.113.7/10.0.0.7, '2001:db8::7']}\n"
         "relay: {addresses: [10.0.0.7, '2001:db8::9'], ports: 50000-50999,\n"
         "        peers: {policy: any, allow: [127.0.0.0/8], deny: ['2001:db8::/32', 192.0.2.1], lowest-port: 0}}\n"
         "turn:\n"
         "  users: {alice: wonderland, bob: 0x00112233445566778899aabbccddeeff}\n"
         "  secrets: [0123456789abcdef, fedcba9876543210]\n"
         "presence: {max-message: 128KiB, pace: 0, user-id: username}\n"
         "log: {topics: {turn: debug, http: warn}}\n"
         "tls: {min-version: 1.3}\n");
    const Model m = model();
    EXPECT_EQ(m.server.workers, 4U);
    EXPECT_EQ(m.server.drain_timeout, 5400s);
    EXPECT_THAT(m.listen.turn,
                ElementsAre(*net::TransportAddress::parse("0.0.0.0:3478"), *net::TransportAddress::parse("[::]:3478"),
                            *net::TransportAddress::parse("[2001:db8::1]:53")));
    EXPECT_THAT(m.listen.turn_tls, IsEmpty());
    EXPECT_EQ(m.advertise.host, "turn.example.org");
    ASSERT_EQ(m.advertise.relay_addresses.size(), 2U);
    EXPECT_EQ(m.advertise.relay_addresses[0].local, net::IpAddress::v4(10, 0, 0, 7));
    EXPECT_EQ(m.advertise.relay_addresses[1].local, std::nullopt);
    EXPECT_EQ(m.relay.peers.deny.at(1).to_string(), "192.0.2.1/32");
    EXPECT_EQ(m.relay.peers.lowest_port, 0U);
    ASSERT_EQ(m.turn.users.size(), 2U);
    EXPECT_EQ(m.turn.users[0].password.text, "wonderland");
    EXPECT_EQ(m.turn.users[1].key.value()[1], std::byte{0x11});
    EXPECT_EQ(m.turn.secrets.at(0).text, "0123456789abcdef");
    EXPECT_EQ(m.presence.max_message.bytes, 131072U);
    EXPECT_EQ(m.presence.pace, 0ms);
    EXPECT_EQ(m.presence.user_id, UserIdForm::username);
    EXPECT_EQ(m.log.topics.at("http"), LogLevel::warning);
    EXPECT_EQ(m.tls.min_version, TlsVersion::tls_1_3);
}

TEST_F(Configuration, QuantitiesAreReadWithUnitsAndRefusedWithoutSense) {
    const auto life = [&](const std::string& text) {
        sources_.flags.clear();
        flag("turn.longest-credential-life", text);
        const auto result = load(sources_);
        // Twelve hours is the life of our own credentials, which may not be longer.
        return result ? result->model.turn.longest_credential_life : -1s;
    };
    EXPECT_EQ(life("86400"), 86400s);
    EXPECT_EQ(life("2d"), 172800s);
    EXPECT_EQ(life("1d12h"), 129600s);
    EXPECT_EQ(life("24 h"), 86400s);
    EXPECT_EQ(life("0"), 0s);
    for (const auto* wrong :
         {"", "d", "1w", "-1d", "1.5d", "1d12", "99999999999999999999s", "9223372036854775807d", "30s"}) {
        EXPECT_EQ(life(wrong), -1s) << wrong;
    }
}

TEST_F(Configuration, ListsInTheEnvironmentAreSeparatedByCommasOrAreYaml) {
    environment("FAIRLEAD_RELAY__PEERS__ALLOW", "10.0.0.0/8, 127.0.0.0/8");
    environment("FAIRLEAD_LOG__TOPICS", "{turn: debug}");
    environment("FAIRLEAD_LISTEN__HTTP", "[]");
    const Model m = model();
    EXPECT_EQ(m.relay.peers.allow.size(), 2U);
    EXPECT_EQ(m.log.topics.at("turn"), LogLevel::debug);
    EXPECT_THAT(m.listen.http, IsEmpty());
}

TEST_F(Configuration, EmptyVariableCountsAsUnset) {
    environment("FAIRLEAD_TURN__REALM", "");
    EXPECT_EQ(model().turn.realm, "fairlead");
}

TEST_F(Configuration, NamesThatThePresenceServerIsKnownByAreRead) {
    environment("PRESENCE_PACE_MS", "250");
    environment("PRESENCE_USERID", "username");
    EXPECT_EQ(model().presence.pace, 250ms);
    EXPECT_EQ(model().presence.user_id, UserIdForm::username);
}

// ---- precedence and origin

TEST_F(Configuration, LaterSourcesWinAndAreNamed) {
    const auto seen = [&] {
        const Model m = model();
        auto origin = m.origins.of("turn.realm").to_string();
        origin.replace(0, origin.starts_with(directory_.string()) ? directory_.string().size() + 1 : 0, "");
        return m.turn.realm + " from " + origin;
    };
    EXPECT_EQ(seen(), "fairlead from default");
    yaml("turn:\n  realm: main\n");
    EXPECT_EQ(seen(), "main from f.yaml:2:10");
    write("conf.d/10-a.yaml", "turn: {realm: ten}\n");
    write("conf.d/05-b.yaml", "turn: {realm: five}\n");
    write("conf.d/99-note.txt", "not YAML: [");
    EXPECT_EQ(seen(), "ten from conf.d/10-a.yaml:1:15");
    environment("FAIRLEAD_TURN__REALM", "variable");
    EXPECT_EQ(seen(), "variable from environment FAIRLEAD_TURN__REALM");
    flag("turn.realm", "flag");
    EXPECT_EQ(seen(), "flag from flag --turn-realm");
    sources_.flags.push_back({"turn.realm", {"set"}, "--set turn.realm", false});
    EXPECT_EQ(seen(), "set from flag --set turn.realm");
}

TEST_F(Configuration, ListReplacesTheListOfAnEarlierSource) {
    yaml("turn:\n  users: {alice: a1, bob: b1}\n");
    write("conf.d/users.yaml", "turn: {users: {carol: c1}}\n");
    const Model m = model();
    ASSERT_EQ(m.turn.users.size(), 1U);
    EXPECT_EQ(m.turn.users[0].name, "carol");
}

TEST_F(Configuration, DevelopmentModeChangesDefaultsAndNothingThatWasSet) {
    flag("server.dev", "true");
    yaml("log: {level: error}\n");
    const Model m = model();
    EXPECT_EQ(m.log.level, LogLevel::error);
    EXPECT_TRUE(m.rtcconfig.open);
    EXPECT_EQ(m.origins.of("rtcconfig.open").to_string(), "default of --dev");
    EXPECT_THAT(m.relay.peers.allow, Contains(*net::Prefix::parse("127.0.0.0/8")));
}

TEST_F(Configuration, StateDirectoryComesFromSystemdWhenNobodySaysOtherwise) {
    environment("STATE_DIRECTORY", "/var/lib/fairlead:/var/lib/other");
    EXPECT_EQ(model().server.state_dir, "/var/lib/fairlead");
    EXPECT_EQ(model().origins.of("server.state-dir").to_string(), "environment STATE_DIRECTORY");
    flag("server.state-dir", "/srv/fairlead");
    EXPECT_EQ(model().server.state_dir, "/srv/fairlead");
}

// ---- secrets

TEST_F(Configuration, SecretsComeFromFilesOneALine) {
    const auto file = write("secret", "first-secret-of-all\r\nsecond-secret-of-all\n\n");
    const auto users = write("users", "alice:won:der,land\n");
    environment("FAIRLEAD_TURN__SECRETS_FILE", file.string());
    yaml("turn:\n  users-file: " + users.string() + "\n");
    sources_.flags.push_back({"rtcconfig.api-keys", {file.string()}, "--rtcconfig-api-keys-file", true});
    const Model m = model();
    ASSERT_EQ(m.turn.secrets.size(), 2U);
    EXPECT_EQ(m.turn.secrets[0].text, "first-secret-of-all");
    EXPECT_EQ(m.turn.secrets[1].text, "second-secret-of-all");
    EXPECT_EQ(m.turn.users.at(0).password.text, "won:der,land");
    EXPECT_EQ(m.rtcconfig.api_keys.size(), 2U);
    EXPECT_EQ(m.origins.of("turn.secrets").to_string(), file.string() + ":1:1");
}

TEST_F(Configuration, SecretFileThatIsMissingOrEmptyIsRefused) {
    environment("FAIRLEAD_TURN__SECRETS_FILE", (directory_ / "none").string());
    yaml("turn:\n  users-file: " + write("empty", "\n").string() + "\n");
    EXPECT_THAT(problems(),
                ElementsAre("f.yaml:2:15: turn.users: empty is empty",
                            "environment FAIRLEAD_TURN__SECRETS_FILE: turn.secrets: cannot read none: No such "
                            "file or directory"));
}

TEST_F(Configuration, SecretBothWrittenAndInAFileIsRefused) {
    yaml("turn:\n  secrets: [0123456789abcdef]\n  secrets-file: /etc/hostname\n");
    EXPECT_THAT(problems(), ElementsAre("f.yaml:3:3: turn.secrets-file: \"secrets\" is here, too; use one"));
}

TEST_F(Configuration, SecretOnTheCommandLineIsRefusedWithTheWayThatWorks) {
    sources_.flags.push_back({"turn.secrets", {"abc"}, "--set turn.secrets", false});
    EXPECT_THAT(problems(),
                ElementsAre("flag --set turn.secrets: turn.secrets: the command line is visible to every user of "
                            "the machine; use --turn-secrets-file, FAIRLEAD_TURN__SECRETS_FILE or the "
                            "configuration file"));
}

TEST_F(Configuration, SecretBothInAVariableAndInAFileIsRefused) {
    environment("FAIRLEAD_TURN__SECRETS", "0123456789abcdef");
    environment("FAIRLEAD_TURN__SECRETS_FILE", "/etc/hostname");
    EXPECT_THAT(problems(),
                ElementsAre("environment FAIRLEAD_TURN__SECRETS_FILE: turn.secrets: FAIRLEAD_TURN__SECRETS is "
                            "set, too; use one"));
}

TEST_F(Configuration, NoMessageAndNoDumpShowsASecret) {
    yaml("turn:\n"
         "  secrets: {hush-hush: hush-hush}\n"
         "  users: {alice: 0xhush-hush, bob: ''}\n"
         "rtcconfig:\n"
         "  api-keys: [[hush-hush]]\n");
    const auto told = problems();
    EXPECT_EQ(told.size(), 4U);
    EXPECT_THAT(told, Not(Contains(HasSubstr("hush"))));

    yaml("turn:\n  secrets: [hush-hush-hush-hush]\n  users: {alice: hush-hush}\nrtcconfig:\n  api-keys: [hush-hush]\n");
    const auto text = dump(model(), {.origin = true});
    EXPECT_THAT(text, Not(HasSubstr("hush")));
    EXPECT_THAT(text, HasSubstr("# secrets: 1 not shown"));
}

// ---- dump and reference

TEST_F(Configuration, DumpReadsBackAsTheSameConfiguration) {
    yaml("server: {workers: 2, drain-timeout: 90s, dev: true, state-dir: 'a: b #c'}\n"
         "listen: {turn: [3478, '[2001:db8::1]:53', '192.0.2.1:3479'], https: [], udp: no}\n"
         "advertise: {host: '2001:db8::1', relay-addresses: [203.0.113.7/10.0.0.7]}\n"
         "relay: {peers: {policy: list, allow: ['::1', 10.0.0.0/8]}}\n"
         "turn: {realm: 'null', software: \"tab\\t and \\\"quotes\\\"\"}\n"
         "presence: {pace: 1500ms, max-message: 1025}\n"
         "log: {topics: {turn: debug}, format: json}\n");
    const auto first = dump(model());
    yaml(first);
    EXPECT_EQ(dump(model()), first);
    EXPECT_EQ(model().turn.software, "tab\t and \"quotes\"");
    EXPECT_EQ(model().presence.max_message.bytes, 1025U);
}

TEST_F(Configuration, DumpOfTheDefaultsReadsBackAsTheDefaults) {
    const auto first = dump(Model{});
    yaml(first);
    EXPECT_EQ(dump(model()), dump(load({}).value().model));
}

TEST_F(Configuration, DumpNamesTheOriginOfEveryValue) {
    yaml("turn:\n  realm: example.org\n");
    environment("FAIRLEAD_LOG__LEVEL", "debug");
    const auto text = dump(model(), {.origin = true});
    EXPECT_THAT(text, testing::ContainsRegex("  realm: example.org +# .*f.yaml:2:10\n"));
    EXPECT_THAT(text, testing::ContainsRegex("  level: debug +# environment FAIRLEAD_LOG__LEVEL\n"));
    EXPECT_THAT(text, testing::ContainsRegex("  fingerprint: false +# default\n"));
    yaml(text);
    EXPECT_EQ(model().turn.realm, "example.org") << "origins are comments";
}

TEST(Registry, NamesFollowFromThePath) {
    const Option& option = *registry().find("turn.lifetimes.allocation-max");
    EXPECT_EQ(option.environment(), "FAIRLEAD_TURN__LIFETIMES__ALLOCATION_MAX");
    EXPECT_EQ(option.flag(), "--turn-lifetimes-allocation-max");
    EXPECT_EQ(option.leaf(), "allocation-max");
}

TEST(Registry, EveryOptionIsDescribedAndNamedOnce) {
    std::set<std::string> names;
    for (const Option& option : registry().options()) {
        EXPECT_TRUE(option.description.ends_with('.')) << option.path;
        EXPECT_FALSE(option.type.empty()) << option.path;
        EXPECT_TRUE(names.insert(option.environment()).second) << option.path;
        EXPECT_TRUE(names.insert(option.flag()).second) << option.path;
        EXPECT_TRUE(registry().is_section(option.path.substr(0, option.path.rfind('.')))) << option.path;
        for (const std::string& alias : option.aliases) {
            EXPECT_TRUE(names.insert(alias).second) << alias;
        }
    }
}

TEST(Registry, EveryDefaultIsAValueThatItsOptionAccepts) {
    const Model defaults;
    for (const Option& option : registry().options()) {
        Model model;
        Problems problems;
        EXPECT_TRUE(option.read(option.write(defaults), model, problems)) << option.path;
        if (option.dev_default) {
            EXPECT_TRUE(option.read(*option.dev_default, model, problems)) << option.path;
        }
        EXPECT_THAT(problems, IsEmpty()) << option.path;
    }
}

TEST(Reference, PageInDocsIsCurrent) {
    EXPECT_EQ(contents(fs::path(FAIRLEAD_SOURCE_DIR) / "docs/configuration.md"), reference())
        << "write it anew: fairlead config reference > docs/configuration.md";
}

TEST_F(Configuration, ExampleForProductionLoadsWithoutAWarning) {
    // Its files are put where this test may write.
    auto text = contents(fs::path(FAIRLEAD_SOURCE_DIR) / "examples/fairlead.yaml");
    const std::string installed = "/etc/fairlead/";
    for (auto at = text.find(installed); at != std::string::npos; at = text.find(installed)) {
        text.replace(at, installed.size(), directory_.string() + '/');
    }
    write("tls/fullchain.pem", "certificate");
    write("tls/privkey.pem", "key");
    write("turn-secret", "0123456789abcdef0123456789abcdef\n");
    yaml(text);
    EXPECT_THAT(warnings(), IsEmpty());
    EXPECT_EQ(model().turn.secrets.size(), 1U);
    EXPECT_EQ(model().advertise.host, "turn.example.org");
}

TEST_F(Configuration, CommentedOutOptionsOfTheExampleAreRightToo) {
    std::istringstream lines(contents(fs::path(FAIRLEAD_SOURCE_DIR) / "examples/fairlead.yaml"));
    std::set<std::string> names;
    for (const Option& option : registry().options()) {
        names.emplace(option.leaf());
        names.insert(std::string(option.leaf()) + "-file");
    }
    int options = 0;
    for (std::string line; std::getline(lines, line);) {
        const auto start = line.find("# ");
        const auto colon = line.find(": ");
        const bool is_option = start != std::string::npos && start == line.find_first_not_of(' ') &&
                               colon != std::string::npos && line.find(' ', start + 2) > colon;
        if (is_option) {
            EXPECT_THAT(names, Contains(line.substr(start + 2, colon - start - 2)));
            ++options;
        }
    }
    EXPECT_EQ(options, 5);
}

} // namespace
} // namespace fairlead::config
