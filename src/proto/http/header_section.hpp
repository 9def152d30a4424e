#pragma once

#include "bytes/bytes.hpp"
#include "http/fields.hpp"

#include <optional>
#include <string>

namespace fairlead::http {

/// Why the lines in front of the content are not accepted, whatever they say.
enum class HeaderFault : std::uint8_t {
    bad_line_ending,   // CR without LF, LF without CR
    control_character, // NUL and its like
    folded_field,      // a line that begins with a blank (obs-fold)
    start_line_too_long,
    too_large,
    malformed_start_line,
    bad_version,
    malformed_field,
    bad_content_length,
    bad_transfer_encoding,
    too_many_fields,
};

/// Collects a start line and header fields byte by byte, up to the empty line, and refuses at the first byte that
/// cannot be part of them. An empty line in front is skipped once (RFC 9112 section 2.2).
class HeaderSection {
public:
    enum class Step : std::uint8_t { more, complete, faulty };

    /// Takes bytes from the front of `input`, never one behind the empty line.
    [[nodiscard]] Step push(Bytes& input, std::size_t start_line_limit, std::size_t limit);

    [[nodiscard]] HeaderFault fault() const { return fault_; }
    [[nodiscard]] bool is_started() const { return seen_ > 0; }
    /// The start line and the fields with all their line ends; complete after Step::complete.
    [[nodiscard]] const std::string& text() const { return text_; }
    /// Forgets everything and gives the memory back.
    void clear() { *this = HeaderSection{}; }

private:
    Step take(char c, std::size_t start_line_limit, std::size_t limit);
    Step fail(HeaderFault why);

    std::string text_;
    std::size_t seen_ = 0;
    std::size_t line_ = 0; // bytes in this line so far
    HeaderFault fault_{};
    bool after_cr_ = false;
    bool in_start_line_ = true;
};

struct RequestHead {
    std::string method;
    std::string target;
    unsigned minor_version = 1;
    Fields fields;
};
struct ResponseHead {
    unsigned status = 0;
    unsigned minor_version = 1;
    Fields fields;
};

/// Reads a section that HeaderSection has completed. The only functions behind which Beast's parser stands.
[[nodiscard]] std::optional<HeaderFault> read(const std::string& section, std::size_t field_limit, RequestHead& head);
[[nodiscard]] std::optional<HeaderFault> read(const std::string& section, std::size_t field_limit, ResponseHead& head);

/// The value of a Content-Length field: digits only, at most 18 of them. RFC 9110 section 8.6 lets a recipient accept
/// "5, 5"; this one does not.
[[nodiscard]] std::optional<std::uint64_t> parse_content_length(std::string_view value);

} // namespace fairlead::http
