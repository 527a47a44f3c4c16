#include <tidings/sse_event_handler.hpp>

#include "event/finance_test_events.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace tidings {
namespace {

using namespace finance;

// A publisher that only remembers.
struct Recorder {
    std::vector<EventDraft> drafts;
    void publish(const EventDraft& draft) noexcept { drafts.push_back(draft); }
    void publish_to_user(const UserId& to, const EventDraft& draft) noexcept {
        drafts.push_back(draft);
        drafts.back().audience = Audience::user(to);
    }
    void broadcast(const EventDraft& draft) noexcept {
        drafts.push_back(draft);
        drafts.back().audience = Audience::broadcast();
    }
};
static_assert(Publisher<Recorder>);

// Log lines as text: "error|message|name=value ...".
struct Lines {
    std::vector<std::string> seen;
    LogSink sink() {
        return [this](LogLevel level, std::string_view text, std::initializer_list<LogField> fields) {
            std::string line = (level == LogLevel::error ? "error|" : "debug|") + std::string{text} + "|";
            for (const auto& field : fields) line += std::string{field.name} + "=" + field.value + " ";
            seen.push_back(line);
        };
    }
};

const std::string sync_failed = R"({"user_id":"11111111-2222-7333-8444-555555555555",)"
                                R"("connection_id":"0199a2b4-0000-7abc-8def-0123456789ab","reason":"x"})";

TEST(SseEventHandler, H1_NeedsAPublisherAndNoLog) {
    const Registry registry = typed_registry();
    Recorder publisher;
    SseEventHandler handler{registry, publisher};
    handler.handle(AccountSyncFailed{thing, user, "x"});
    handler.handle("AccountSyncFailed", "broken");
    EXPECT_EQ(handler.counters().published, 1U);
    EXPECT_EQ(handler.counters().failed, 1U);
}

TEST(SseEventHandler, H2_AMappedEventIsPublishedOnceToItsUser) {
    const Registry registry = typed_registry();
    Recorder publisher;
    SseEventHandler handler{registry, publisher};
    handler.handle(AccountSyncFailed{thing, user, "x"});
    handler.handle("AccountSyncFailed", sync_failed);
    handler.handle(DomainEvent{"AccountSyncFailed", sync_failed});
    ASSERT_EQ(publisher.drafts.size(), 3U);
    for (const auto& draft : publisher.drafts) {
        EXPECT_EQ(draft.type, "sync.accounts.failed");
        EXPECT_EQ(draft.audience.text(), "user:11111111-2222-7333-8444-555555555555");
        EXPECT_EQ(draft.data, R"({"connection_id":"0199a2b4-0000-7abc-8def-0123456789ab","error":"x"})");
    }
}

TEST(SseEventHandler, H3_AnUnmappedEventIsSilent) {
    struct Derived : AccountSyncFailed {};
    const Registry registry = typed_registry();
    Recorder publisher;
    Lines lines;
    SseEventHandler handler{registry, publisher, lines.sink()};
    handler.handle(Derived{});  // by exact type, not by its base
    handler.handle(5);
    handler.handle("AllSessionsRevokedEvent", "{}");
    EXPECT_TRUE(publisher.drafts.empty());
    EXPECT_TRUE(lines.seen.empty());
    EXPECT_EQ(handler.counters().unmapped, 3U);
    EXPECT_EQ(handler.counters().handled, 3U);
}

TEST(SseEventHandler, H3_TheDynamicTypeDecides) {
    struct Base {
        virtual ~Base() = default;
        Uuid user_id = user;
    };
    struct Derived : Base {
        std::string reason = "locked";
    };
    Registry registry = finance::registry();
    add<Derived>(registry, "security.login.failed",
                 [](const Derived& e) { return row({{"reason", e.reason}}); });
    Recorder publisher;
    SseEventHandler handler{registry, publisher};
    const Derived event;
    handler.handle(static_cast<const Base&>(event));
    handler.handle(Base{});
    EXPECT_EQ(publisher.drafts.size(), 1U);
    EXPECT_EQ(handler.counters().unmapped, 1U);
}

TEST(SseEventHandler, H4_AFailingPublisherIsSwallowedAndLoggedOnceAsFailOpen) {
    const Registry registry = typed_registry();
    Lines lines;
    SseEventHandler handler{registry, [](const EventDraft&) { throw std::runtime_error{"no link"}; },
                            lines.sink()};
    handler.handle(AccountSyncFailed{thing, user, "x"});
    ASSERT_EQ(lines.seen.size(), 1U);
    EXPECT_TRUE(lines.seen[0].starts_with("error|"));
    for (const auto* part :
         {"fail-open", "AccountSyncFailed", "error=no link", "error_type=std::runtime_error"}) {
        EXPECT_NE(lines.seen[0].find(part), std::string::npos) << lines.seen[0];
    }
    EXPECT_EQ(handler.counters().failed, 1U);
    EXPECT_EQ(handler.counters().published, 0U);
}

TEST(SseEventHandler, H4_WhateverIsThrownWhereverItIsSwallowed) {
    const Registry registry = typed_registry();
    SseEventHandler odd{registry, [](const EventDraft&) { throw 5; },
                        [](LogLevel, std::string_view, std::initializer_list<LogField>) { throw 6; }};
    odd.handle("AccountSyncFailed", sync_failed);
    odd.handle(AccountSyncFailed{thing, user, "x"});
    SseEventHandler empty{registry, PublishFunction{}};
    empty.handle("AccountSyncFailed", sync_failed);
    EXPECT_EQ(odd.counters().failed, 2U);
    EXPECT_EQ(empty.counters().failed, 1U);
}

TEST(SseEventHandler, H5_AFailingExtractionDoesNotPublish) {
    struct Broken {
        Uuid user_id = user;
    };
    Registry registry = finance::registry();
    add<Broken>(registry, "security.login.failed",
                [](const Broken&) -> Payload { throw std::runtime_error{"torn"}; });
    Recorder publisher;
    Lines lines;
    SseEventHandler handler{registry, publisher, lines.sink()};
    handler.handle(Broken{});
    handler.handle("AccountSyncFailed", R"({"user_id":"u1"})");
    EXPECT_TRUE(publisher.drafts.empty());
    ASSERT_EQ(lines.seen.size(), 2U);
    EXPECT_NE(lines.seen[0].find("error=torn"), std::string::npos) << lines.seen[0];
    EXPECT_NE(lines.seen[1].find("missing-field"), std::string::npos) << lines.seen[1];
    EXPECT_NE(lines.seen[1].find("domain_event=AccountSyncFailed"), std::string::npos) << lines.seen[1];
}

TEST(SseEventHandler, H6_TellsWhatIsMapped) {
    const Registry registry = typed_registry();
    Recorder publisher;
    const SseEventHandler handler{registry, publisher};
    EXPECT_TRUE(handler.has_mapping_for<AccountSyncFailed>());
    EXPECT_FALSE(handler.has_mapping_for<int>());
    EXPECT_TRUE(handler.has_mapping_for("AccountSyncFailed"));
    EXPECT_FALSE(handler.has_mapping_for("SessionEvictedEvent"));
    const auto names = handler.mapped_event_types();
    ASSERT_EQ(names.size(), 24U);
    EXPECT_EQ(names.front(), "AccountSyncAttempted");
    EXPECT_EQ(names.back(), "UserLoginFailed");
    ASSERT_EQ(handler.mapped_types().size(), 24U);
    EXPECT_EQ(handler.mapped_types().front(), std::type_index{typeid(AccountSyncAttempted)});
    const Registry none;
    EXPECT_TRUE((SseEventHandler{none, publisher}.mapped_event_types().empty()));
}

TEST(SseEventHandler, H7_AnEventWithoutIdOrTimeGetsBothWhenItIsTaken) {
    const Registry registry = typed_registry();
    Recorder publisher;
    SseEventHandler handler{registry, publisher};
    handler.handle("AccountSyncFailed", sync_failed);
    ASSERT_EQ(publisher.drafts.size(), 1U);
    EXPECT_EQ(publisher.drafts[0].occurred_at,
              std::nullopt);  // absent: the time of publishing; the store mints the id
    EXPECT_EQ(publisher.drafts[0].idempotency_key, "");
}

TEST(SseEventHandler, H8_D1_NoUserIsCountedAndNeverPublished) {
    const Registry registry = typed_registry();
    Recorder publisher;
    Lines lines;
    SseEventHandler handler{registry, publisher, lines.sink()};
    handler.handle(UserLoginFailed{"nobody@example.org", "Account locked", std::nullopt});
    handler.handle("UserLoginFailed", R"({"reason":"Account locked","user_id":null})");
    EXPECT_TRUE(publisher.drafts.empty());
    EXPECT_TRUE(lines.seen.empty());
    EXPECT_EQ(handler.counters().no_user, 2U);
    EXPECT_EQ(handler.counters().failed, 0U);
}

TEST(SseEventHandler, H9_SuccessIsADebugLine) {
    const Registry registry = typed_registry();
    Recorder publisher;
    Lines lines;
    SseEventHandler handler{registry, publisher, lines.sink()};
    handler.handle("AccountSyncFailed", R"({"event_id":"e1",)" + sync_failed.substr(1));
    ASSERT_EQ(lines.seen.size(), 1U);
    EXPECT_EQ(lines.seen[0],
              "debug|published a domain event|domain_event=AccountSyncFailed type=sync.accounts.failed "
              "audience=user:11111111-2222-7333-8444-555555555555 domain_event_id=e1 ");
}

TEST(SseEventHandler, D10_TheSameDomainEventTwiceHasTheSameIdempotencyKey) {
    const Registry registry = typed_registry();
    Recorder publisher;
    SseEventHandler handler{registry, publisher};
    const std::string event =
        R"({"event_id":"e1","occurred_at":"2026-01-20T02:30:00Z",)" + sync_failed.substr(1);
    handler.handle("AccountSyncFailed", event);
    handler.handle("AccountSyncFailed", event);
    ASSERT_EQ(publisher.drafts.size(), 2U);
    EXPECT_EQ(publisher.drafts[0].idempotency_key, "e1");
    EXPECT_EQ(publisher.drafts[1].idempotency_key, "e1");
    EXPECT_EQ(publisher.drafts[0].occurred_at, Timestamp{std::chrono::seconds{1'768'876'200}});
}

TEST(SseEventHandler, C6_WireSubscribesExactlyTheMappedTypes) {
    const Registry registry = typed_registry();
    Recorder publisher;
    SseEventHandler handler{registry, publisher};
    EventBus bus;
    EXPECT_EQ(wire(bus, handler), 24U);
    EXPECT_EQ(bus.subscriptions(), 24U);
    for (const auto type : registry.mapped_types()) EXPECT_TRUE(bus.subscribed(type));
    bus.publish(AccountSyncFailed{thing, user, "x"});
    bus.publish(5);
    EXPECT_EQ(publisher.drafts.size(), 1U);
    EXPECT_EQ(handler.counters().handled, 1U);
}

TEST(SseEventHandler, C6_WireNamedDoesTheSameForNames) {
    const Registry registry = finance::registry();
    Recorder publisher;
    SseEventHandler handler{registry, publisher};
    EventBus bus;
    EXPECT_EQ(wire(bus, handler), 0U);
    EXPECT_EQ(wire_named(bus, handler), 24U);
    bus.publish(DomainEvent{"AccountSyncFailed", sync_failed});
    bus.publish(DomainEvent{"Other", "{}"});
    EXPECT_EQ(publisher.drafts.size(), 1U);
    EXPECT_EQ(handler.counters().handled, 1U);
}

TEST(SseEventHandler, D24_P8_TheBusinessOperationNeitherWaitsNorFails) {
    // A publisher that only takes what is given models the bounded queue; the handler adds no wait of its
    // own: when handle() returns, the draft is with the publisher, and a publisher that refuses costs the
    // caller nothing.
    const Registry registry = typed_registry();
    int refused = 0;
    SseEventHandler handler{registry, [&](const EventDraft&) {
                                ++refused;
                                throw std::runtime_error{"queue full"};
                            }};
    EventBus bus;
    wire(bus, handler);
    for (int i = 0; i < 1000; ++i) bus.publish(AccountSyncFailed{thing, user, "x"});
    EXPECT_EQ(refused, 1000);
    EXPECT_EQ(handler.counters().failed, 1000U);
    static_assert(noexcept(handler.handle(std::declval<const AccountSyncFailed&>())));
    static_assert(noexcept(bus.publish(std::declval<const AccountSyncFailed&>())));
}

}  // namespace
}  // namespace tidings
