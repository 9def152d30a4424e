#pragma once

#include "config/model.hpp"
#include "config/node.hpp"
#include "text/ascii.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <type_traits>

/// How each type of the model is spelled. A Codec<T> says what it expects, reads a Node and writes one that reads back
/// as the same value.
namespace fairlead::config {

/// "expected <expected>, found <node>; <hint>"
struct Mismatch {
    const Node* node = nullptr;
    std::string expected;
    std::string hint;
};
using Mismatches = std::vector<Mismatch>;

template <class T>
struct Codec;

/// What is wrong with this very text, when that can be told: "names are not looked up here".
template <class T>
std::string_view hint(std::string_view) {
    return {};
}
template <>
std::string_view hint<net::IpAddress>(std::string_view text);
template <>
std::string_view hint<net::Prefix>(std::string_view text);
template <>
std::string_view hint<AddressMapping>(std::string_view text);

/// A value of a single text. Self has `type` (what the reference says), `expected` (what a message says), parse() and
/// format().
template <class T, class Self>
struct ScalarCodec {
    static constexpr bool is_list = false;
    static constexpr bool is_secret = false;

    static std::optional<T> read(const Node& node, Mismatches& mismatches) {
        std::optional<T> value;
        if (node.kind == Node::Kind::scalar) {
            value = Self::parse(node.text);
        }
        if (!value) {
            mismatches.push_back({&node, std::string(Self::expected), std::string(hint<T>(node.text))});
        }
        return value;
    }
    static Node write(const T& value) { return Node::scalar(Self::format(value)); }
};

/// The words of an enumeration: `static constexpr std::array<std::pair<E, std::string_view>, N> names` and `text`, the
/// sentence that lists them. Letter case does not matter.
template <class E>
struct Keywords;

template <>
struct Keywords<PeerPreset> {
    static constexpr std::string_view text = "public-only, any or list";
    static constexpr std::array<std::pair<PeerPreset, std::string_view>, 3> names = {
        {{PeerPreset::public_only, "public-only"}, {PeerPreset::any, "any"}, {PeerPreset::list, "list"}}};
};
template <>
struct Keywords<TlsVersion> {
    static constexpr std::string_view text = "1.2 or 1.3";
    static constexpr std::array<std::pair<TlsVersion, std::string_view>, 2> names = {
        {{TlsVersion::tls_1_2, "1.2"}, {TlsVersion::tls_1_3, "1.3"}}};
};
template <>
struct Keywords<UserIdForm> {
    static constexpr std::string_view text = "issuer or username";
    static constexpr std::array<std::pair<UserIdForm, std::string_view>, 2> names = {
        {{UserIdForm::issuer, "issuer"}, {UserIdForm::username, "username"}}};
};
template <>
struct Keywords<LogLevel> {
    static constexpr std::string_view text = "debug, info, warning, error or off";
    static constexpr std::array<std::pair<LogLevel, std::string_view>, 6> names = {{{LogLevel::debug, "debug"},
                                                                                    {LogLevel::info, "info"},
                                                                                    {LogLevel::warning, "warning"},
                                                                                    {LogLevel::warning, "warn"},
                                                                                    {LogLevel::error, "error"},
                                                                                    {LogLevel::off, "off"}}};
};
template <>
struct Keywords<LogFormat> {
    static constexpr std::string_view text = "auto, text or json";
    static constexpr std::array<std::pair<LogFormat, std::string_view>, 3> names = {
        {{LogFormat::automatic, "auto"}, {LogFormat::text, "text"}, {LogFormat::json, "json"}}};
};
template <>
struct Keywords<LogAddresses> {
    static constexpr std::string_view text = "shown, masked or hidden";
    static constexpr std::array<std::pair<LogAddresses, std::string_view>, 3> names = {
        {{LogAddresses::shown, "shown"}, {LogAddresses::masked, "masked"}, {LogAddresses::hidden, "hidden"}}};
};
template <>
struct Keywords<bool> {
    static constexpr std::string_view text = "true or false";
    static constexpr std::array<std::pair<bool, std::string_view>, 8> names = {{{true, "true"},
                                                                                {false, "false"},
                                                                                {true, "yes"},
                                                                                {false, "no"},
                                                                                {true, "on"},
                                                                                {false, "off"},
                                                                                {true, "1"},
                                                                                {false, "0"}}};
};

template <class E>
    requires requires { Keywords<E>::names; }
struct Codec<E> : ScalarCodec<E, Codec<E>> {
    static constexpr std::string_view type = Keywords<E>::text;
    static constexpr std::string_view expected = Keywords<E>::text;

