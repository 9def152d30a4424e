// links: relay net
// oracle: the canonical form is idempotent, and every encoding of an IPv4 address gets the verdict of the address.
#include "relay/peer_policy.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <initializer_list>
#include <span>

using namespace fairlead;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

net::IpAddress embed(const net::IpAddress& v4, std::initializer_list<std::uint8_t> head, std::size_t at,
                     std::uint8_t mask = 0) {
    std::array<std::uint8_t, 16> bytes{};
    std::ranges::copy(head, bytes.begin());
    std::ranges::transform(v4.bytes(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                           [&](std::uint8_t b) { return static_cast<std::uint8_t>(b ^ mask); });
    return net::IpAddress::v6(bytes);
}

} // namespace

/// Byte 0: preset and family; two bytes of port; the address; then pairs of a list flag with a length and 16 bytes of
/// prefix.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::span<const std::uint8_t> in(data, size);
    if (in.size() < 19) {
        return 0;
    }
    const std::uint8_t flags = in[0];
    const auto port = static_cast<std::uint16_t>((in[1] << 8U) | in[2]);
    const net::IpAddress v6 = net::IpAddress::v6(in.subspan<3, 16>());
    const net::IpAddress v4 = net::IpAddress::v4(in.subspan<3, 4>());
    in = in.subspan(19);

    relay::PeerPolicyOptions options;
    options.preset = static_cast<relay::PeerPreset>(flags % 3U);
    while (in.size() >= 18 && options.allow.size() + options.deny.size() < 16) {
        const net::IpAddress address =
            (in[0] & 2U) != 0 ? net::IpAddress::v6(in.subspan<2, 16>()) : net::IpAddress::v4(in.subspan<2, 4>());
        auto& list = (in[0] & 1U) != 0 ? options.allow : options.deny;
        list.emplace_back(address, in[1]);
        in = in.subspan(18);
    }
    const relay::PeerPolicy policy(options);

    for (const auto& address : {v4, v6}) {
        const net::IpAddress canonical = relay::canonical(address);
        require(relay::canonical(canonical) == canonical);
        const auto judgement = policy.judge(address);
        require(relay::canonical(judgement.canonical) == judgement.canonical || judgement.canonical == address);
        require(!judgement.explain(address).empty());
        const auto with_port = policy.judge(net::TransportAddress{address, port});
        require(!with_port.allowed() || (judgement.allowed() && port >= 1024));
        if (options.preset == relay::PeerPreset::public_only && options.allow.empty() && judgement.allowed()) {
            require(!relay::special_purpose(canonical));
        }
    }

    // Carriers whose own prefix no rule of this run speaks about: only then is the embedded address all there is.
    relay::PeerPolicyOptions v4_rules = options;
    std::erase_if(v4_rules.allow, [](const net::Prefix& p) { return p.address().is_v6(); });
    std::erase_if(v4_rules.deny, [](const net::Prefix& p) { return p.address().is_v6(); });
    v4_rules.preset = relay::PeerPreset::public_only;
    const relay::PeerPolicy plain(v4_rules);
    const relay::PeerRule expected = plain.judge(v4).rule;
    for (const auto& encoded : {embed(v4, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 12),
                                embed(v4, {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0}, 12),
                                embed(v4, {0, 0x64, 0xff, 0x9b}, 12), embed(v4, {0x20, 0x02}, 2)}) {
        require(relay::canonical(encoded) == v4);
        require(plain.judge(encoded).rule == expected);
    }
    const net::IpAddress isatap = embed(v4, {0x26, 0x06, 0x47, 0, 0, 0, 0, 1, 2, 0, 0x5e, 0xfe}, 12);
    require(relay::canonical(isatap) == v4 && plain.judge(isatap).rule == expected);
    const net::IpAddress teredo = embed(v4, {0x20, 0x01, 0, 0, 65, 54, 227, 120}, 12, 0xff);
    require(relay::canonical(teredo) == v4);
    require(!plain.judge(teredo).allowed() || relay::allows(expected));
    return 0;
}
