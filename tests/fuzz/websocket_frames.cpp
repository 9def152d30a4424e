// links: websocket
// The first byte chooses the size of the pieces, its top bit the role; the rest is what a peer sends.
// oracle: the same bytes in pieces give the same events and the same final answers; memory stays within the limits; a
// connection that has failed stays silent.
#include "random/seeded.hpp"
#include "websocket/connection.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace fairlead;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

constexpr std::size_t message_limit = 500;

struct Outcome {
    std::string events;
    std::string answers;
    bool over = false;
};

void note(const websocket::Event& event, std::string& into) {
    if (const auto* message = std::get_if<websocket::Message>(&event)) {
        require(message->payload.size() <= message_limit);
        if (message->is_text) {
            websocket::Utf8Validator utf8;
            require(utf8.push(message->payload) && utf8.is_complete());
        }
        into.append(message->is_text ? "text " : "binary ").append(message->text());
    } else if (const auto* pong = std::get_if<websocket::PongReceived>(&event)) {
        require(pong->payload.size() <= websocket::control_payload_limit);
        into.append("pong ").append(as_text(pong->payload));
    } else if (const auto* close = std::get_if<websocket::CloseReceived>(&event)) {
        require(close->code == 1005 || websocket::may_be_sent(close->code));
        into.append("close ").append(std::to_string(close->code)).append(close->reason);
    } else {
        into.append("failed ").append(websocket::describe(std::get<websocket::Failed>(event).why));
    }
    into += '\n';
}

Outcome read(Bytes stream, std::size_t piece, websocket::Role role) {
    SeededRandom random(1);
    websocket::Connection connection(role, {.message = message_limit, .fragments = 16}, &random);
    Outcome outcome;
    while (!stream.empty()) {
        Bytes now = stream.first(std::min(piece, stream.size()));
        stream = stream.subspan(now.size());
        do {
            const std::size_t before = now.size();
            const bool was_over = connection.is_input_over();
            const auto event = connection.push(now);
            require(event || now.empty());
            require(!event || !was_over);
            require(now.size() < before || event);
            if (event) {
                note(*event, outcome.events);
            }
        } while (!now.empty());
    }
    connection.write_answers(outcome.answers);
    require(outcome.answers.size() <= 2 * (websocket::control_payload_limit + 6));
    outcome.over = connection.is_input_over();
    return outcome;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const Bytes stream = std::as_bytes(std::span(data, size)).subspan(1);
    const auto role = (data[0] & 0x80U) != 0 ? websocket::Role::client : websocket::Role::server;
    const Outcome whole = read(stream, stream.size(), role);
    const Outcome cut = read(stream, std::size_t{data[0] & 0x7fU} % 20 + 1, role);
    require(whole.events == cut.events && whole.answers == cut.answers && whole.over == cut.over);
    return 0;
}
