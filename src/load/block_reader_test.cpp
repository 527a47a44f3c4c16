#include "load/block_reader.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tidings::load {
namespace {

std::string event(const std::string& id, const Stamp& stamp) {
    std::string text = "id: " + id + "\nevent: bench\ndata: ";
    append_payload(text, stamp, 100);
    return text + "\n\n";
}

std::string chunk(const std::string& text) {
    char size[24];
    std::snprintf(size, sizeof size, "%zx\r\n", text.size());
    return size + text + "\r\n";
}

TEST(LoadBlocks, CountWholeEventsWhereverTheyAreCut) {
    const Stamp one{1, 11}, two{2, 22};
    const std::string stream = chunk(": tidings\nretry: 2000\n") + chunk(event("a", one)) + chunk(": hb\n") +
                               chunk(event("b", two)) +
                               chunk("id: c\nevent: tidings.checkpoint\ndata: {}\n\n");
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        BlockReader reader;
        std::vector<Stamp> found;
        const auto take = [&](const Stamp& stamp) { found.push_back(stamp); };
        reader.feed(std::string_view{stream}.substr(0, cut), take);
        reader.feed(std::string_view{stream}.substr(cut), take);
        EXPECT_EQ(found, (std::vector<Stamp>{one, two})) << cut;
        EXPECT_EQ(reader.last_id(), "c") << cut;
    }
}

TEST(LoadBlocks, AnEventThatWasCutIsNotHad) {
    BlockReader reader;
    std::vector<Stamp> found;
    const auto take = [&](const Stamp& stamp) { found.push_back(stamp); };
    const std::string second = chunk(event("b", {2, 22}));
    reader.feed(chunk(event("a", {1, 11})) + second.substr(0, second.size() - 3), take);
    EXPECT_EQ(found.size(), 1u);
    EXPECT_EQ(reader.last_id(), "a");
    reader.begin();
    EXPECT_EQ(reader.last_id(), "a");
    reader.feed(second, take);
    EXPECT_EQ(found.size(), 2u);
    EXPECT_EQ(reader.last_id(), "b");
}

}  // namespace
}  // namespace tidings::load
