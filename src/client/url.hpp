#pragma once
// Where a hub answers.

#include <tidings/result.hpp>

#include <string>
#include <string_view>

namespace tidings {

// A hub's address. `base` is the path that every path of the interface begins with: "/api/v1" unless the URL
// has one.
struct Url {
    std::string host;  // without brackets
    std::string port;
    std::string base;

    // "http://HOST[:PORT][/BASE]". Fails with Errc::invalid_field; the detail says what is allowed.
    static Result<Url> parse(std::string_view text);
    // For the Host field: "127.0.0.1:8080", "[::1]:8080".
    std::string authority() const;
};

// A text as it stands in a query: everything but unreserved characters as %XX.
std::string percent_encoded(std::string_view text);

}  // namespace tidings
