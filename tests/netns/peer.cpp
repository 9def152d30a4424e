// fairlead-peer: one side of a conversation through NATs. Started twice, once behind each, by a driver that carries
// lines from the standard output of the one to the standard input of the other, as signaling would.
//
//   mapped ADDRESS     how the server sees our socket           (direct; again for --second-server)
//   relayed ADDRESS    our relayed transport address            (relay)
//   peer ADDRESS       on standard input: the other side's
//   ready              the permission is there                  (relay); "go" on standard input begins
//   exchanged N        N messages arrived from the other side   (exit code 0)
//   nothing            not one did                              (exit code 3)
//   failed REASON      no allocation, no permission, too little (exit code 2)

#include "socket.hpp"

#include "process/clock.hpp"
#include "process/random.hpp"
#include "stun/message.hpp"
#include "stun/writer.hpp"
#include "text/format.hpp"
#include "turn/client.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <cstdio>
#include <functional>
#include <iostream>
#include <optional>
#include <set>
#include <stdexcept>

namespace fairlead::peer {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

struct Options {
    net::TransportAddress server;
    std::optional<net::TransportAddress> second_server;
    bool tcp = false;
    std::string username;
    std::string password;
    unsigned messages = 50;
    unsigned enough = 0; // messages that must arrive; 0: all
    bool channel = false;
    milliseconds patience = 8s;
};

constexpr int exit_failed = 2;
constexpr int exit_nothing = 3;
constexpr milliseconds interval = 20ms;

void say(const std::string& line) {
    std::puts(line.c_str());
    std::fflush(stdout);
}

net::TransportAddress parse_address(const std::string& text) {
    const auto address = net::TransportAddress::parse(text);
    if (!address) {
        throw std::runtime_error("not an address with a port: " + text);
    }
    return *address;
}

net::TransportAddress ask_for_peer() {
    std::string word;
    std::string text;
    if (!(std::cin >> word >> text) || word != "peer") {
        throw std::runtime_error("expected \"peer ADDRESS\" on standard input");
    }
    return parse_address(text);
}

/// Where the client puts what it sends: straight into the socket.
class SocketOutbox final : public net::Outbox {
public:
    SocketOutbox(Socket& socket, const net::TransportAddress& server) : socket_(socket), server_(server) {}

    MutableBytes reserve(std::size_t at_most) override {
        room_.resize(at_most);
        return room_;
    }
    void transmit(const net::FiveTuple&, std::size_t length) override {
        socket_.send(server_, Bytes(room_).first(length));
    }

private:
    Socket& socket_;
    net::TransportAddress server_;
    std::vector<std::byte> room_;
};

/// What both sides say to each other: "message 7".
class Conversation {
public:
    explicit Conversation(const Options& options) : options_(options) {}

    [[nodiscard]] bool all_said() const { return said_ == options_.messages; }
    [[nodiscard]] bool all_heard() const { return heard_.size() == options_.messages; }
    [[nodiscard]] std::string next() { return fmt::format("message {}", said_++); }

    void hear(Bytes data) {
        constexpr std::string_view opening = "message ";
        std::string_view text = as_text(data);
        if (!text.starts_with(opening)) {
            return;
        }
        text.remove_prefix(opening.size());
        unsigned number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error == std::errc{} && end == text.data() + text.size() && number < options_.messages) {
            heard_.insert(number);
        }
    }

    [[nodiscard]] int conclude() const {
        if (heard_.empty()) {
            say("nothing");
            return exit_nothing;
        }
        if (heard_.size() < (options_.enough == 0 ? options_.messages : options_.enough)) {
            say(fmt::format("failed only {} of {} messages arrived", heard_.size(), options_.messages));
            return exit_failed;
        }
        say(fmt::format("exchanged {}", heard_.size()));
        return 0;
    }

private:
    const Options& options_;
    unsigned said_ = 0;
    std::set<unsigned> heard_;
};

