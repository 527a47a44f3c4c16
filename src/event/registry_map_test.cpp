#include <tidings/registry.hpp>

#include "event/finance_test_events.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace tidings {
namespace {

using namespace finance;

// One row of section 3: a domain event as JSON and as a C++ object, and what both become.
struct Row {
    std::string name;
    std::string fields;  // beside user_id, as JSON members
    std::string type;
    std::string payload;
    std::function<Result<Mapped>(const Registry&)> typed;
};

template <class E>
std::function<Result<Mapped>(const Registry&)> as(E event) {
    return
        [event](const Registry& registry) { return registry.map_typed(std::type_index{typeid(E)}, &event); };
}

const std::string t = "\"0199a2b4-0000-7abc-8def-0123456789ab\"";
const std::string o = "\"aaaaaaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee\"";
const std::string connection = "\"connection_id\":" + t;
const std::string account = "\"account_id\":" + t;
const std::string session = "\"session_id\":" + t;

std::vector<Row> sync_rows() {
    return {
        {"AccountSyncAttempted", connection, "sync.accounts.started", "{" + connection + "}",
         as(AccountSyncAttempted{})},
        {"AccountSyncSucceeded", connection + R"(,"account_count":3)", "sync.accounts.completed",
         "{" + connection + R"(,"account_count":3})", as(AccountSyncSucceeded{thing, user, 3})},
        {"AccountSyncSucceeded", connection + R"(,"account_count":0)", "sync.accounts.completed",
         "{" + connection + R"(,"account_count":0})", as(AccountSyncSucceeded{thing, user, 0})},
        {"AccountSyncFailed", connection + R"(,"reason":"Provider \"X\" äöü")", "sync.accounts.failed",
         "{" + connection + R"(,"error":"Provider \"X\" äöü"})",
         as(AccountSyncFailed{thing, user, "Provider \"X\" äöü"})},
        {"TransactionSyncAttempted", connection + R"(,"account_id":null)", "sync.transactions.started",
         "{" + connection + R"(,"account_id":null})", as(TransactionSyncAttempted{})},
        {"TransactionSyncAttempted", connection, "sync.transactions.started",
         "{" + connection + R"(,"account_id":null})", as(TransactionSyncAttempted{})},
        {"TransactionSyncAttempted", connection + R"(,"account_id":)" + o, "sync.transactions.started",
         "{" + connection + R"(,"account_id":)" + o + "}", as(TransactionSyncAttempted{thing, user, other})},
        {"TransactionSyncSucceeded", connection + R"(,"account_id":)" + o + R"(,"transaction_count":50)",
         "sync.transactions.completed",
         "{" + connection + R"(,"account_id":)" + o + R"(,"transaction_count":50})",
         as(TransactionSyncSucceeded{thing, user, other, 50})},
        {"TransactionSyncSucceeded", connection + R"(,"account_id":null,"transaction_count":0)",
         "sync.transactions.completed", "{" + connection + R"(,"account_id":null,"transaction_count":0})",
         as(TransactionSyncSucceeded{})},
        {"TransactionSyncFailed", connection + R"(,"account_id":null,"reason":"timeout")",
         "sync.transactions.failed", "{" + connection + R"(,"account_id":null,"error":"timeout"})",
         as(TransactionSyncFailed{thing, user, std::nullopt, "timeout"})},
        {"HoldingsSyncAttempted", account, "sync.holdings.started", "{" + account + "}",
         as(HoldingsSyncAttempted{})},
        {"HoldingsSyncSucceeded", account + R"(,"holding_count":12)", "sync.holdings.completed",
         "{" + account + R"(,"holding_count":12})", as(HoldingsSyncSucceeded{thing, user, 12})},
        {"HoldingsSyncFailed", account + R"(,"reason":"no")", "sync.holdings.failed",
         "{" + account + R"(,"error":"no"})", as(HoldingsSyncFailed{thing, user, "no"})},
    };
}

