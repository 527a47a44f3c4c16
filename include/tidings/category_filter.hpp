#pragma once
// Which categories a reader wants.

#include <tidings/registry.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

// A value. Default: every category. Made from names it matches exactly those; from no names, nothing.
class CategoryFilter {
public:
    CategoryFilter() = default;

    // None: everything. Names are taken as they are: case counts, nothing is trimmed. Fails with
    // Errc::unknown_category and the text "Invalid category 'xyz'. Valid categories: ['data_sync', ...]".
    static Result<CategoryFilter> parse(const std::optional<std::vector<std::string>>& names,
                                        const Registry& registry);

    struct Known;
    // For a reader that returns with a cursor: unknown names are left out and reported, because a rolling
    // deployment must not silence a browser; if none is left, nothing matches.
    static Known parse_known(const std::vector<std::string>& names, const Registry& registry);

    bool everything() const noexcept { return everything_; }
    // The names in the order given, duplicates kept; empty for everything.
    const std::vector<std::string>& names() const noexcept { return names_; }
    bool matches(std::string_view category) const noexcept;
    bool matches(const Event& event) const noexcept { return matches(event.category); }
    // One bit per category in the registry's order; everything is all ones.
    CategoryMask mask() const noexcept { return mask_; }

private:
    bool everything_ = true;
    CategoryMask mask_ = ~CategoryMask{0};
    std::vector<std::string> names_;
};

struct CategoryFilter::Known {
    CategoryFilter filter;
    std::vector<std::string> ignored;
};

}  // namespace tidings
