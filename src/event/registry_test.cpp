#include <tidings/registry.hpp>

#include "event/finance_test_events.hpp"

#include <gtest/gtest.h>

#include <set>

namespace tidings {
namespace {

const std::vector<std::string> six{"data_sync", "provider", "ai", "import", "portfolio", "security"};

Registry orders() {
    Registry registry;
    EXPECT_TRUE(registry.add_category("orders"));
    EXPECT_TRUE(registry.add_type({"order.paid",
                                   "orders",
                                   "An order was paid.",
                                   {{"id", FieldType::uuid, false}, {"note", FieldType::string, true}},
                                   SlowReader::resume,
                                   true}));
    return registry;
}

template <class T>
Errc code(const Result<T>& result) {
    EXPECT_FALSE(result);
    return result ? Errc::internal : result.error().code;
}

TEST(Registry, V1_SixCategoriesInOrder) { EXPECT_EQ(finance::registry().categories(), six); }

TEST(Registry, V2_NamesHaveDotsAndPrefixesMatchTheirCategory) {
    const Registry registry = finance::registry();
    for (const auto& info : registry.types()) {
        const auto dot = info.type.find('.');
        ASSERT_NE(dot, std::string::npos) << info.type;
        const std::string prefix = info.type.substr(0, dot);
        EXPECT_EQ(prefix == "sync" ? "data_sync" : prefix, info.category) << info.type;
    }
}

TEST(Registry, V3_EveryTypeHasItsCategory) {
    const Registry registry = finance::registry();
    for (const auto& info : registry.types()) {
        EXPECT_EQ(*registry.category_of(info.type), info.category);
        EXPECT_EQ(registry.categories()[info.category_index], info.category);
    }
    EXPECT_EQ(code(registry.category_of("no.such")), Errc::unknown_type);
}

TEST(Registry, R1_EachTypeHasOneRowWithAUniqueDescription) {
    std::set<std::string> types;
    std::set<std::string> descriptions;
    const Registry registry = finance::registry();
    for (const auto& info : registry.types()) {
        EXPECT_TRUE(types.insert(info.type).second) << info.type;
        EXPECT_FALSE(info.description.empty()) << info.type;
        EXPECT_TRUE(descriptions.insert(info.description).second) << info.description;
        EXPECT_FALSE(info.data.empty()) << info.type;
    }
    EXPECT_EQ(types.size(), 29U);
}

TEST(Registry, R2_RowsAgreeWithTheLookUpByCategory) {
    const Registry registry = finance::registry();
    for (const auto& category : registry.categories()) {
        for (const auto* info : registry.of_category(category))
            EXPECT_EQ(*registry.category_of(info->type), category);
    }
}

TEST(Registry, R3_LookUpsAndStatisticsEqualTheData) {
    const Registry registry = finance::registry();
    ASSERT_NE(registry.find("import.started"), nullptr);
    EXPECT_EQ(registry.find("import.started")->category, "import");
    EXPECT_EQ(registry.find("import.Started"), nullptr);
    EXPECT_EQ(registry.of_category("data_sync").size(), 9U);
    EXPECT_TRUE(registry.of_category("none").empty());
    using Counts = std::vector<std::pair<std::string, std::size_t>>;
    for (const auto& statistics : {registry.statistics(), finance::typed_registry().statistics()}) {
        EXPECT_EQ(statistics.event_types, 29U);
        EXPECT_EQ(statistics.mappings, 24U);
        EXPECT_EQ(statistics.by_category, (Counts{{"data_sync", 9},
                                                  {"provider", 4},
                                                  {"ai", 3},
                                                  {"import", 4},
                                                  {"portfolio", 3},
                                                  {"security", 6}}));
        EXPECT_EQ(statistics.mapped_by_category, (Counts{{"data_sync", 9},
                                                         {"provider", 3},
                                                         {"ai", 0},
                                                         {"import", 4},
                                                         {"portfolio", 3},
                                                         {"security", 5}}));
    }
}

TEST(Registry, R5_ALaterDuplicateIsRefusedInsteadOfWinning) {
    Registry registry = orders();
    const Mapping mapping{"OrderPaid", "order.paid", "/user_id",
                          "",          false,        {{"id", "/id"}, {"note", "/note"}}};
    EXPECT_TRUE(registry.add_mapping(mapping));
    EXPECT_EQ(code(registry.add_mapping(mapping)), Errc::invalid_field);
    EXPECT_EQ(code(registry.add_category("orders")), Errc::invalid_field);
    EXPECT_EQ(code(registry.add_type({"order.paid", "orders", "", {}, SlowReader::resume, true})),
              Errc::invalid_field);
    const auto user = [](const int&) { return UserId{}; };
    const auto payload = [](const int&) { return Payload{}; };
    EXPECT_TRUE(registry.map<int>("order.paid", user, payload));
    EXPECT_EQ(code(registry.map<int>("order.paid", user, payload)), Errc::invalid_field);
    EXPECT_EQ(code(registry.map<long>("order.lost", user, payload)), Errc::unknown_type);
}

TEST(Registry, RefusesTypesThatCannotBe) {
    Registry registry = orders();
    const auto with = [&](std::string type, std::string category, std::vector<DataField> data = {}) {
        return registry.add_type(
            {std::move(type), std::move(category), "", std::move(data), SlowReader::resume, true});
    };
    EXPECT_EQ(code(with("error", "orders")), Errc::reserved_name);
    EXPECT_EQ(code(with("tidings.gap", "orders")), Errc::reserved_name);
    EXPECT_EQ(code(with("a\nb", "orders")), Errc::invalid_field);
    const auto unknown = with("order.sent", "order");
    EXPECT_EQ(code(unknown), Errc::unknown_category);
    EXPECT_NE(unknown.error().detail.find("did you mean 'orders'?"), std::string::npos)
        << unknown.error().detail;
    EXPECT_EQ(code(with("x.y", "orders", {{"a", FieldType::string, false}, {"a", FieldType::uuid, false}})),
              Errc::invalid_field);
    EXPECT_EQ(code(with("x.y", "orders", {{"", FieldType::string, false}})), Errc::invalid_field);
    EXPECT_EQ(code(registry.add_type({"x.y", "orders", "", {}, SlowReader::resume, false})),
              Errc::invalid_field);
    EXPECT_TRUE(registry.add_type({"x.y", "orders", "", {}, SlowReader::drop, false}));
    EXPECT_EQ(code(registry.add_type({.type = "x.z",
                                      .category = "orders",
                                      .description = "",
                                      .data = {},
                                      .slow_reader = SlowReader::drop,
                                      .key = "/id"})),
              Errc::invalid_field);
}

TEST(Registry, D30_RefusesMappingsThatDifferFromTheSchema) {
    Registry registry = orders();
    const auto with = [&](std::vector<Mapping::Take> data) {
        return code(
            registry.add_mapping({"OrderPaid", "order.paid", "/user_id", "", false, std::move(data)}));
    };
    EXPECT_EQ(with({{"id", "/id"}}), Errc::missing_field);
    EXPECT_EQ(with({{"id", "/id"}, {"note", "/note"}, {"total", "/total"}}), Errc::unknown_field);
    EXPECT_EQ(with({{"id", "/id"}, {"note", "/note"}, {"id", "/id"}}), Errc::invalid_field);
    EXPECT_EQ(with({{"id", "id"}, {"note", "/note"}}), Errc::invalid_field);
    EXPECT_EQ(with({{"id", "/~2"}, {"note", "/note"}}), Errc::invalid_field);
}

TEST(Registry, RefusesMappingsWithoutOneAudience) {
    Registry registry = orders();
    const std::vector<Mapping::Take> data{{"id", "/id"}, {"note", "/note"}};
    EXPECT_EQ(code(registry.add_mapping({"A", "order.paid", "", "", false, data})), Errc::ambiguous_audience);
    EXPECT_EQ(code(registry.add_mapping({"A", "order.paid", "/u", "/t", false, data})),
              Errc::ambiguous_audience);
    EXPECT_EQ(code(registry.add_mapping({"A", "order.paid", "user_id", "", false, data})),
              Errc::invalid_field);
    EXPECT_EQ(code(registry.add_mapping({"", "order.paid", "/u", "", false, data})), Errc::invalid_field);
    EXPECT_EQ(code(registry.add_mapping({"A", "order.lost", "/u", "", false, data})), Errc::unknown_type);
    EXPECT_TRUE(registry.add_mapping({"A", "order.paid", "/u", "", false, data}));
    EXPECT_NE(registry.mapping_of("A"), nullptr);
    EXPECT_EQ(registry.mapping_of("B"), nullptr);
}

TEST(Registry, HoldsAsManyCategoriesAsAMaskHasBits) {
    Registry registry;
    for (int i = 0; i < 64; ++i) EXPECT_TRUE(registry.add_category("c" + std::to_string(i)));
    EXPECT_EQ(code(registry.add_category("one_more")), Errc::invalid_field);
    EXPECT_EQ(registry.category_index("c63"), 63);
    EXPECT_EQ(code(registry.add_category("a,b")), Errc::invalid_field);
}

TEST(Registry, ACopyIsAsGood) {
    const Registry original = finance::registry();
    Registry copy = original;
    EXPECT_EQ(copy.find("import.started")->type, "import.started");
    EXPECT_NE(copy.find("import.started"), original.find("import.started"));
}

}  // namespace
}  // namespace tidings
