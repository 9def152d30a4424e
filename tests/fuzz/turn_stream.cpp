// links: turn
// The first byte chooses the size of the pieces; the rest is a stream. oracle: the same bytes in pieces give the same
// messages and the same error; no message is longer than announced; the buffer is bounded by what has arrived.
#include "turn/stream_framer.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

using namespace fairlead;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

struct Outcome {
    std::vector<std::vector<std::byte>> messages;
    std::optional<turn::FramingError> error;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome frame(Bytes stream, std::size_t piece) {
    turn::StreamFramer framer(8'192);
    Outcome outcome;
    std::size_t arrived_in_all = 0;
    while (!stream.empty()) {
        Bytes arrived = stream.first(std::min(piece, stream.size()));
        stream = stream.subspan(arrived.size());
        arrived_in_all += arrived.size();
        for (;;) {
            const std::size_t before = arrived.size();
            const auto message = framer.next(arrived);
            require(framer.buffered() <= std::max<std::size_t>(2 * arrived_in_all, 64));
            if (!message) {
                outcome.error = message.error();
                return outcome;
            }
            if (!*message) {
                require(arrived.empty());
                break;
            }
            require((*message)->size() >= 4 && (*message)->size() <= 8'192 && arrived.size() <= before);
            outcome.messages.emplace_back((*message)->begin(), (*message)->end());
        }
    }
    return outcome;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::size_t piece = std::size_t{data[0]} + 1;
    const Bytes stream = std::as_bytes(std::span(data, size)).subspan(1);
    const Outcome whole = frame(stream, stream.size());
    require(frame(stream, piece) == whole);
    require(frame(stream, 1) == whole);
    return 0;
}
