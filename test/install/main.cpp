// Links the installed library and uses what lives in its archive, not only in its headers.
#include <tidings/event.hpp>

#include <cstdio>

bool flushes_with_a_future();  // with_asio.cpp

int main() {
    const auto id = tidings::Uuid::parse("0192F1C4-7D2A-7B3C-8D4E-5F60718293A4");
    const auto user = tidings::UserId::parse("alice");
    if (!id || !user || id->text() != "0192f1c4-7d2a-7b3c-8d4e-5f60718293a4") return 1;
    const auto audience = tidings::Audience::user(*user);
    std::puts(audience.text().c_str());
    return audience.text() == "user:alice" && flushes_with_a_future() ? 0 : 1;
}
