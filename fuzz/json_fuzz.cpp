// The input is a text. What the reader accepts, Boost.JSON accepts too and reads the same out of it before
// and after minifying, and the functions that read text where it stands find what Boost.JSON finds. What it
// refuses, Boost.JSON refuses, apart from the escapes of lone surrogates. None of it reads outside of a text
// that was never validated.

#include "base/json.hpp"
#include "base/utf8.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cstdint>
#include <cstdlib>

namespace {

using namespace tidings;

void require(bool holds) {
    if (!holds) std::abort();
}

boost::json::value boost_value(std::string_view text, std::size_t depth_max, boost::json::error_code& ec) {
    boost::json::parse_options options;
    options.max_depth = depth_max;
    return boost::json::parse(boost::json::string_view{text.data(), text.size()}, ec, {}, options);
}

std::string_view view(boost::json::string_view text) { return {text.data(), text.size()}; }

void check_found(std::string_view text, const boost::json::value& expected);

void check_object(std::string_view text, const boost::json::object& expected) {
    const auto members = json_members(text);
    require(members && members->size() >= expected.size());  // repeated names stay in the text
    for (const auto& member : *members) require(expected.contains(member.name));
    for (const auto& [key, value] : expected) {
        const auto last = json_member(text, view(key));
        require(last.has_value());
        check_found(*last, value);
    }
    if (!members->empty()) require(json_members(text, members->size() - 1)->size() == members->size());
}

void check_array(std::string_view text, const boost::json::array& expected) {
    const auto elements = json_elements(text);
    require(elements && elements->size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        check_found((*elements)[i], expected[i]);
        if (i < 4) require(json_pointer(text, "/" + std::to_string(i)) == (*elements)[i]);
    }
}

// That the value at this place of the text is the expected one.
void check_found(std::string_view text, const boost::json::value& expected) {
    require(json_pointer(text, "").has_value());
    require(json_members(text).has_value() == expected.is_object());
    require(json_elements(text).has_value() == expected.is_array());
    if (expected.is_object()) check_object(text, expected.get_object());
    if (expected.is_array()) check_array(text, expected.get_array());
    const auto string = json_string(text);
    require(string.has_value() == expected.is_string());
    if (string) require(*string == view(expected.get_string()));
}

void check_accepted(std::string_view text, const std::string& line, JsonReader& reader,
                    const Limits& limits) {
    require(line.size() <= text.size() && line.find_first_of("\r\n") == std::string::npos);
    require(valid_utf8(line));
    const auto again = reader.minified(line);
    require(again && *again == line);
    boost::json::error_code ec;
    const auto before = boost_value(text, limits.json_depth, ec);
    // simdjson reads 0e99999999999 as zero; Boost.JSON does not look at the zero.
    if (ec == boost::json::error::exponent_overflow) return;
    require(!ec);
    // As text, since Boost.JSON reads 0e400 as NaN, which equals nothing.
    require(boost::json::serialize(boost_value(line, limits.json_depth, ec)) ==
            boost::json::serialize(before));
    require(!ec);
    check_found(line, before);
}

void check_refused(std::string_view text, const Error& error, const Limits& limits) {
    require(error.code == Errc::invalid_json && !error.detail.empty());
    boost::json::error_code ec;
    boost_value(text, limits.json_depth, ec);
    require(ec || error.detail.find("lone surrogate") != std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(bytes), size};
    const Limits limits;
    JsonReader reader{limits};
    const auto line = reader.minified(text);
    if (line) {
        check_accepted(text, *line, reader, limits);
    } else {
        check_refused(text, line.error(), limits);
        json_members(text);
        json_elements(text);
        json_member(text, "a");
    }
    const auto half = text.substr(0, size / 2);
    json_pointer(text.substr(size / 2), half);
    json_pointer(text, "/a/0/b");

    const auto literal = quoted(text);
    require(reader.check(literal).has_value());
    const auto back = json_string(literal);
    require(back.has_value() && (*back == text) == valid_utf8(text));
    return 0;
}
