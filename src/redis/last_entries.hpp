#pragma once
// What a writer knows to have been the last entries of logs.

#include "base/position.hpp"
#include "base/terms.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tidings::redis {

// By audience text, of one term. The script that appends asks for nothing but what is younger; so what is
// forgotten here costs time, and what is outdated nothing else either. Owned by one store, on its thread.
class LastEntries {
public:
    static constexpr std::size_t logs_max = 32'768;  // beyond that all are forgotten

    // A position of another term than before: all others are forgotten.
    void note(TermName term, std::string_view audience, Position position);
    std::optional<Position> find(TermName term, std::string_view audience) const;
    std::size_t size() const noexcept { return last_.size(); }

private:
    TermName term_{};
    boost::unordered_flat_map<std::string, Position> last_;
};

}  // namespace tidings::redis
