#include <tidings/result.hpp>

namespace tidings {

std::string Diagnostic::text() const {
    std::string text = file;
    if (line != 0) {
        text.append(":").append(std::to_string(line));
        if (column != 0) text.append(":").append(std::to_string(column));
    }
    if (!text.empty()) text.append(": ");
    text.append(what);
    if (!hint.empty()) text.append("; ").append(hint);
    return text;
}

}  // namespace tidings
