#pragma once
// Errors as RFC 9457 problem documents. The one table from Errc to HTTP status stands in problem.cpp;
// docs/problems.md lists it for users.

#include "http/response.hpp"

#include <tidings/result.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tidings::http {

int status_of(Errc code) noexcept;
// A short text for a person, the same for each occurrence: "The topic is closed".
std::string_view title_of(Errc code) noexcept;
// "urn:tidings:problem:topic-closed". Stable: clients may compare it.
std::string problem_type(Errc code);

// What a problem needs beside the error. A value.
struct ProblemContext {
    std::optional<int> status{};  // instead of the table's: 414, 417, 505
    std::string instance{};       // the request's path, without its query; empty: absent
    std::string allow{};          // for 405
    std::optional<std::chrono::seconds> retry_after{};  // for 429 and 503; absent: 5 s
};

// The document alone, one line: {"type":…,"title":…,"status":…,"detail":…,"instance":…}. As a batch answers
// per item.
std::string problem_json(const Error& error, const ProblemContext& context = {});

// The document with its fields: WWW-Authenticate (RFC 6750 section 3) on 401 and 403, Allow on 405,
// Retry-After on 429 and 503. Nothing of the request is repeated but context.instance and what the detail's
// author chose.
Response problem_response(const Error& error, const ProblemContext& context = {});

}  // namespace tidings::http
