#include "cli/cli.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace fairlead::cli {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

class CommandLine : public testing::Test {
protected:
    CommandLine() {
        std::string name = (fs::temp_directory_path() / "fairlead-cli-XXXXXX").string();
        directory_ = mkdtemp(name.data());
        programs_.serve = [this](const config::Loaded& loaded, const config::Sources& sources) {
            served_ = loaded.model;
            sources_ = sources;
            return 42;
        };
    }
    ~CommandLine() override {
        std::error_code ignored;
        fs::remove_all(directory_, ignored);
    }

    std::string write(const std::string& name, const std::string& text) {
        std::ofstream(directory_ / name) << text;
        return (directory_ / name).string();
    }

    int run(std::vector<std::string> arguments) {
        out_.str({});
        err_.str({});
        return cli::run(arguments, programs_, {out_, err_, environment_, default_file_});
    }
    std::string out() const { return out_.str(); }
    std::string err() const { return err_.str(); }

    fs::path directory_;
    Programs programs_;
    std::vector<std::pair<std::string, std::string>> environment_;
    std::optional<fs::path> default_file_;
    std::optional<config::Model> served_;
    config::Sources sources_;
    std::ostringstream out_;
    std::ostringstream err_;
};

// ---- serve

TEST_F(CommandLine, ServeReadsFlagsOfEveryKindAndReturnsTheServersCode) {
    EXPECT_EQ(run({"serve", "--dev", "--turn-realm", "example.org", "--listen-dtls=false", "--listen-turn", "3479",
                   "--relay-peers-allow", "10.0.0.0/8", "--relay-peers-allow=192.168.0.0/16", "--log-topics",
                   "turn=debug,http=error", "--turn-fingerprint", "--set", "turn.quotas.user=3", "--set",
                   "server.workers=2"}),
              42)
        << err();
    ASSERT_TRUE(served_);
    EXPECT_TRUE(served_->server.dev);
    EXPECT_EQ(served_->turn.realm, "example.org");
    EXPECT_FALSE(served_->listen.dtls);
    EXPECT_TRUE(served_->listen.udp);
    EXPECT_TRUE(served_->turn.fingerprint);
    EXPECT_EQ(served_->listen.turn.front().port, 3479);
    EXPECT_EQ(served_->relay.peers.allow.size(), 2U);
    EXPECT_EQ(served_->log.topics.size(), 2U);
    EXPECT_EQ(served_->turn.quotas.user, 3U);
    EXPECT_EQ(served_->server.workers, 2U);
    EXPECT_EQ(served_->origins.of("turn.realm").to_string(), "flag --turn-realm");
    EXPECT_EQ(served_->origins.of("turn.quotas.user").to_string(), "flag --set turn.quotas.user");
}

TEST_F(CommandLine, TheLastOfARepeatedFlagWins) {
    EXPECT_EQ(run({"serve", "--turn-realm", "one", "--turn-realm", "two", "--listen-udp", "--listen-udp=false"}), 42)
        << err();
    EXPECT_EQ(served_->turn.realm, "two");
    EXPECT_FALSE(served_->listen.udp);
}

TEST_F(CommandLine, ServeDoesNotStartOnAWrongConfiguration) {
    EXPECT_EQ(run({"serve", "--turn-realm", "", "--set", "log.level=loud"}), exit_code::usage);
    EXPECT_FALSE(served_);
    EXPECT_EQ(err(), "flag --turn-realm: turn.realm: expected 1 to 127 characters, found an empty text\n"
                     "flag --set log.level: log.level: expected debug, info, warning, error or off, found \"loud\"\n"
                     "fairlead: the configuration has 2 mistakes\n");
}

TEST_F(CommandLine, FileComesFromTheFlagElseTheVariableElseTheUsualPlace) {
    const auto usual = write("usual.yaml", "turn: {realm: usual}\n");
    const auto variable = write("variable.yaml", "turn: {realm: variable}\n");
    const auto flag = write("flag.yaml", "turn: {realm: flag}\n");
    default_file_ = usual;
    EXPECT_EQ(run({"serve"}), 42);
    EXPECT_EQ(served_->turn.realm, "usual");
    environment_.emplace_back("FAIRLEAD_CONFIG", variable);
    EXPECT_EQ(run({"serve"}), 42);
    EXPECT_EQ(served_->turn.realm, "variable");
    EXPECT_EQ(run({"serve", "--config", flag}), 42);
    EXPECT_EQ(served_->turn.realm, "flag");
    EXPECT_EQ(run({"serve", "--no-config"}), 42);
    EXPECT_EQ(served_->turn.realm, "fairlead");
}

