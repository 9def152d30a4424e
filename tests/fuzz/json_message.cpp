// links: json
// oracle: both readers accept the same texts; what is written back reads the same.
#include "bytes/bytes.hpp"
#include "json/scan.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"

#include <cstdint>
#include <cstdlib>

using namespace fairlead;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void write(json::Writer& out, const json::Value& value) {
    if (const auto* object = value.object()) {
        out.begin_object();
        for (const auto& member : *object) {
            out.key(member.name);
            write(out, member.value);
        }
        out.end_object();
    } else if (const auto* array = value.array()) {
        out.begin_array();
        for (const auto& element : *array) {
            write(out, element);
        }
        out.end_array();
    } else if (const auto* text = value.text()) {
        out.value(*text);
    } else if (const auto integer = value.integer()) {
        out.value(*integer);
    } else if (const auto natural = value.natural()) {
        out.value(*natural);
    } else if (const auto number = value.number()) {
        out.value(*number);
    } else if (const auto boolean = value.boolean()) {
        out.value(*boolean);
    } else {
        out.null();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
    const json::Limits limits{.size = 64UL * 1024, .depth = 32};

    const auto slice = json::scan(text, limits);
    const auto tree = json::Value::parse(text, limits);
    const bool out_of_range = !tree && tree.error() == json::ParseError::number_out_of_range;
    require(out_of_range || slice.has_value() == tree.has_value());

    const auto members = json::members<2>(text, {"type", "body"}, limits);
    if (members) {
        require(slice && slice->kind == json::Kind::object);
        for (const auto& member : *members) {
            require(!member.present() || json::scan(member.raw, limits).has_value());
        }
    } else {
        require(!slice || slice->kind != json::Kind::object || members.error() == json::ParseError::duplicate_member);
    }

    if (slice) {
        json::Elements elements(*slice);
        while (const auto element = elements.next()) {
            require(json::scan(element->raw, limits).has_value());
        }
        if (const auto decoded = json::text_of(*slice)) {
            std::string again;
            json::append_string(again, *decoded);
            const auto back = json::scan(again, {.size = again.size(), .depth = 1});
            require(back && json::text_of(*back) == decoded);
        }
    }
    if (tree) {
        json::Writer once;
        write(once, *tree);
        const auto back = json::Value::parse(once.text(), {.size = once.text().size(), .depth = 32});
        require(back.has_value());
        json::Writer twice;
        write(twice, *back);
        require(once.text() == twice.text());
    }
    return 0;
}
