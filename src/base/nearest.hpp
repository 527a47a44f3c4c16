#pragma once
// "Did you mean ...?": the name that a person most likely meant.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

// The candidate with the least edit distance (insert, remove, change, swap of neighbours; letter case counts
// little), if it is near enough to be a slip of the finger: at most a third of the name. Ties go to the
// earlier candidate. Names above 64 bytes have no nearest.
std::optional<std::string> nearest(std::string_view name, const std::vector<std::string>& candidates);

// "did you mean 'x'?", or "" where nothing is near.
std::string nearest_hint(std::string_view name, const std::vector<std::string>& candidates);

// "a, b, c".
std::string joined(const std::vector<std::string>& names, std::string_view separator = ", ");

}  // namespace tidings
