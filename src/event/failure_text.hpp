#pragma once
// What an exception says, for a log line or a report.

#include <exception>
#include <string>

namespace tidings {

struct FailureText {
    std::string type;  // "std::runtime_error"
    std::string message;
};

// Anything may have been thrown; never fails but for want of memory.
FailureText failure_text(const std::exception_ptr& error);

}  // namespace tidings
