// links: stun
// One datagram. oracle: what parses, written again from what is visible, parses to the same; nothing behind the
// integrity is visible; every view lies inside the datagram.
#include "stun/writer.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

using namespace fairlead;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

bool is_integrity(std::uint16_t type) {
    return type == static_cast<std::uint16_t>(stun::Attribute::message_integrity) ||
           type == static_cast<std::uint16_t>(stun::Attribute::message_integrity_sha256) ||
           type == static_cast<std::uint16_t>(stun::Attribute::fingerprint);
}

void same_when_written_again(const stun::Message& message) {
    std::vector<std::byte> room(stun::max_message);
    stun::Writer writer(room, message.message_class(), message.method(), message.transaction_id());
    for (std::size_t i = 0; i < message.attribute_count(); ++i) {
        const stun::AttributeView attribute = message.attribute(i);
        require(!is_integrity(attribute.type));
        writer.put(static_cast<stun::Attribute>(attribute.type), attribute.value);
    }
    const std::size_t size = writer.finish();
    require(size != 0 && size <= message.bytes().size());
    const auto again = stun::Message::parse(Bytes(room).first(size));
    require(again.has_value());
    require(again->message_class() == message.message_class() && again->method() == message.method());
    require(again->transaction_id() == message.transaction_id());
    require(again->attribute_count() == message.attribute_count());
    for (std::size_t i = 0; i < message.attribute_count(); ++i) {
        require(again->attribute(i).type == message.attribute(i).type);
        require(std::ranges::equal(again->attribute(i).value, message.attribute(i).value));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes bytes = std::as_bytes(std::span(data, size));
    const auto message = stun::Message::parse(bytes);
    if (!message) {
        require(!stun::describe(message.error()).empty());
        return 0;
    }
    for (std::size_t i = 0; i < message->attribute_count(); ++i) {
        const Bytes value = message->attribute(i).value;
        require(value.data() >= bytes.data() && value.data() + value.size() <= bytes.data() + bytes.size());
        (void)message->xor_address(value);
        (void)stun::decode_address(value);
    }
    (void)message->error_code();
    (void)message->integrity_matches(as_bytes("key"));
    (void)message->integrity_sha256_matches(as_bytes("key"));
    same_when_written_again(*message);
    return 0;
}