TEST_F(CommandLine, ServerCanReadEverythingAgain) {
    const auto file = write("f.yaml", "turn: {realm: before}\n");
    EXPECT_EQ(run({"serve", "-c", file, "--turn-software", "x"}), 42);
    write("f.yaml", "turn: {realm: after}\n");
    const auto again = config::load(sources_);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->model.turn.realm, "after");
    EXPECT_EQ(again->model.turn.software, "x");
}

TEST_F(CommandLine, SecretsHaveNoFlagButOneThatNamesAFile) {
    EXPECT_EQ(run({"serve", "--turn-secrets", "0123456789abcdef"}), exit_code::usage);
    EXPECT_THAT(err(), HasSubstr("--turn-secrets-file"));
    EXPECT_EQ(run({"serve", "--turn-secrets-file", write("secret", "0123456789abcdef\n")}), 42) << err();
    EXPECT_EQ(served_->turn.secrets.at(0).text, "0123456789abcdef");
}

TEST_F(CommandLine, WithoutAServerThereIsNoServe) {
    programs_.serve = nullptr;
    EXPECT_EQ(run({"serve"}), exit_code::usage);
}

// ---- mistakes on the command line

TEST_F(CommandLine, UnknownFlagAndCommandAreRefusedWithTheNearestOne) {
    EXPECT_EQ(run({"serve", "--turn-relm=x"}), exit_code::usage);
    EXPECT_EQ(err(), "there is no flag --turn-relm; did you mean --turn-realm?\n");
    EXPECT_EQ(run({"sevre"}), exit_code::usage);
    EXPECT_EQ(err(), "there is no command sevre; did you mean serve?\n");
    EXPECT_EQ(run({"config", "dmup"}), exit_code::usage);
    EXPECT_EQ(err(), "there is no command dmup; did you mean dump?\n");
    EXPECT_EQ(run({"check-peer", "192.0.2.1", "192.0.2.2"}), exit_code::usage);
    EXPECT_EQ(err(), "there is no use for 192.0.2.2\n");
    EXPECT_EQ(run({}), exit_code::usage);
    EXPECT_THAT(err(), HasSubstr("check-config"));
    EXPECT_EQ(run({"config"}), exit_code::usage);
    EXPECT_THAT(err(), HasSubstr("reference"));
    EXPECT_EQ(run({"serve", "--set", "realm"}), exit_code::usage);
    EXPECT_EQ(err(), "--set realm: expected KEY=VALUE\n");
}

TEST_F(CommandLine, HelpExplainsEveryOptionWithItsDefault) {
    EXPECT_EQ(run({"serve", "--help"}), exit_code::ok);
    EXPECT_THAT(out(), AllOf(HasSubstr("--turn-quotas-user"), HasSubstr("[20]"), HasSubstr("--turn-secrets-file"),
                             Not(HasSubstr("--turn-secrets "))));
    const auto text = out();
    EXPECT_EQ(run({"help", "serve"}), exit_code::ok);
    EXPECT_THAT(out(), HasSubstr("--turn-quotas-user"));
    EXPECT_EQ(run({"help", "config", "dump"}), exit_code::ok);
    EXPECT_THAT(out(), HasSubstr("--origin"));
    EXPECT_EQ(run({"help", "sevre"}), exit_code::usage);
    EXPECT_EQ(run({"--help"}), exit_code::ok);
    EXPECT_THAT(out(), AllOf(HasSubstr("check-config"), HasSubstr("credential"), HasSubstr("health")));
}

// ---- configuration

TEST_F(CommandLine, CheckConfigTellsEveryMistakeAndEndsWith2) {
    const auto file = write("f.yaml", "turn:\n  raelm: x\n  fingerprint: perhaps\n");
    EXPECT_EQ(run({"check-config", file}), exit_code::usage);
    EXPECT_EQ(err(), file + ":2:3: turn.raelm: unknown key; did you mean \"realm\"?\n" + file +
                         ":3:16: turn.fingerprint: expected true or false, found \"perhaps\"\n"
                         "fairlead: the configuration has 2 mistakes\n");
    EXPECT_THAT(out(), IsEmpty());
}

