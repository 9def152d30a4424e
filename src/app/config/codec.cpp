#include "config/codec.hpp"

#include "bytes/hex.hpp"
#include "text/ascii.hpp"
#include "text/format.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace fairlead::config {

namespace {

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
    Number value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && stop == end && !text.empty() ? std::optional(value) : std::nullopt;
}

struct Unit {
    std::string_view name;
    std::uint64_t size = 1;
};

/// The sum of number-and-unit pairs ("1h30m"), or a bare number in units of `bare`. Nothing on overflow.
std::optional<std::uint64_t> quantity(std::string_view text, std::span<const Unit> units, std::uint64_t bare) {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    std::uint64_t sum = 0;
    if (text.empty()) {
        return std::nullopt;
    }
    while (!text.empty()) {
        std::uint64_t count = 0;
        const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), count);
        if (error != std::errc()) {
            return std::nullopt;
        }
        text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
        const auto name = text.substr(0, std::min(text.find_first_of("0123456789"), text.size()));
        text.remove_prefix(name.size());
        std::uint64_t size = bare;
        if (!text::trim(name).empty() || !text.empty() || sum != 0) {
            const auto unit = std::ranges::find_if(
                units, [&](std::string_view known) { return text::equal_ignoring_case(known, text::trim(name)); },
                &Unit::name);
            if (unit == units.end()) {
                return std::nullopt;
            }
            size = unit->size;
        }
        if (count > most / size || sum > most - count * size) {
            return std::nullopt;
        }
        sum += count * size;
    }
    return sum;
}

std::string spell(std::uint64_t amount, std::span<const Unit> units_descending) {
    for (const Unit& unit : units_descending) {
        if (amount >= unit.size && amount % unit.size == 0) {
            return fmt::format("{}{}", amount / unit.size, unit.name);
        }
    }
    return fmt::format("{}{}", amount, units_descending.back().name);
}

constexpr std::array<Unit, 5> time_units = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

constexpr std::array<Unit, 7> byte_units = {{{"GiB", std::uint64_t{1} << 30},
                                             {"MiB", std::uint64_t{1} << 20},
                                             {"KiB", std::uint64_t{1} << 10},
                                             {"GB", 1'000'000'000},
                                             {"MB", 1'000'000},
                                             {"kB", 1000},
                                             {"B", 1}}};

/// Keywords without types of their own.
constexpr std::string_view automatic = "auto";

bool looks_like_a_name(std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return text::is_alpha(c) && text::lower(c) > 'f'; });
}

} // namespace

Node Node::scalar(std::string text, Origin at) {
    return {.kind = Kind::scalar, .text = std::move(text), .items = {}, .entries = {}, .at = std::move(at)};
}

Node Node::sequence(std::vector<Node> items, Origin at) {
    return {.kind = Kind::sequence, .text = {}, .items = std::move(items), .entries = {}, .at = std::move(at)};
}

Node Node::mapping(std::vector<Entry> entries, Origin at) {
    return {.kind = Kind::mapping, .text = {}, .items = {}, .entries = std::move(entries), .at = std::move(at)};
}

std::string found(const Node& node, bool secret) {
    switch (node.kind) {
    case Node::Kind::null:
        return "nothing";
    case Node::Kind::sequence:
        return "a list";
    case Node::Kind::mapping:
        return "a mapping";
    case Node::Kind::scalar:
        break;
    }
    if (node.text.empty()) {
        return "an empty text";
    }
    return secret ? "a text that is not shown" : '"' + node.text + '"';
}

// ---- plain values

std::optional<std::uint32_t> Codec<std::uint32_t>::parse(std::string_view text) {
    return whole_number<std::uint32_t>(text);
}
std::string Codec<std::uint32_t>::format(const std::uint32_t& value) {
    return std::to_string(value);
}

std::optional<std::optional<unsigned>> Codec<std::optional<unsigned>>::parse(std::string_view text) {
    if (text::equal_ignoring_case(text, automatic)) {
        return std::optional<unsigned>();
    }
    const auto number = whole_number<unsigned>(text);
    return number ? std::optional(number) : std::nullopt;
}
std::string Codec<std::optional<unsigned>>::format(const std::optional<unsigned>& value) {
    return value ? std::to_string(*value) : std::string(automatic);
}

