#include "config/origin.hpp"

#include "config/model.hpp"
#include "config/node.hpp"
#include "text/format.hpp"

namespace fairlead::config {

std::string Origin::to_string() const {
    switch (kind) {
    case Kind::builtin:
        return "default";
    case Kind::dev:
        return "default of --dev";
    case Kind::file:
        return line == 0 ? name : fmt::format("{}:{}:{}", name, line, column);
    case Kind::environment:
        return "environment " + name;
    case Kind::flag:
        return "flag " + name;
    }
    return name;
}

std::string Problem::to_string() const {
    return key.empty() ? fmt::format("{}: {}", at.to_string(), message)
                       : fmt::format("{}: {}: {}", at.to_string(), key, message);
}

Origin Origins::of(std::string_view path) const {
    const auto origin = by_path_.find(path);
    return origin == by_path_.end() ? Origin{} : origin->second;
}

void Origins::set(std::string_view path, Origin origin) {
    by_path_.insert_or_assign(std::string(path), std::move(origin));
}

} // namespace fairlead::config
