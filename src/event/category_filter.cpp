#include <tidings/registry.hpp>

#include <algorithm>

namespace tidings {
namespace {

// The original's text to the letter, which its clients show.
Error invalid_category(std::string_view name, const Registry& registry) {
    std::string text = "Invalid category '" + std::string{name} + "'. Valid categories: [";
    std::string_view separator;
    for (const auto& category : registry.categories()) {
        text.append(separator).append("'").append(category).append("'");
        separator = ", ";
    }
    return Error{Errc::unknown_category, text + "]"};
}

}  // namespace

Result<CategoryFilter> CategoryFilter::parse(const std::optional<std::vector<std::string>>& names,
                                             const Registry& registry) {
    if (!names) return CategoryFilter{};
    auto known = parse_known(*names, registry);
    if (!known.ignored.empty()) return invalid_category(known.ignored.front(), registry);
    return std::move(known.filter);
}

CategoryFilter::Known CategoryFilter::parse_known(const std::vector<std::string>& names,
                                                  const Registry& registry) {
    Known known;
    known.filter.everything_ = false;
    known.filter.mask_ = 0;
    for (const auto& name : names) {
        if (const auto index = registry.category_index(name)) {
            known.filter.mask_ |= CategoryMask{1} << *index;
            known.filter.names_.push_back(name);
        } else {
            known.ignored.push_back(name);
        }
    }
    return known;
}

bool CategoryFilter::matches(std::string_view category) const noexcept {
    return everything_ || std::find(names_.begin(), names_.end(), category) != names_.end();
}

}  // namespace tidings