std::optional<std::string> Codec<std::string>::parse(std::string_view text) {
    return std::string(text);
}
std::string Codec<std::string>::format(const std::string& value) {
    return value;
}

std::optional<std::optional<std::string>> Codec<std::optional<std::string>>::parse(std::string_view text) {
    if (text.empty()) {
        return std::nullopt;
    }
    return text::equal_ignoring_case(text, automatic) ? std::optional<std::string>() : std::string(text);
}
std::string Codec<std::optional<std::string>>::format(const std::optional<std::string>& value) {
    return value ? *value : std::string(automatic);
}

std::optional<std::filesystem::path> Codec<std::filesystem::path>::parse(std::string_view text) {
    return std::filesystem::path(text);
}
std::string Codec<std::filesystem::path>::format(const std::filesystem::path& value) {
    return value.string();
}

// ---- quantities

std::optional<std::chrono::seconds> Codec<std::chrono::seconds>::parse(std::string_view text) {
    const auto amount = quantity(text, std::span(time_units), 1000);
    if (!amount || *amount % 1000 != 0) {
        return std::nullopt;
    }
    return std::chrono::seconds(static_cast<std::int64_t>(*amount / 1000));
}
std::string Codec<std::chrono::seconds>::format(const std::chrono::seconds& value) {
    return spell(static_cast<std::uint64_t>(value.count()) * 1000, std::span(time_units).first<4>());
}

std::optional<std::chrono::milliseconds> Codec<std::chrono::milliseconds>::parse(std::string_view text) {
    const auto amount = quantity(text, std::span(time_units), 1);
    return amount ? std::optional(std::chrono::milliseconds(static_cast<std::int64_t>(*amount))) : std::nullopt;
}
std::string Codec<std::chrono::milliseconds>::format(const std::chrono::milliseconds& value) {
    return spell(static_cast<std::uint64_t>(value.count()), std::span(time_units));
}

std::optional<ByteSize> Codec<ByteSize>::parse(std::string_view text) {
    const auto bytes = quantity(text, std::span(byte_units), 1);
    return bytes ? std::optional(ByteSize{*bytes}) : std::nullopt;
}
std::string Codec<ByteSize>::format(const ByteSize& value) {
    for (const Unit& unit : std::span(byte_units).first<3>()) {
        if (value.bytes >= unit.size && value.bytes % unit.size == 0) {
            return fmt::format("{}{}", value.bytes / unit.size, unit.name);
        }
    }
    return fmt::format("{}B", value.bytes);
}

// ---- addresses and ports

std::optional<PortRange> Codec<PortRange>::parse(std::string_view text) {
    const auto dash = text.find('-');
    const auto first = whole_number<std::uint16_t>(text::trim(text.substr(0, dash)));
    const auto last =
        dash == std::string_view::npos ? first : whole_number<std::uint16_t>(text::trim(text.substr(dash + 1)));
    if (!first || !last || *first > *last) {
        return std::nullopt;
    }
    return PortRange{*first, *last};
}
std::string Codec<PortRange>::format(const PortRange& value) {
    return value.first == value.last ? std::to_string(value.first) : fmt::format("{}-{}", value.first, value.last);
}

template <>
std::string_view hint<net::IpAddress>(std::string_view text) {
    return looks_like_a_name(text) ? "names are not looked up here" : "";
}
std::optional<net::IpAddress> Codec<net::IpAddress>::parse(std::string_view text) {
    return net::IpAddress::parse(text);
}
std::string Codec<net::IpAddress>::format(const net::IpAddress& value) {
    return value.to_string();
}

template <>
std::string_view hint<net::Prefix>(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) {
        return text.find('-') == std::string_view::npos ? "" : "write a range of addresses as address/length";
    }
    const bool sound_halves = net::IpAddress::parse(text.substr(0, slash)) &&
                              whole_number<unsigned>(text.substr(slash + 1)).value_or(999) <= 128;
    return sound_halves ? "the address has bits beyond the length" : "";
}
std::optional<net::Prefix> Codec<net::Prefix>::parse(std::string_view text) {
    return net::Prefix::parse(text);
}
std::string Codec<net::Prefix>::format(const net::Prefix& value) {
    return value.to_string();
}

