#include "event/field_value.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

TEST(FieldValue, NamesGoThereAndBack) {
    for (const auto& name : field_type_names()) EXPECT_EQ(name_of(*field_type(name)), name);
    EXPECT_EQ(field_type("uid"), std::nullopt);
    EXPECT_EQ(declaration({"a", FieldType::uuid, true}), "uuid?");
    EXPECT_EQ(declaration({"a", FieldType::array, false}), "array");
}

struct Row {
    FieldType type;
    const char* value;
    bool published;         // fits()
    const char* converted;  // null: not of that type
};

TEST(FieldValue, R4_ConvertsAndChecks) {
    const Row rows[] = {
        {FieldType::string, R"("x")", true, R"("x")"},
        {FieldType::string, "5", false, nullptr},
        {FieldType::integer, "-12", true, "-12"},
        {FieldType::integer, "123456789012345678901234567890", true, "123456789012345678901234567890"},
        {FieldType::integer, "1.0", false, nullptr},
        {FieldType::integer, "1e3", false, nullptr},
        {FieldType::integer, "true", false, nullptr},
        {FieldType::number, "1.50", true, "1.50"},
        {FieldType::number, R"("1")", false, nullptr},
        {FieldType::boolean, "false", true, "false"},
        {FieldType::boolean, "0", false, nullptr},
        {FieldType::decimal, "1000.00", true, R"("1000.00")"},
        {FieldType::decimal, R"("1E+3")", true, R"("1E+3")"},
        {FieldType::decimal, R"("-500.00")", true, R"("-500.00")"},
        {FieldType::decimal, R"("NaN")", false, nullptr},
        {FieldType::decimal, R"("1,000")", false, nullptr},
        {FieldType::decimal, R"("")", false, nullptr},
        {FieldType::decimal, R"(".")", false, nullptr},
        {FieldType::decimal, R"("1E")", false, nullptr},
        {FieldType::uuid, R"("0199A2B400007ABC8DEF0123456789AB")", true,
         R"("0199a2b4-0000-7abc-8def-0123456789ab")"},
        {FieldType::uuid, R"("none")", false, nullptr},
        {FieldType::uuid, "5", false, nullptr},
        {FieldType::datetime, R"("2026-01-20T02:30:00Z")", true, R"("2026-01-20T02:30:00Z")"},
        {FieldType::datetime, R"("soon")", false, nullptr},
        {FieldType::object, "{}", true, "{}"},
        {FieldType::object, "[]", false, nullptr},
        {FieldType::array, "[1]", true, "[1]"},
        {FieldType::array, "{}", false, nullptr},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(fits(row.value, row.type), row.published) << name_of(row.type) << " " << row.value;
        const auto value = converted(row.value, row.type);
        EXPECT_EQ(value.has_value(), row.converted != nullptr) << name_of(row.type) << " " << row.value;
        if (value && row.converted != nullptr) {
            EXPECT_EQ(*value, row.converted);
        }
    }
}

}  // namespace
}  // namespace tidings