std::vector<Row> provider_and_import_rows() {
    const std::string slug = connection + R"(,"provider_slug":"schwab")";
    const std::string refused = slug + R"(,"reason":"expired","needs_user_action":)";
    const std::string file = R"("file_name":"a.qfx")";
    return {
        {"ProviderTokenRefreshSucceeded", slug + R"(,"provider_id":)" + o, "provider.token.refreshed",
         "{" + slug + "}", as(ProviderTokenRefreshSucceeded{user, thing, "schwab"})},
        {"ProviderTokenRefreshFailed", refused + "true", "provider.token.failed",
         "{" + slug + R"(,"needs_reauth":true})",
         as(ProviderTokenRefreshFailed{user, thing, "schwab", "expired", true})},
        {"ProviderTokenRefreshFailed", refused + "false", "provider.token.failed",
         "{" + slug + R"(,"needs_reauth":false})",
         as(ProviderTokenRefreshFailed{user, thing, "schwab", "expired", false})},
        {"ProviderDisconnectionSucceeded", slug, "provider.disconnected", "{" + slug + "}",
         as(ProviderDisconnectionSucceeded{user, thing, "schwab"})},
        {"FileImportAttempted", file + R"(,"file_format":"qfx","provider_slug":"schwab")", "import.started",
         "{" + file + R"(,"file_format":"qfx"})", as(FileImportAttempted{user, "a.qfx", "qfx"})},
        {"FileImportProgress", file + R"(,"progress_percent":50,"records_processed":100,"total_records":200)",
         "import.progress", "{" + file + R"(,"progress_percent":50,"records_processed":100})",
         as(FileImportProgress{user, "a.qfx", 50, 100, 200})},
        {"FileImportSucceeded", file + R"(,"account_count":1,"transaction_count":25)", "import.completed",
         "{" + file + R"(,"records_imported":25})", as(FileImportSucceeded{user, "a.qfx", 1, 25})},
        {"FileImportFailed", file + R"(,"reason":"bad header")", "import.failed",
         "{" + file + R"(,"error":"bad header"})", as(FileImportFailed{user, "a.qfx", "bad header"})},
    };
}

std::vector<Row> portfolio_rows() {
    const auto balance = [](const std::string& before, const std::string& after, const std::string& delta) {
        const std::string members = account + R"(,"previous_balance":)" + before + R"(,"new_balance":)" +
                                    after + R"(,"delta":)" + delta + R"(,"currency":"USD")";
        return members;
    };
    const std::string worth =
        R"("previous_net_worth":"0","new_net_worth":"99999999999.99","delta":"99999999999.99",)"
        R"("currency":"USD","account_count":7)";
    const std::string holdings =
        account + R"(,"holdings_count":5,"created_count":1,"updated_count":4,"deactivated_count":0)";
    const auto balanced = [&](const std::string& before, const std::string& after, const std::string& delta) {
        return "{" + balance("\"" + before + "\"", "\"" + after + "\"", "\"" + delta + "\"") + "}";
    };
    const std::string type = "portfolio.balance.updated";
    return {
        // The scale is kept, whether the number came as text or as a token.
        {"AccountBalanceUpdated", balance(R"("1000.00")", R"("500.00")", R"("-500.00")"), type,
         balanced("1000.00", "500.00", "-500.00"),
         as(AccountBalanceUpdated{user, thing, {"1000.00"}, {"500.00"}, {"-500.00"}, "USD"})},
        {"AccountBalanceUpdated", balance("1000.00", "500.00", "-500.00"), type,
         balanced("1000.00", "500.00", "-500.00"),
         as(AccountBalanceUpdated{user, thing, {"1000.00"}, {"500.00"}, {"-500.00"}, "USD"})},
        {"AccountBalanceUpdated", balance("0", R"("1E+3")", "123456789012345678901234567890.10"), type,
         balanced("0", "1E+3", "123456789012345678901234567890.10"),
         as(AccountBalanceUpdated{
             user, thing, {"0"}, {"1E+3"}, {"123456789012345678901234567890.10"}, "USD"})},
        {"AccountHoldingsUpdated", holdings, "portfolio.holdings.updated", "{" + holdings + "}",
         as(AccountHoldingsUpdated{user, thing, 5, 1, 4, 0})},
        {"PortfolioNetWorthRecalculated", worth, "portfolio.networth.updated", "{" + worth + "}",
         as(PortfolioNetWorthRecalculated{user, {"0"}, {"99999999999.99"}, {"99999999999.99"}, "USD", 7})},
    };
}