/// A TURN client at a socket, driven until something has happened.
class Connection {
public:
    explicit Connection(const Options& options)
        : options_(options),
          socket_(options.tcp ? Socket::tcp(options.server, options.patience) : Socket::udp(options.server.family())),
          outbox_(socket_, options.server),
          client_(config(options), path(options), random_) {}

    net::TransportAddress mapped_address() {
        client_.bind(process::steady_now(), outbox_);
        return await<turn::ClientBound>().mapped;
    }
    /// How another server sees the same socket: elsewhere, behind a NAT whose mapping depends on the endpoint.
    net::TransportAddress mapped_address_at(const net::TransportAddress& server) {
        stun::TransactionId id{};
        random_.fill(id);
        std::array<std::byte, stun::header_size> room{};
        stun::Writer request(room, stun::Class::request, stun::Method::binding, id);
        const std::size_t length = request.finish();
        std::optional<net::TransportAddress> mapped;
        for (const Instant give_up = process::steady_now() + options_.patience; !mapped;) {
            if (process::steady_now() >= give_up) {
                throw std::runtime_error("the second server does not answer");
            }
            socket_.send(server, Bytes(room).first(length));
            socket_.receive(200ms, [&](const net::TransportAddress& from, Bytes message) {
                const auto answer = stun::Message::parse(message);
                if (from == server && answer && answer->transaction_id() == id) {
                    mapped = answer->xor_address(stun::Attribute::xor_mapped_address);
                }
            });
        }
        return *mapped;
    }
    net::TransportAddress relayed_address() {
        client_.allocate(process::steady_now(), {}, outbox_);
        return await<turn::ClientAllocated>().relayed;
    }
    void prepare(const net::TransportAddress& peer) {
        if (options_.channel) {
            client_.bind_channel(process::steady_now(), 0x4000, peer, outbox_);
            static_cast<void>(await<turn::ClientChannelBound>());
        } else {
            client_.permit(process::steady_now(), std::span(&peer, 1), outbox_);
            static_cast<void>(await<turn::ClientPermitted>());
        }
    }

    /// Through the relay.
    void talk(const net::TransportAddress& peer, Conversation& conversation) {
        run(conversation,
            [&](const std::string& text) { client_.send(process::steady_now(), peer, as_bytes(text), outbox_); });
        client_.refresh(process::steady_now(), 0s, outbox_);
        static_cast<void>(await<turn::ClientRefreshed>());
    }

    /// From the same socket straight to the other side: hole punching.
    void punch(const net::TransportAddress& peer, Conversation& conversation) {
        direct_ = &conversation;
        run(conversation, [&](const std::string& text) { socket_.send(peer, as_bytes(text)); });
    }

private:
    static turn::ClientConfig config(const Options& options) {
        turn::ClientConfig config;
        config.username = options.username;
        config.password = options.password;
        config.rto = 200ms;
        return config;
    }
    static net::FiveTuple path(const Options& options) {
        return {{net::IpAddress::any(options.server.family()), 0},
                options.server,
                options.tcp ? net::Transport::tcp : net::Transport::udp};
    }

    // One message each interval, until both sides have said and heard everything or patience ends.
    template <class Say>
    void run(Conversation& conversation, Say&& say_text) {
        const Instant give_up = process::steady_now() + options_.patience;
        Instant due = process::steady_now();
        while (process::steady_now() < give_up && !(conversation.all_said() && conversation.all_heard())) {
            if (process::steady_now() >= due && !conversation.all_said()) {
                say_text(conversation.next());
                due += interval;
            }
            listen(5ms, [&](const turn::ClientEvent& event) {
                if (const auto* data = std::get_if<turn::ClientData>(&event)) {
                    conversation.hear(data->data);
                }
            });
        }
    }