    static std::optional<E> parse(std::string_view text) {
        for (const auto& [value, name] : Keywords<E>::names) {
            if (text::equal_ignoring_case(name, text)) {
                return value;
            }
        }
        return std::nullopt;
    }
    static std::string format(E value) {
        return std::string(
            std::ranges::find(Keywords<E>::names, value, &std::pair<E, std::string_view>::first)->second);
    }
};

#define FAIRLEAD_SCALAR_CODEC(TYPE, TEXT, EXPECTED)                                                                    \
    template <>                                                                                                        \
    struct Codec<TYPE> : ScalarCodec<TYPE, Codec<TYPE>> {                                                              \
        static constexpr std::string_view type = TEXT;                                                                 \
        static constexpr std::string_view expected = EXPECTED;                                                         \
        static std::optional<TYPE> parse(std::string_view text);                                                       \
        static std::string format(const TYPE& value);                                                                  \
    }

FAIRLEAD_SCALAR_CODEC(std::uint32_t, "number", "a whole number");
FAIRLEAD_SCALAR_CODEC(std::optional<unsigned>, "auto, or number", "auto or a whole number");
FAIRLEAD_SCALAR_CODEC(std::string, "text", "a text");
FAIRLEAD_SCALAR_CODEC(std::optional<std::string>, "auto, or text", "auto or a text");
FAIRLEAD_SCALAR_CODEC(std::filesystem::path, "path", "a path");
FAIRLEAD_SCALAR_CODEC(std::chrono::seconds, "duration", "a duration such as 90s, 10m, 12h or 7d");
FAIRLEAD_SCALAR_CODEC(std::chrono::milliseconds, "duration", "a duration such as 100ms or 2s");
FAIRLEAD_SCALAR_CODEC(ByteSize, "size", "a size such as 64KiB or 1MiB");
FAIRLEAD_SCALAR_CODEC(PortRange, "port range", "a port or a range such as 49152-65535");
FAIRLEAD_SCALAR_CODEC(net::IpAddress, "address", "an IP address such as 192.0.2.1 or 2001:db8::1");
FAIRLEAD_SCALAR_CODEC(net::Prefix, "address range", "an address range such as 10.0.0.0/8 or 2001:db8::/32");
FAIRLEAD_SCALAR_CODEC(AddressMapping, "PUBLIC or PUBLIC/PRIVATE address",
                      "a public address, or public/private such as 203.0.113.7/10.0.0.7");
FAIRLEAD_SCALAR_CODEC(Secret, "secret", "a secret");

#undef FAIRLEAD_SCALAR_CODEC

/// A list; in YAML a single text may stand for a list of one.
template <class T>
struct Codec<std::vector<T>> {
    static constexpr bool is_list = true;
    static constexpr bool is_secret = std::is_same_v<T, Secret>;

    static inline const std::string type =
        "list of " + std::string(Codec<T>::type) + (Codec<T>::type.ends_with('s') ? "es" : "s");

    static std::optional<std::vector<T>> read(const Node& node, Mismatches& mismatches) {
        std::vector<T> values;
        const auto before = mismatches.size();
        if (node.kind == Node::Kind::scalar) {
            append(node, values, mismatches);
        } else if (node.kind == Node::Kind::sequence) {
            for (const Node& item : node.items) {
                append(item, values, mismatches);
            }
        } else {
            mismatches.push_back({&node, "a list", {}});
        }
        return mismatches.size() == before ? std::optional(std::move(values)) : std::nullopt;
    }

    static Node write(const std::vector<T>& values) {
        std::vector<Node> items;
        for (const T& value : values) {
            items.push_back(Codec<T>::write(value));
        }
        return Node::sequence(std::move(items));
    }

private:
    static void append(const Node& item, std::vector<T>& values, Mismatches& mismatches) {
        if (auto value = Codec<T>::read(item, mismatches)) {
            values.push_back(*std::move(value));
        }
    }
};

/// Addresses to send from; "auto" is the empty list.
template <>
struct Codec<Addresses> {
    static constexpr bool is_list = true;
    static constexpr bool is_secret = false;
    static constexpr std::string_view type = "auto, or list of addresses";
    static std::optional<Addresses> read(const Node& node, Mismatches& mismatches);
    static Node write(const Addresses& addresses);
};

/// Where to listen: "192.0.2.1:3478", "[2001:db8::1]:3478", or "3478" alone for the wildcards of both families.
template <>
struct Codec<TransportAddresses> {
    static constexpr bool is_list = true;
    static constexpr bool is_secret = false;
    static constexpr std::string_view type = "list of ports or address:port";
    static std::optional<TransportAddresses> read(const Node& node, Mismatches& mismatches);
    static Node write(const TransportAddresses& addresses);
};

/// A mapping of names to passwords; outside YAML a list of name:password. 0x and 32 or 64 hexadecimal digits are the
/// key.
template <>
struct Codec<std::vector<User>> {
    static constexpr bool is_list = true;
    static constexpr bool is_secret = true;
    static constexpr std::string_view type = "mapping of names to passwords";
    static std::optional<std::vector<User>> read(const Node& node, Mismatches& mismatches);
    static Node write(const std::vector<User>& users);
};

using TopicLevels = std::map<std::string, LogLevel, std::less<>>;

/// A mapping of topics to levels; outside YAML a list of topic=level.
template <>
struct Codec<TopicLevels> {
    static constexpr bool is_list = true;
    static constexpr bool is_secret = false;
    static constexpr std::string_view type = "mapping of topics to levels";
    static std::optional<TopicLevels> read(const Node& node, Mismatches& mismatches);
    static Node write(const TopicLevels& levels);
};

/// How a refused value is named in a message: its text in quotes, "a list", "nothing".
[[nodiscard]] std::string found(const Node& node, bool secret);

} // namespace fairlead::config
