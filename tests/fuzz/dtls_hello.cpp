// links: dtls net random
//
// What a stranger can make the stateless half of DTLS and the assembly of fragmented hellos do.
#include "dtls/hello_verifier.hpp"
#include "dtls/wire.hpp"
#include "random/seeded.hpp"

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace {

using namespace fairlead;

struct Recorder final : net::Outbox {
    MutableBytes reserve(std::size_t at_most) override {
        room.resize(at_most);
        return room;
    }
    void transmit(const net::FiveTuple& /*path*/, std::size_t length) override { sent += length; }
    std::vector<std::byte> room;
    std::size_t sent = 0;
};

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input = std::as_bytes(std::span(data, size));
    const Now now{Instant{std::chrono::hours(1)}, unix_time(1'800'000'000)};
    const net::FiveTuple path{
        {net::IpAddress::v4(192, 0, 2, 1), 4000}, {net::IpAddress::v4(192, 0, 2, 2), 5349}, net::Transport::dtls};
    SeededRandom random(1);
    dtls::HelloVerifier verifier(random);
    Recorder out;
    const auto verdict = verifier.handle(now, path, input, out);
    require(verdict != dtls::HelloVerifier::Verdict::verified); // nobody can know the key
    require(out.sent == 0 || out.sent < input.size());          // never an amplifier
    require((verdict == dtls::HelloVerifier::Verdict::challenged) == (out.sent > 0));

    // The first byte of each piece says how long it is: the assembler sees the bytes as a series of datagrams.
    dtls::HelloAssembler assembler;
    Bytes rest = input;
    while (!rest.empty()) {
        const std::size_t length =
            std::min<std::size_t>(std::to_integer<std::size_t>(rest.front()) * 4, rest.size() - 1);
        const auto progress = assembler.add(rest.subspan(1, length));
        if (progress == dtls::HelloAssembler::Progress::complete) {
            require(assembler.record().size() <= dtls::record_header_size + dtls::handshake_header_size + 6144);
        }
        rest = rest.subspan(1 + length);
    }
    return 0;
}