    template <class Event>
    Event await() {
        const Instant give_up = process::steady_now() + options_.patience;
        std::optional<Event> happened;
        while (!happened) {
            if (process::steady_now() >= give_up) {
                throw std::runtime_error("the server does not answer");
            }
            listen(20ms, [&](const turn::ClientEvent& event) {
                if (const auto* expected = std::get_if<Event>(&event)) {
                    happened = *expected;
                } else if (const auto* failure = std::get_if<turn::ClientFailed>(&event)) {
                    throw std::runtime_error(
                        fmt::format("{} {} {}", stun::describe(failure->method), failure->error, failure->reason));
                }
            });
        }
        return *happened;
    }

    // Events are told while the message that they refer to is still there.
    void listen(milliseconds patience, const std::function<void(const turn::ClientEvent&)>& tell) {
        const auto tell_all = [&] {
            for (const turn::ClientEvent& event : client_.take_events()) {
                tell(event);
            }
        };
        socket_.receive(patience, [&](const net::TransportAddress& from, Bytes message) {
            if (from == options_.server) {
                client_.handle(process::steady_now(), message, outbox_);
                tell_all();
            } else if (direct_ != nullptr) {
                direct_->hear(message);
            }
        });
        if (client_.next_timeout() <= process::steady_now()) {
            client_.handle_timeout(process::steady_now(), outbox_);
            tell_all();
        }
    }

    const Options& options_;
    process::SystemRandom random_;
    Socket socket_;
    SocketOutbox outbox_;
    turn::Client client_;
    Conversation* direct_ = nullptr;
};

int direct(const Options& options) {
    Connection connection(options);
    say("mapped " + connection.mapped_address().to_string());
    if (options.second_server) {
        say("mapped " + connection.mapped_address_at(*options.second_server).to_string());
    }
    Conversation conversation(options);
    connection.punch(ask_for_peer(), conversation);
    return conversation.conclude();
}

int relay(const Options& options) {
    Connection connection(options);
    say("relayed " + connection.relayed_address().to_string());
    const auto peer = ask_for_peer();
    connection.prepare(peer);
    // Both begin when both have their permission: what comes earlier is dropped, as it must be.
    say("ready");
    if (std::string go; !(std::cin >> go)) {
        throw std::runtime_error("expected \"go\" on standard input");
    }
    Conversation conversation(options);
    connection.talk(peer, conversation);
    return conversation.conclude();
}

} // namespace
} // namespace fairlead::peer

int main(int argc, char** argv) {
    using namespace fairlead;
    peer::Options options;
    std::string server;
    std::string second_server;
    CLI::App app("One side of a conversation through NATs.", "fairlead-peer");
    app.require_subcommand(1);
    CLI::App& direct_mode = *app.add_subcommand("direct", "Straight to the other side, by hole punching");
    CLI::App& relay_mode = *app.add_subcommand("relay", "From our relayed transport address to the other side's");
    for (CLI::App* mode : {&direct_mode, &relay_mode}) {
        mode->add_option("--server", server, "The STUN and TURN server")->required();
        mode->add_option("--messages", options.messages, "How many each side sends");
        mode->add_option("--enough", options.enough, "How many must arrive (default: all)");
        mode->add_option_function<int>(
            "--patience-ms", [&](int ms) { options.patience = std::chrono::milliseconds{ms}; }, "For each step");
    }
    direct_mode.add_option("--second-server", second_server, "Another STUN server");
    relay_mode.add_flag("--tcp", options.tcp, "To the server over TCP");
    relay_mode.add_flag("--channel", options.channel, "Through a channel instead of Send indications");
    relay_mode.add_option("--user", options.username, "Long-term credentials")->required();
    relay_mode.add_option("--password", options.password, "Long-term credentials")->required();
    CLI11_PARSE(app, argc, argv);
    try {
        options.server = peer::parse_address(server);
        if (!second_server.empty()) {
            options.second_server = peer::parse_address(second_server);
        }
        return direct_mode ? peer::direct(options) : peer::relay(options);
    } catch (const std::exception& error) {
        peer::say(std::string("failed ") + error.what());
        return peer::exit_failed;
    }
}