std::vector<Row> security_rows() {
    return {
        {"SessionCreatedEvent",
         session + R"(,"device_info":"Firefox","ip_address":"192.0.2.1","location":"Bern","user_agent":"x")",
         "security.session.new",
         "{" + session + R"(,"device_info":"Firefox","ip_address":"192.0.2.1","location":"Bern"})",
         as(SessionCreatedEvent{thing, user, "Firefox", "192.0.2.1", "Bern"})},
        {"SessionCreatedEvent", session + R"(,"device_info":null)", "security.session.new",
         "{" + session + R"(,"device_info":null,"ip_address":null,"location":null})",
         as(SessionCreatedEvent{})},
        {"SuspiciousSessionActivityEvent",
         session + R"(,"activity_type":"new country","details":{"a":[1]},"suspicious_count":0)",
         "security.session.suspicious", "{" + session + R"(,"reason":"new country"})",
         as(SuspiciousSessionActivityEvent{thing, user, "new country"})},
        {"SessionRevokedEvent", session + R"(,"reason":"logout","revoked_by_user":true)",
         "security.session.revoked", "{" + session + R"(,"device_info":null,"reason":"logout"})",
         as(SessionRevokedEvent{thing, user, "logout", {}})},
        {"SessionRevokedEvent", session + R"(,"reason":"admin","device_info":"Phone")",
         "security.session.revoked", "{" + session + R"(,"device_info":"Phone","reason":"admin"})",
         as(SessionRevokedEvent{thing, user, "admin", "Phone"})},
        {"UserPasswordChangeSucceeded", R"("initiated_by":"admin")", "security.password.changed",
         R"({"initiated_by":"admin"})", as(UserPasswordChangeSucceeded{user, "admin"})},
        {"UserLoginFailed", R"("email":"a@example.org","reason":"Account locked")", "security.login.failed",
         R"({"reason":"Account locked"})", as(UserLoginFailed{"a@example.org", "Account locked", user})},
    };
}

void expect_draft(const Result<Mapped>& mapped, const Row& row) {
    ASSERT_TRUE(mapped) << row.name << ": " << mapped.error().message();
    ASSERT_TRUE(std::holds_alternative<EventDraft>(*mapped)) << row.name;
    const auto& draft = std::get<EventDraft>(*mapped);
    EXPECT_EQ(draft.type, row.type);
    EXPECT_EQ(draft.data, row.payload) << row.name;
    EXPECT_EQ(draft.audience, Audience::user(UserId{user})) << row.name;
}

TEST(RegistryMap, R4_EachMappingYieldsItsPayloadByNameAndByType) {
    const Registry registry = typed_registry();
    std::vector<std::string> seen;
    for (const auto& rows : {sync_rows(), provider_and_import_rows(), portfolio_rows(), security_rows()}) {
        for (const auto& row : rows) {
            const std::string data =
                R"({ "user_id" : "11111111-2222-7333-8444-555555555555",)" + row.fields + " }";
            expect_draft(registry.map_named(row.name, data), row);
            expect_draft(row.typed(registry), row);
            if (std::find(seen.begin(), seen.end(), row.name) == seen.end()) seen.push_back(row.name);
        }
    }
    // The rows above cover the whole table, in its order.
    std::vector<std::string> all;
    for (const auto& mapping : registry.mappings()) all.push_back(mapping.name);
    EXPECT_EQ(seen, all);
    EXPECT_EQ(all.size(), 24U);
    EXPECT_EQ(registry.mapped_types().size(), 24U);
}

