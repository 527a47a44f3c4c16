#pragma once
// For tests: the 24 domain events of registry/finance.toml as C++ types, their typed mappings, and the file
// itself.

#include <tidings/registry.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <typeindex>

namespace tidings::finance {

inline const Uuid user = *Uuid::parse("11111111-2222-7333-8444-555555555555");
inline const Uuid thing = *Uuid::parse("0199a2b4-0000-7abc-8def-0123456789ab");
inline const Uuid other = *Uuid::parse("aaaaaaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee");

inline std::string registry_path() {
    // The test runner says where the sources are; by hand, __FILE__ does, unless a compiler cache made it
    // relative.
    const char* root = std::getenv("TIDINGS_SOURCE_DIR");
    const auto sources = root != nullptr
                             ? std::filesystem::path{root}
                             : std::filesystem::path{__FILE__}.parent_path().parent_path().parent_path();
    return (sources / "registry/finance.toml").lexically_normal().string();
}

// The registry as the file says it; throws where it does not load, so that a test fails.
inline Registry registry() {
    auto loaded = Registry::load(registry_path());
    if (loaded) return *std::move(loaded);
    throw std::runtime_error{loaded.error().front().text()};
}

// A Python Decimal as its text, scale kept.
struct Decimal {
    std::string text;
};

struct AccountSyncAttempted {
    Uuid connection_id = thing, user_id = user;
};
struct AccountSyncSucceeded {
    Uuid connection_id = thing, user_id = user;
    int account_count = 0;
};
struct AccountSyncFailed {
    Uuid connection_id = thing, user_id = user;
    std::string reason;
};
struct TransactionSyncAttempted {
    Uuid connection_id = thing, user_id = user;
    std::optional<Uuid> account_id{};
};
struct TransactionSyncSucceeded {
    Uuid connection_id = thing, user_id = user;
    std::optional<Uuid> account_id{};
    int transaction_count = 0;
};
struct TransactionSyncFailed {
    Uuid connection_id = thing, user_id = user;
    std::optional<Uuid> account_id{};
    std::string reason{};
};
struct HoldingsSyncAttempted {
    Uuid account_id = thing, user_id = user;
};
struct HoldingsSyncSucceeded {
    Uuid account_id = thing, user_id = user;
    int holding_count = 0;
};
struct HoldingsSyncFailed {
    Uuid account_id = thing, user_id = user;
    std::string reason;
};
struct ProviderTokenRefreshSucceeded {
    Uuid user_id = user, connection_id = thing;
    std::string provider_slug;
};
struct ProviderTokenRefreshFailed {
    Uuid user_id = user, connection_id = thing;
    std::string provider_slug{}, reason{};
    bool needs_user_action = false;
};
struct ProviderDisconnectionSucceeded {
    Uuid user_id = user, connection_id = thing;
    std::string provider_slug;
};
struct FileImportAttempted {
    Uuid user_id = user;
    std::string file_name{}, file_format{};
};
struct FileImportProgress {
    Uuid user_id = user;
    std::string file_name{};
    int progress_percent = 0, records_processed = 0, total_records = 0;
};
struct FileImportSucceeded {
    Uuid user_id = user;
    std::string file_name{};
    int account_count = 0, transaction_count = 0;
};
struct FileImportFailed {
    Uuid user_id = user;
    std::string file_name{}, reason{};
};
struct AccountBalanceUpdated {
    Uuid user_id = user, account_id = thing;
    Decimal previous_balance{}, new_balance{}, delta{};
    std::string currency = "USD";
};
struct AccountHoldingsUpdated {
    Uuid user_id = user, account_id = thing;
    int holdings_count = 0, created_count = 0, updated_count = 0, deactivated_count = 0;
};
struct PortfolioNetWorthRecalculated {
    Uuid user_id = user;
    Decimal previous_net_worth{}, new_net_worth{}, delta{};
    std::string currency = "USD";
    int account_count = 0;
};
struct SessionCreatedEvent {
    Uuid session_id = thing, user_id = user;
    std::optional<std::string> device_info{}, ip_address{}, location{};
};
struct SuspiciousSessionActivityEvent {
    Uuid session_id = thing, user_id = user;
    std::string activity_type;
};
struct SessionRevokedEvent {
    Uuid session_id = thing, user_id = user;
    std::string reason{};
    std::optional<std::string> device_info{};
};
struct UserPasswordChangeSucceeded {
    Uuid user_id = user;
    std::string initiated_by;
};
struct UserLoginFailed {
    std::string email{}, reason{};
    std::optional<Uuid> user_id{};
};

inline Payload row(std::initializer_list<Payload::Field> fields) { return Payload{fields}; }

// Maps one C++ type; a registry that refuses is a failure of the test.
template <class E, class Data>
void add(Registry& to, std::string_view type, Data data) {
    const auto added = to.map<E>(type, [](const E& event) { return event.user_id; }, data);
    EXPECT_TRUE(added) << type;
}

inline void map_syncs(Registry& to) {
    add<AccountSyncAttempted>(to, "sync.accounts.started",
                              [](const auto& e) { return row({{"connection_id", e.connection_id}}); });
    add<AccountSyncSucceeded>(to, "sync.accounts.completed", [](const auto& e) {
        return row({{"connection_id", e.connection_id}, {"account_count", e.account_count}});
    });
    add<AccountSyncFailed>(to, "sync.accounts.failed", [](const auto& e) {
        return row({{"connection_id", e.connection_id}, {"error", e.reason}});
    });
    add<TransactionSyncAttempted>(to, "sync.transactions.started", [](const auto& e) {
        return row({{"connection_id", e.connection_id}, {"account_id", e.account_id}});
    });
    add<TransactionSyncSucceeded>(to, "sync.transactions.completed", [](const auto& e) {
        return row({{"connection_id", e.connection_id},
                    {"account_id", e.account_id},
                    {"transaction_count", e.transaction_count}});
    });
    add<TransactionSyncFailed>(to, "sync.transactions.failed", [](const auto& e) {
        return row({{"connection_id", e.connection_id}, {"account_id", e.account_id}, {"error", e.reason}});
    });
    add<HoldingsSyncAttempted>(to, "sync.holdings.started",
                               [](const auto& e) { return row({{"account_id", e.account_id}}); });
    add<HoldingsSyncSucceeded>(to, "sync.holdings.completed", [](const auto& e) {
        return row({{"account_id", e.account_id}, {"holding_count", e.holding_count}});
    });
    add<HoldingsSyncFailed>(to, "sync.holdings.failed", [](const auto& e) {
        return row({{"account_id", e.account_id}, {"error", e.reason}});
    });
}

inline void map_providers_and_imports(Registry& to) {
    add<ProviderTokenRefreshSucceeded>(to, "provider.token.refreshed", [](const auto& e) {
        return row({{"connection_id", e.connection_id}, {"provider_slug", e.provider_slug}});
    });
    add<ProviderTokenRefreshFailed>(to, "provider.token.failed", [](const auto& e) {
        return row({{"connection_id", e.connection_id},
                    {"provider_slug", e.provider_slug},
                    {"needs_reauth", e.needs_user_action}});
    });
    add<ProviderDisconnectionSucceeded>(to, "provider.disconnected", [](const auto& e) {
        return row({{"connection_id", e.connection_id}, {"provider_slug", e.provider_slug}});
    });
    add<FileImportAttempted>(to, "import.started", [](const auto& e) {
        return row({{"file_name", e.file_name}, {"file_format", e.file_format}});
    });
    add<FileImportProgress>(to, "import.progress", [](const auto& e) {
        return row({{"file_name", e.file_name},
                    {"progress_percent", e.progress_percent},
                    {"records_processed", e.records_processed}});
    });
    add<FileImportSucceeded>(to, "import.completed", [](const auto& e) {
        return row({{"file_name", e.file_name}, {"records_imported", e.transaction_count}});
    });
    add<FileImportFailed>(to, "import.failed", [](const auto& e) {
        return row({{"file_name", e.file_name}, {"error", e.reason}});
    });
}

inline void map_portfolio_and_security(Registry& to) {
    add<AccountBalanceUpdated>(to, "portfolio.balance.updated", [](const auto& e) {
        return row({{"account_id", e.account_id},
                    {"previous_balance", e.previous_balance.text},
                    {"new_balance", e.new_balance.text},
                    {"delta", e.delta.text},
                    {"currency", e.currency}});
    });
    add<AccountHoldingsUpdated>(to, "portfolio.holdings.updated", [](const auto& e) {
        return row({{"account_id", e.account_id},
                    {"holdings_count", e.holdings_count},
                    {"created_count", e.created_count},
                    {"updated_count", e.updated_count},
                    {"deactivated_count", e.deactivated_count}});
    });
    add<PortfolioNetWorthRecalculated>(to, "portfolio.networth.updated", [](const auto& e) {
        return row({{"previous_net_worth", e.previous_net_worth.text},
                    {"new_net_worth", e.new_net_worth.text},
                    {"delta", e.delta.text},
                    {"currency", e.currency},
                    {"account_count", e.account_count}});
    });
    add<SessionCreatedEvent>(to, "security.session.new", [](const auto& e) {
        return row({{"session_id", e.session_id},
                    {"device_info", e.device_info},
                    {"ip_address", e.ip_address},
                    {"location", e.location}});
    });
    add<SuspiciousSessionActivityEvent>(to, "security.session.suspicious", [](const auto& e) {
        return row({{"session_id", e.session_id}, {"reason", e.activity_type}});
    });
    add<SessionRevokedEvent>(to, "security.session.revoked", [](const auto& e) {
        return row({{"session_id", e.session_id}, {"device_info", e.device_info}, {"reason", e.reason}});
    });
    add<UserPasswordChangeSucceeded>(to, "security.password.changed",
                                     [](const auto& e) { return row({{"initiated_by", e.initiated_by}}); });
    add<UserLoginFailed>(to, "security.login.failed",
                         [](const auto& e) { return row({{"reason", e.reason}}); });
}

// The file's registry with all 24 typed mappings beside the named ones.
inline Registry typed_registry() {
    Registry found = registry();
    map_syncs(found);
    map_providers_and_imports(found);
    map_portfolio_and_security(found);
    return found;
}

}  // namespace tidings::finance