template <>
std::string_view hint<AddressMapping>(std::string_view text) {
    return looks_like_a_name(text) ? "names are not looked up here" : "";
}
std::optional<AddressMapping> Codec<AddressMapping>::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto advertised = net::IpAddress::parse(text.substr(0, slash));
    if (!advertised) {
        return std::nullopt;
    }
    if (slash == std::string_view::npos) {
        return AddressMapping{*advertised, std::nullopt};
    }
    const auto local = net::IpAddress::parse(text.substr(slash + 1));
    if (!local || local->family() != advertised->family()) {
        return std::nullopt;
    }
    return AddressMapping{*advertised, *local};
}
std::string Codec<AddressMapping>::format(const AddressMapping& value) {
    const auto advertised = value.advertised.to_string();
    return value.local ? advertised + '/' + value.local->to_string() : advertised;
}

std::optional<Addresses> Codec<Addresses>::read(const Node& node, Mismatches& mismatches) {
    if (node.kind == Node::Kind::scalar && text::equal_ignoring_case(node.text, automatic)) {
        return Addresses{};
    }
    if (node.kind == Node::Kind::sequence && node.items.size() == 1) {
        return read(node.items.front(), mismatches);
    }
    Addresses addresses;
    const auto before = mismatches.size();
    const auto items = node.kind == Node::Kind::sequence ? std::span(node.items) : std::span(&node, 1);
    for (const Node& item : items) {
        if (const auto address = Codec<net::IpAddress>::read(item, mismatches)) {
            if (address->is_any()) {
                mismatches.push_back(
                    {&item, "an address of this machine", "leave the list at auto to let the system choose"});
            }
            addresses.push_back(*address);
        }
    }
    return mismatches.size() == before ? std::optional(std::move(addresses)) : std::nullopt;
}

Node Codec<Addresses>::write(const Addresses& addresses) {
    if (addresses.empty()) {
        return Node::scalar(std::string(automatic));
    }
    std::vector<Node> items;
    for (const net::IpAddress& address : addresses) {
        items.push_back(Node::scalar(address.to_string()));
    }
    return Node::sequence(std::move(items));
}

std::optional<TransportAddresses> Codec<TransportAddresses>::read(const Node& node, Mismatches& mismatches) {
    TransportAddresses addresses;
    const auto before = mismatches.size();
    const auto items = node.kind == Node::Kind::sequence ? std::span(node.items) : std::span(&node, 1);
    const auto add = [&](const net::TransportAddress& address, const Node& item) {
        if (std::ranges::find(addresses, address) != addresses.end()) {
            mismatches.push_back({&item, "every address once", address.to_string() + " stands before it in the list"});
        }
        addresses.push_back(address);
    };
    for (const Node& item : items) {
        const auto port = item.kind == Node::Kind::scalar ? whole_number<std::uint16_t>(item.text) : std::nullopt;
        const auto address = item.kind == Node::Kind::scalar ? net::TransportAddress::parse(item.text) : std::nullopt;
        if (port && *port != 0) {
            add({net::IpAddress::any(net::Family::v4), *port}, item);
            add({net::IpAddress::any(net::Family::v6), *port}, item);
        } else if (address && address->port != 0) {
            add(*address, item);
        } else {
            const bool bare = net::IpAddress::parse(item.text).has_value();
            mismatches.push_back({&item, "a port, or address:port such as 192.0.2.1:3478 or [2001:db8::1]:3478",
                                  bare                           ? "the port is missing"
                                  : looks_like_a_name(item.text) ? "names are not looked up here"
                                                                 : ""});
        }
    }
    return mismatches.size() == before ? std::optional(std::move(addresses)) : std::nullopt;
}

Node Codec<TransportAddresses>::write(const TransportAddresses& addresses) {
    std::vector<Node> items;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const auto& here = addresses[i];
        const bool both_wildcards =
            here.address == net::IpAddress::any(net::Family::v4) && i + 1 < addresses.size() &&
            addresses[i + 1] == net::TransportAddress{net::IpAddress::any(net::Family::v6), here.port};
        items.push_back(Node::scalar(both_wildcards ? std::to_string(here.port) : here.to_string()));
        i += both_wildcards ? 1 : 0;
    }
    return Node::sequence(std::move(items));
}

// ---- secrets and users