TEST_F(CommandLine, CheckConfigOfARightFileEndsWith0AndTellsWarnings) {
    const auto file = write("f.yaml", "listen: {admin: 9641}\n");
    EXPECT_EQ(run({"check-config", file}), exit_code::ok);
    EXPECT_EQ(out(), "read " + file + "\nthe configuration is right\n");
    EXPECT_THAT(err(), StartsWith("warning: " + file + ":1:17: listen.admin: "));
}

TEST_F(CommandLine, ConfigDumpShowsOriginsAndNoSecrets) {
    const auto file = write("f.yaml", "turn: {secrets: [hush-hush-hush-hush]}\n");
    EXPECT_EQ(run({"config", "dump", "--origin", "--redacted", "-c", file, "--set", "log.level=debug"}), exit_code::ok);
    EXPECT_THAT(out(), AllOf(HasSubstr("# flag --set log.level"), HasSubstr("# secrets: 1 not shown"),
                             HasSubstr("# " + file + ":1:17"), Not(HasSubstr("hush"))));
}

TEST_F(CommandLine, ConfigReferenceIsTheDocument) {
    EXPECT_EQ(run({"config", "reference"}), exit_code::ok);
    EXPECT_THAT(out(), StartsWith("# Configuration\n"));
}

// ---- check-peer

TEST_F(CommandLine, CheckPeerNamesTheRuleThatDecides) {
    EXPECT_EQ(run({"check-peer", "192.168.1.1"}), exit_code::failed);
    EXPECT_THAT(out(), HasSubstr("192.168.0.0/16"));
    EXPECT_EQ(run({"check-peer", "[::ffff:127.0.0.1]:5000"}), exit_code::failed);
    EXPECT_THAT(out(), HasSubstr("127.0.0.0/8"));
    EXPECT_EQ(run({"check-peer", "93.184.216.34:5000"}), exit_code::ok);
    EXPECT_EQ(run({"check-peer", "93.184.216.34:22"}), exit_code::failed);
    EXPECT_EQ(run({"check-peer", "10.1.2.3", "--set", "relay.peers.allow=10.1.0.0/16"}), exit_code::ok);
    EXPECT_THAT(out(), HasSubstr("10.1.0.0/16"));
    EXPECT_EQ(run({"check-peer", "example.org"}), exit_code::usage);
}

// ---- credential

TEST_F(CommandLine, CredentialIsMadeWithTheSecretOfAFile) {
    programs_.host = [](const config::Model&) { return "turn.example.org"; };
    EXPECT_EQ(run({"credential", "alice", "--secret-file", write("secret", "north\n"), "--life", "1h", "--json"}),
              exit_code::ok)
        << err();
    EXPECT_THAT(out(),
                MatchesRegex("\\{\"username\":\"[0-9]+:alice\",\"password\":\"[A-Za-z0-9+/=]{28}\",\"expires\":[0-9]+,"
                             "\"iceServers\":\\[.*turn:turn\\.example\\.org:3478\\?transport=udp.*\\]\\}\n"));
}

TEST_F(CommandLine, CredentialUsesTheSecretThatTheServerMade) {
    write("turn-secret", "0123456789abcdef0123456789abcdef\n");
    EXPECT_EQ(run({"credential", "bob", "--set", "server.state-dir=" + directory_.string()}), exit_code::ok) << err();
    EXPECT_THAT(out(), AllOf(HasSubstr(":bob\npassword:"), HasSubstr("\niceServers: ["), Not(HasSubstr("0123456789"))));
}

TEST_F(CommandLine, CredentialWithoutASecretSaysWhereItLooked) {
    EXPECT_EQ(run({"credential", "bob", "--set", "server.state-dir=" + directory_.string()}), exit_code::failed);
    EXPECT_THAT(err(), AllOf(HasSubstr("no secret"), HasSubstr((directory_ / "turn-secret").string())));
    EXPECT_FALSE(fs::exists(directory_ / "turn-secret"));
    EXPECT_EQ(run({"credential", "--life", "soon"}), exit_code::usage);
}

// ---- health

