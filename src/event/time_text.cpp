#include "event/time_text.hpp"

#include <chrono>
#include <cstddef>

namespace tidings {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;

// Reads a text from left to right.
class Cursor {
public:
    explicit Cursor(std::string_view text) noexcept : rest_{text} {}

    bool done() const noexcept { return rest_.empty(); }
    char front() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }
    bool take(char c) noexcept {
        if (front() != c || rest_.empty()) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void skip() noexcept { rest_.remove_prefix(1); }
    // Exactly `count` digits.
    std::optional<int> digits(std::size_t count) noexcept {
        if (rest_.size() < count) return std::nullopt;
        int value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (rest_[i] < '0' || rest_[i] > '9') return std::nullopt;
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(count);
        return value;
    }
    // One or more digits of a fraction, as microseconds.
    std::optional<microseconds> fraction() noexcept {
        std::int64_t value = 0;
        std::size_t count = 0;
        for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; ++count, skip()) {
            if (count < 6) value = value * 10 + (rest_.front() - '0');
        }
        if (count == 0) return std::nullopt;
        for (; count < 6; ++count) value *= 10;
        return microseconds{value};
    }

private:
    std::string_view rest_;
};

std::optional<sys_days> week_date(Cursor& text, int year, bool extended) noexcept {
    const auto week = text.digits(2);
    if (!week || *week < 1 || *week > 53) return std::nullopt;
    int weekday = 1;
    if (extended ? text.take('-') : (text.front() >= '0' && text.front() <= '9')) {
        const auto day = text.digits(1);
        if (!day || *day < 1 || *day > 7) return std::nullopt;
        weekday = *day;
    }
    using namespace std::chrono;
    // ISO week 1 is the one with January 4th.
    const auto monday_of_week_1 = [](int of_year) {
        const sys_days fourth{std::chrono::year{of_year} / January / 4};
        return fourth - (std::chrono::weekday{fourth} - Monday);
    };
    const sys_days found = monday_of_week_1(year) + days{7 * (*week - 1) + weekday - 1};
    if (*week == 53 && monday_of_week_1(year + 1) <= monday_of_week_1(year) + days{7 * 52})
        return std::nullopt;
    return found;
}

std::optional<sys_days> date(Cursor& text) noexcept {
    const auto year = text.digits(4);
    if (!year || *year < 1) return std::nullopt;
    const bool extended = text.take('-');
    if (text.take('W')) return week_date(text, *year, extended);
    const auto month = text.digits(2);
    if (!month || (extended && !text.take('-'))) return std::nullopt;
    const auto day = text.digits(2);
    if (!day) return std::nullopt;
    const std::chrono::year_month_day found{std::chrono::year{*year},
                                            std::chrono::month(static_cast<unsigned>(*month)),
                                            std::chrono::day(static_cast<unsigned>(*day))};
    if (!found.ok()) return std::nullopt;
    return sys_days{found};
}

// HH[:MM[:SS[.f]]] or HH[MM[SS[.f]]].
std::optional<microseconds> time_of_day(Cursor& text) noexcept {
    const auto digit_follows = [&] { return text.front() >= '0' && text.front() <= '9'; };
    const auto hour = text.digits(2);
    if (!hour || *hour > 23) return std::nullopt;
    microseconds found = hours{*hour};
    const bool extended = text.take(':');
    if (!extended && !digit_follows()) return found;
    const auto minute = text.digits(2);
    if (!minute || *minute > 59) return std::nullopt;
    found += minutes{*minute};
    if (extended ? !text.take(':') : !digit_follows()) return found;
    const auto second = text.digits(2);
    if (!second || *second > 59) return std::nullopt;
    found += seconds{*second};
    if (text.take('.') || text.take(',')) {
        const auto fraction = text.fraction();
        if (!fraction) return std::nullopt;
        found += *fraction;
    }
    return found;
}

void append_digits(std::string& text, std::int64_t value, std::size_t count) {
    std::string digits(count, '0');
    for (std::size_t i = count; i > 0; --i, value /= 10) digits[i - 1] = static_cast<char>('0' + value % 10);
    text += digits;
}

constexpr sys_days first_day{std::chrono::year{1} / std::chrono::January / 1};
constexpr sys_days day_after_last{std::chrono::year{10000} / std::chrono::January / 1};

}  // namespace

std::optional<Timestamp> parse_time(std::string_view text) noexcept {
    Cursor cursor{text};
    const auto day = date(cursor);
    if (!day) return std::nullopt;
    Timestamp found{*day};
    if (!cursor.done()) {
        cursor.skip();  // 'T', a space, or what else Python takes
        const auto time = time_of_day(cursor);
        if (!time) return std::nullopt;
        found += *time;
        if (!cursor.take('Z') && !cursor.take('z') && !cursor.done()) {
            const bool east = cursor.take('+');
            if (!east && !cursor.take('-')) return std::nullopt;
            const auto offset = time_of_day(cursor);
            if (!offset) return std::nullopt;
            found = east ? found - *offset : found + *offset;
        }
        if (!cursor.done()) return std::nullopt;
    }
    if (found < first_day || found >= day_after_last) return std::nullopt;
    return found;
}

std::string time_text(Timestamp time) {
    const auto day = std::chrono::floor<days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{time - day};
    std::string text;
    text.reserve(32);
    append_digits(text, static_cast<int>(date.year()), 4);
    text.push_back('-');
    append_digits(text, static_cast<unsigned>(date.month()), 2);
    text.push_back('-');
    append_digits(text, static_cast<unsigned>(date.day()), 2);
    text.push_back('T');
    append_digits(text, clock.hours().count(), 2);
    text.push_back(':');
    append_digits(text, clock.minutes().count(), 2);
    text.push_back(':');
    append_digits(text, clock.seconds().count(), 2);
    if (clock.subseconds().count() != 0) {
        text.push_back('.');
        append_digits(text, clock.subseconds().count(), 6);
    }
    return text.append("+00:00");
}

}  // namespace tidings