TEST(RegistryMap, R4_UuidsInAnySpellingBecomeCanonical) {
    const Registry registry = finance::registry();
    for (const auto* spelling :
         {"0199A2B4-0000-7ABC-8DEF-0123456789AB", "0199a2b400007abc8def0123456789ab",
          "{0199a2b4-0000-7abc-8def-0123456789ab}", "urn:uuid:0199a2b4-0000-7abc-8def-0123456789ab"}) {
        const auto mapped = registry.map_named(
            "AccountSyncAttempted", std::string{R"({"user_id":"u1","connection_id":")"} + spelling + R"("})");
        ASSERT_TRUE(mapped) << spelling;
        EXPECT_EQ(std::get<EventDraft>(*mapped).data, "{" + connection + "}");
    }
}

TEST(RegistryMap, D1_WithoutAUserNobodyIsTold) {
    const Registry registry = typed_registry();
    for (const auto* data :
         {R"({"reason":"Account locked","user_id":null})", R"({"reason":"Account locked"})"}) {
        const auto mapped = registry.map_named("UserLoginFailed", data);
        ASSERT_TRUE(mapped);
        EXPECT_EQ(std::get<Skipped>(*mapped), Skipped::no_user);
    }
    const auto typed = as(UserLoginFailed{"a@example.org", "Account locked", std::nullopt})(registry);
    ASSERT_TRUE(typed);
    EXPECT_EQ(std::get<Skipped>(*typed), Skipped::no_user);
}

TEST(RegistryMap, H3_UnmappedIsNoFailure) {
    const Registry registry = typed_registry();
    const auto named = registry.map_named("AllSessionsRevokedEvent", "not even JSON");
    ASSERT_TRUE(named);
    EXPECT_EQ(std::get<Skipped>(*named), Skipped::unmapped);
    const int number = 1;
    EXPECT_EQ(std::get<Skipped>(*registry.map_typed(typeid(int), &number)), Skipped::unmapped);
}

TEST(RegistryMap, H5_ExtractionFailuresNameTheField) {
    const Registry registry = finance::registry();
    struct Bad {
        const char* data;
        Errc code;
        const char* says;
    };
    const Bad bad[] = {
        {R"({"user_id":"u1","connection_id":"0199a2b4-0000-7abc-8def-0123456789ab"})", Errc::missing_field,
         "'/reason'"},
        {R"({"user_id":"u1","reason":"x"})", Errc::missing_field, "'/connection_id'"},
        {R"({"user_id":"u1","reason":"x","connection_id":null})", Errc::missing_field,
         "sync.accounts.failed"},
        {R"({"user_id":"u1","reason":"x","connection_id":"no uuid"})", Errc::invalid_field, "type uuid"},
        {R"({"user_id":"u1","reason":5,"connection_id":"0199a2b400007abc8def0123456789ab"})",
         Errc::invalid_field, "string"},
        {R"({"user_id":7,"reason":"x"})", Errc::invalid_field, "user_id"},
        {R"({"user_id":"a b","reason":"x"})", Errc::invalid_field, "no user id"},
        {R"({"user_id":"","reason":"x"})", Errc::invalid_field, "no user id"},
        {R"([])", Errc::invalid_field, "not an object"},
        {R"({"user_id":NaN})", Errc::invalid_json, "AccountSyncFailed"},
        {"", Errc::invalid_json, "AccountSyncFailed"},
        {"{\"user_id\":\"\xff\"}", Errc::invalid_json, "AccountSyncFailed"},
    };
    for (const auto& row : bad) {
        const auto mapped = registry.map_named("AccountSyncFailed", row.data);
        ASSERT_FALSE(mapped) << row.data;
        EXPECT_EQ(mapped.error().code, row.code) << row.data;
        EXPECT_NE(mapped.error().detail.find(row.says), std::string::npos) << mapped.error().detail;
    }
}

TEST(RegistryMap, D10_TheDomainEventsIdAndTimeAreCarried) {
    struct Timed {
        Uuid user_id = user, connection_id = thing, event_id = other;
        Timestamp occurred_at{std::chrono::seconds{1'768'876'200}};
    };
    Registry registry = finance::registry();
    add<Timed>(registry, "sync.accounts.started",
               [](const Timed& e) { return row({{"connection_id", e.connection_id}}); });
    const auto named = registry.map_named(
        "AccountSyncAttempted", R"({"event_id":"aaaaaaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee","user_id":"u1",)" +
                                    connection + R"(,"occurred_at":"2026-01-20T02:30:00+00:00"})");
    for (const auto& mapped : {named, as(Timed{})(registry)}) {
        ASSERT_TRUE(mapped);
        const auto& draft = std::get<EventDraft>(*mapped);
        EXPECT_EQ(draft.idempotency_key, "aaaaaaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee");
        EXPECT_EQ(draft.occurred_at, Timestamp{std::chrono::seconds{1'768'876'200}});
    }
    // What cannot be used is no reason to tell nobody.
    const auto odd = registry.map_named(
        "AccountSyncAttempted", R"({"event_id":5,"user_id":"u1","occurred_at":"soon",)" + connection + "}");
    ASSERT_TRUE(odd);
    EXPECT_EQ(std::get<EventDraft>(*odd).idempotency_key, "");
    EXPECT_EQ(std::get<EventDraft>(*odd).occurred_at, std::nullopt);
}

TEST(RegistryMap, D30_ATypedPayloadThatDiffersFromTheSchemaIsAFailure) {
    struct Drifted {
        Uuid user_id = user;
    };
    struct Thrower {
        Uuid user_id = user;
    };
    struct Odd {
        Uuid user_id = user;
    };
    Registry registry = finance::registry();
    add<Drifted>(registry, "security.login.failed", [](const Drifted&) { return row({{"reasons", "x"}}); });
    add<Thrower>(registry, "security.login.failed",
                 [](const Thrower&) -> Payload { throw std::runtime_error{"boom"}; });
    add<Odd>(registry, "security.login.failed", [](const Odd&) -> Payload { throw 5; });
    EXPECT_EQ(as(Drifted{})(registry).error().code, Errc::unknown_field);
    EXPECT_EQ(as(Thrower{})(registry).error().detail, "boom");
    EXPECT_EQ(as(Odd{})(registry).error().code, Errc::invalid_field);
}

TEST(RegistryMap, TopicsAndBroadcastsComeFromTheMapping) {
    Registry registry;
    ASSERT_TRUE(registry.add_category("jobs"));
    ASSERT_TRUE(registry.add_type({"job.done", "jobs", "", {}, SlowReader::resume, true}));
    ASSERT_TRUE(registry.add_mapping({"JobDone", "job.done", "", "/job/topic", false, {}}));
    ASSERT_TRUE(registry.add_mapping({"Maintenance", "job.done", "", "", true, {}}));
    const auto topic = registry.map_named("JobDone", R"({"job":{"topic":"job:42"}})");
    ASSERT_TRUE(topic);
    EXPECT_EQ(std::get<EventDraft>(*topic).audience.text(), "topic:job:42");
    EXPECT_EQ(registry.map_named("JobDone", R"({"job":{"topic":"job 42"}})").error().code,
              Errc::invalid_field);
    EXPECT_EQ(std::get<EventDraft>(*registry.map_named("Maintenance", "{}")).audience.text(), "broadcast");
}

TEST(RegistryMap, D30_PublishedDataIsHeldToTheDeclaredFields) {
    const Registry registry = finance::registry();
    const auto code = [&](const char* type, const std::string& data) {
        const auto checked = registry.check_data(type, data);
        return checked ? std::optional<Errc>{} : checked.error().code;
    };
    EXPECT_EQ(code("security.session.expiring", "{" + session + R"(,"expires_in_seconds":0})"), std::nullopt);
    // Row 10 declares what the jobs send.
    EXPECT_EQ(code("provider.token.expiring",
                   "{" + connection + R"(,"provider_slug":"s","expires_at":"2026-01-20T02:30:00+00:00"})"),
              std::nullopt);
    EXPECT_EQ(
        code("provider.token.expiring", "{" + connection + R"(,"provider_slug":"s","expires_in_seconds":5})"),
        Errc::unknown_field);
    EXPECT_EQ(code("security.session.expiring", "{" + session + "}"), Errc::missing_field);
    EXPECT_EQ(code("security.session.expiring", "{" + session + R"(,"expires_in_seconds":"5"})"),
              Errc::invalid_field);
    EXPECT_EQ(code("security.session.expiring", "{" + session + R"(,"expires_in_seconds":null})"),
              Errc::invalid_field);
    EXPECT_EQ(code("security.session.revoked", "{" + session + R"(,"reason":"x"})"), std::nullopt);
    EXPECT_EQ(code("security.session.revoked", "{" + session + R"(,"reason":"x","device_info":null})"),
              std::nullopt);
    EXPECT_EQ(code("security.login.failed", "[]"), Errc::invalid_field);
    EXPECT_EQ(code("no.such.type", "{}"), Errc::unknown_type);
    // A decimal that was published as a number stays one.
    EXPECT_EQ(code("portfolio.networth.updated",
                   R"({"previous_net_worth":1.50,)"
                   R"("new_net_worth":"2","delta":".5","currency":"USD","account_count":1})"),
              std::nullopt);
}

}  // namespace
}  // namespace tidings
