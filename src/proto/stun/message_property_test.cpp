#include "stun/message.hpp"
#include "stun/writer.hpp"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <utility>
#include <vector>

namespace fairlead::stun {
namespace {

std::vector<std::byte> to_bytes(const std::vector<std::uint8_t>& from) {
    std::vector<std::byte> to;
    for (const std::uint8_t b : from) {
        to.push_back(std::byte{b});
    }
    return to;
}

bool is_special(std::uint16_t type) {
    return type == static_cast<std::uint16_t>(Attribute::message_integrity) ||
           type == static_cast<std::uint16_t>(Attribute::message_integrity_sha256) ||
           type == static_cast<std::uint16_t>(Attribute::fingerprint);
}

RC_GTEST_PROP(StunProperty, WhatIsWrittenIsRead, ()) {
    const auto attributes = *rc::gen::resize(
        40, rc::gen::container<std::vector<std::pair<std::uint16_t, std::vector<std::uint8_t>>>>(rc::gen::pair(
                rc::gen::suchThat(rc::gen::arbitrary<std::uint16_t>(), [](auto t) { return !is_special(t); }),
                rc::gen::arbitrary<std::vector<std::uint8_t>>())));
    RC_PRE(attributes.size() <= max_attributes - 3);
    const auto message_class = *rc::gen::element(Class::request, Class::indication, Class::success, Class::error);
    const auto method = static_cast<Method>(*rc::gen::inRange(0, 0x1000));
    const auto key = to_bytes(*rc::gen::arbitrary<std::vector<std::uint8_t>>());
    TransactionId id{};
    for (std::byte& b : id) {
        b = std::byte{*rc::gen::arbitrary<std::uint8_t>()};
    }
    const bool sha1 = *rc::gen::arbitrary<bool>();
    const bool sha256 = *rc::gen::arbitrary<bool>();
    const bool fingerprint = *rc::gen::arbitrary<bool>();

    std::vector<std::byte> room(8192);
    Writer writer(room, message_class, method, id);
    for (const auto& [type, value] : attributes) {
        writer.put(static_cast<Attribute>(type), Bytes(to_bytes(value)));
    }
    if (sha1) {
        writer.integrity(key);
    }
    if (sha256) {
        writer.integrity_sha256(key);
    }
    if (fingerprint) {
        writer.fingerprint();
    }
    const std::size_t size = writer.finish();
    RC_PRE(size > 0U);

    const auto message = Message::parse(Bytes(room).first(size));
    RC_ASSERT(message.has_value());
    RC_ASSERT(message->message_class() == message_class);
    RC_ASSERT(message->method() == method);
    RC_ASSERT(message->transaction_id() == id);
    RC_ASSERT(message->attribute_count() == attributes.size());
    for (std::size_t i = 0; i < attributes.size(); ++i) {
        const AttributeView view = message->attribute(i);
        RC_ASSERT(view.type == attributes[i].first);
        const auto wanted = to_bytes(attributes[i].second);
        RC_ASSERT(std::equal(view.value.begin(), view.value.end(), wanted.begin(), wanted.end()));
    }
    RC_ASSERT(message->has_fingerprint() == fingerprint);
    RC_ASSERT(message->integrity_matches(key) == sha1);
    RC_ASSERT(message->integrity_sha256_matches(key) == sha256);
}

RC_GTEST_PROP(StunProperty, AddressesSurviveTheXor, ()) {
    TransactionId id{};
    for (std::byte& b : id) {
        b = std::byte{*rc::gen::arbitrary<std::uint8_t>()};
    }
    std::array<std::uint8_t, 16> raw{};
    for (std::uint8_t& b : raw) {
        b = *rc::gen::arbitrary<std::uint8_t>();
    }
    const bool v6 = *rc::gen::arbitrary<bool>();
    const net::TransportAddress address{.address = v6 ? net::IpAddress::v6(raw)
                                                      : net::IpAddress::v4(std::span(raw).first<4>()),
                                        .port = *rc::gen::arbitrary<std::uint16_t>()};
    std::array<std::byte, 128> room{};
    Writer writer(room, Class::success, Method::binding, id);
    writer.xor_address(Attribute::xor_mapped_address, address);
    writer.address(Attribute::alternate_server, address);
    const std::size_t size = writer.finish();
    const auto message = Message::parse(Bytes(room).first(size));
    RC_ASSERT(message.has_value());
    RC_ASSERT(message->xor_address(Attribute::xor_mapped_address) == address);
    RC_ASSERT(decode_xor_address(*message->find(Attribute::xor_mapped_address), id) == address);
    RC_ASSERT(decode_address(*message->find(Attribute::alternate_server)) == address);
}

RC_GTEST_PROP(StunProperty, AnyBytesBehindAHeaderAreRefusedOrCovered, ()) {
    auto body = to_bytes(*rc::gen::arbitrary<std::vector<std::uint8_t>>());
    body.resize(body.size() / 4 * 4);
    std::vector<std::byte> bytes(body.size() + 512);
    Writer header(bytes, Class::request, Method::allocate, {});
    std::ranges::copy(body, bytes.begin() + header_size);
    bytes.resize(header_size + body.size());
    bytes[2] = static_cast<std::byte>(body.size() >> 8U);
    bytes[3] = static_cast<std::byte>(body.size() & 0xffU);
    const auto message = Message::parse(bytes);
    if (message) {
        std::size_t visible = header_size;
        for (std::size_t i = 0; i < message->attribute_count(); ++i) {
            visible += 4 + (message->attribute(i).value.size() + 3) / 4 * 4;
        }
        RC_ASSERT(visible <= bytes.size());
    }
}

} // namespace
} // namespace fairlead::stun