std::optional<Secret> Codec<Secret>::parse(std::string_view text) {
    return text.empty() ? std::nullopt : std::optional(Secret{std::string(text)});
}
std::string Codec<Secret>::format(const Secret& value) {
    return value.text;
}

namespace {

constexpr std::string_view users_expected = "a mapping of names to passwords";

void read_user(const Node& name, std::string_view credential, const Node& at, std::vector<User>& users,
               Mismatches& mismatches) {
    constexpr std::string_view key_mark = "0x";
    User user{name.text, {}, std::nullopt};
    if (credential.starts_with(key_mark)) {
        const auto key = bytes::from_hex(credential.substr(key_mark.size()));
        if (!key || key->size() != user.key.emplace().size()) {
            mismatches.push_back({&at, "0x and the 32 hexadecimal digits of a key", {}});
            return;
        }
        std::ranges::copy(*key, user.key->begin());
    } else {
        user.password.text = credential;
    }
    if (user.name.empty() || user.name.find(':') != std::string::npos) {
        mismatches.push_back({&name, "a user name without colons", {}});
    } else if (credential.empty()) {
        mismatches.push_back({&at, "a password", {}});
    } else if (std::ranges::find(users, user.name, &User::name) != users.end()) {
        mismatches.push_back({&name, "every user once", user.name + " stands before it in the list"});
    } else {
        users.push_back(std::move(user));
    }
}

} // namespace

std::optional<std::vector<User>> Codec<std::vector<User>>::read(const Node& node, Mismatches& mismatches) {
    std::vector<User> users;
    const auto before = mismatches.size();
    if (node.kind == Node::Kind::mapping) {
        for (const auto& [name, password] : node.entries) {
            if (password.kind == Node::Kind::scalar) {
                read_user(name, password.text, password, users, mismatches);
            } else {
                mismatches.push_back({&password, "a password", {}});
            }
        }
    } else if (node.kind == Node::Kind::sequence) {
        for (const Node& item : node.items) {
            const auto colon = item.text.find(':');
            if (item.kind == Node::Kind::scalar && colon != std::string::npos) {
                read_user(Node::scalar(item.text.substr(0, colon), item.at),
                          std::string_view(item.text).substr(colon + 1), item, users, mismatches);
            } else {
                mismatches.push_back({&item, "name:password", {}});
            }
        }
    } else {
        mismatches.push_back({&node, std::string(users_expected), {}});
    }
    return mismatches.size() == before ? std::optional(std::move(users)) : std::nullopt;
}

Node Codec<std::vector<User>>::write(const std::vector<User>& users) {
    std::vector<Entry> entries;
    for (const User& user : users) {
        entries.push_back(
            {Node::scalar(user.name), Node::scalar(user.key ? "0x" + bytes::to_hex(*user.key) : user.password.text)});
    }
    return Node::mapping(std::move(entries));
}

// ---- log topics

std::optional<TopicLevels> Codec<TopicLevels>::read(const Node& node, Mismatches& mismatches) {
    TopicLevels levels;
    const auto before = mismatches.size();
    if (node.kind == Node::Kind::mapping) {
        for (const auto& [topic, value] : node.entries) {
            if (const auto level = Codec<LogLevel>::read(value, mismatches)) {
                levels.insert_or_assign(topic.text, *level);
            }
        }
    } else if (node.kind == Node::Kind::sequence) {
        for (const Node& item : node.items) {
            const auto equals = item.text.find('=');
            const auto level = equals == std::string::npos
                                   ? std::nullopt
                                   : Codec<LogLevel>::parse(std::string_view(item.text).substr(equals + 1));
            if (level) {
                levels.insert_or_assign(item.text.substr(0, equals), *level);
            } else {
                mismatches.push_back({&item, "topic=level such as turn=debug", {}});
            }
        }
    } else {
        mismatches.push_back({&node, "a mapping of topics to levels", {}});
    }
    return mismatches.size() == before ? std::optional(std::move(levels)) : std::nullopt;
}

Node Codec<TopicLevels>::write(const TopicLevels& levels) {
    std::vector<Entry> entries;
    for (const auto& [topic, level] : levels) {
        entries.push_back({Node::scalar(topic), Codec<LogLevel>::write(level)});
    }
    return Node::mapping(std::move(entries));
}

} // namespace fairlead::config