/// Answers one connection on loopback and ends.
class OneAnswer {
public:
    explicit OneAnswer(std::string answer) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        // The sockets interface is made of this cast.
        auto* generic = reinterpret_cast<sockaddr*>(&address); // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
        EXPECT_EQ(::bind(listener_, generic, length), 0);
        EXPECT_EQ(::listen(listener_, 1), 0);
        EXPECT_EQ(::getsockname(listener_, generic, &length), 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this, answer = std::move(answer)] {
            const int connection = ::accept(listener_, nullptr, nullptr);
            char room[1024];
            const auto received = ::recv(connection, room, sizeof room, 0);
            request_.assign(room, static_cast<std::size_t>(received > 0 ? received : 0));
            ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
            ::close(connection);
        });
    }
    ~OneAnswer() {
        join();
        ::close(listener_);
    }
    OneAnswer(const OneAnswer&) = delete;
    OneAnswer& operator=(const OneAnswer&) = delete;

    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] std::string request() {
        join();
        return request_;
    }

private:
    void join() {
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::thread thread_;
    std::string request_;
};

TEST_F(CommandLine, HealthAsksTheAdminListenerAndEndsWith0WhenItIsWell) {
    OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_EQ(run({"health", "--set", "listen.admin=" + server.address()}), exit_code::ok) << err();
    EXPECT_EQ(out(), "200 ok\n");
    EXPECT_THAT(server.request(), StartsWith("GET /healthz HTTP/1.1\r\n"));
}

TEST_F(CommandLine, HealthEndsWith1WhenTheServerIsNotReady) {
    OneAnswer server("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 8\r\n\r\ndraining");
    EXPECT_EQ(run({"health", "--ready", "--address", server.address()}), exit_code::failed);
    EXPECT_EQ(out(), "503 draining\n");
    EXPECT_THAT(server.request(), StartsWith("GET /readyz HTTP/1.1\r\n"));
}

TEST_F(CommandLine, HealthEndsWith1WhenNobodyAnswers) {
    std::string address;
    {
        OneAnswer server("nonsense\r\n\r\n");
        address = server.address();
        EXPECT_EQ(run({"health", "--address", address}), exit_code::failed);
        EXPECT_THAT(err(), StartsWith("http://" + address + "/healthz: "));
    }
    EXPECT_EQ(run({"health", "--address", address}), exit_code::failed);
    EXPECT_EQ(err(), "http://" + address + "/healthz: Connection refused\n");
    EXPECT_EQ(run({"health", "--address", "localhost"}), exit_code::usage);
}

// ---- version and completion

TEST_F(CommandLine, VersionIsPrinted) {
    EXPECT_EQ(run({"version"}), exit_code::ok);
    EXPECT_THAT(out(), MatchesRegex("fairlead [0-9]+\\.[0-9]+\\.[0-9]+\n"));
    const auto text = out();
    EXPECT_EQ(run({"--version"}), exit_code::ok);
    EXPECT_EQ(out(), text);
    EXPECT_EQ(run({"version", "--json"}), exit_code::ok);
    EXPECT_THAT(out(), AllOf(StartsWith("{\"name\":\"fairlead\",\"version\":\""), HasSubstr("\"openssl\":\"3.")));
}

TEST_F(CommandLine, BashCompletionKnowsCommandsFlagsAndKeys) {
    EXPECT_EQ(run({"completion", "bash"}), exit_code::ok);
    const auto script = write("completion", out());
    const auto complete = [&](const std::string& words) {
        const auto command = "bash -c '. " + script + "; COMP_WORDS=(" + words +
                             "); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _fairlead; echo \"${COMPREPLY[@]}\"'";
        std::string text;
        FILE* pipe = popen(command.c_str(), "r");
        for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
            text += static_cast<char>(c);
        }
        EXPECT_EQ(pclose(pipe), 0);
        return text;
    };
    EXPECT_EQ(complete("fairlead check-"), "check-config check-peer\n");
    EXPECT_EQ(complete("fairlead serve --turn-sec"), "--turn-secrets-file\n");
    EXPECT_EQ(complete("fairlead serve --set turn.rea"), "turn.realm=\n");
    EXPECT_EQ(run({"completion", "fish"}), exit_code::usage);
}

} // namespace
} // namespace fairlead::cli
