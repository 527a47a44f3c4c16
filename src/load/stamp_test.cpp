#include "load/stamp.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace tidings::load {
namespace {

const Stamp some{123'456'789'012, 1'234'567'890'123'456'789};

std::string payload(const Stamp& stamp, std::size_t bytes) {
    std::string text;
    append_payload(text, stamp, bytes);
    return text;
}

// The stamps of a stream that comes in these pieces.
std::vector<Stamp> scanned(const std::vector<std::string_view>& pieces) {
    std::vector<char> buffer(64 + 65'536);
    StampTail tail;
    std::vector<Stamp> found;
    for (const auto piece : pieces) {
        std::copy(piece.begin(), piece.end(), buffer.begin() + 64);
        scan_stamps(tail, buffer.data() + 64, piece.size(),
                    [&](const Stamp& stamp) { found.push_back(stamp); });
    }
    return found;
}

TEST(LoadStamp, IsWrittenAtItsFullWidth) {
    std::string text;
    append_stamp(text, {7, 42});
    EXPECT_EQ(text, "000000000007.0000000000000000042");
    EXPECT_EQ(text.size(), stamp_text_bytes);
    EXPECT_EQ(payload(some, 0), R"({"~":"123456789012.1234567890123456789","pad":""})");
}

TEST(LoadStamp, PayloadsHaveTheSizeThatIsAskedFor) {
    for (const std::size_t bytes : {60u, 200u, 1000u}) EXPECT_EQ(payload(some, bytes).size(), bytes);
}

TEST(LoadStamp, EveryDigitIsReadBack) {
    for (std::uint64_t sequence = 1, time = 1; time < 9'000'000'000'000'000'000U / 10;
         sequence = (sequence * 10 + 3) % 1'000'000'000'000, time = time * 10 + 7) {
        const Stamp stamp{sequence, static_cast<std::int64_t>(time)};
        EXPECT_EQ(scanned({payload(stamp, 200) + "\n\n"}), std::vector<Stamp>{stamp});
    }
    const Stamp largest{999'999'999'999, INT64_MAX};
    EXPECT_EQ(scanned({payload(largest, 0) + "\n\n"}), std::vector<Stamp>{largest});
}

TEST(LoadStamp, IsFoundInAFieldOfText) {
    std::string text = "data: {\"reason\":\"~";
    append_stamp(text, some);
    EXPECT_EQ(scanned({text + "\"}\n\n"}), std::vector<Stamp>{some});
}

TEST(LoadStamp, IsFoundWhereverTheStreamIsCut) {
    const Stamp next{some.sequence + 1, some.time + 1};
    const std::string stream = "id: x\nevent: bench\ndata: " + payload(some, 80) +
                               "\n\n\r\nfe\r\nid: y\ndata: " + payload(next, 80) + "\n\n\r\n";
    const std::vector<Stamp> both{some, next};
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        const std::string_view view{stream};
        EXPECT_EQ(scanned({view.substr(0, cut), view.substr(cut)}), both) << cut;
        // Three pieces, the middle one as short as can be.
        if (cut == stream.size()) continue;
        EXPECT_EQ(scanned({view.substr(0, cut), view.substr(cut, 1), view.substr(cut + 1)}), both) << cut;
    }
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < stream.size(); ++i) bytes.push_back(std::string_view{stream}.substr(i, 1));
    EXPECT_EQ(scanned(bytes), both);
}

TEST(LoadStamp, ATildeOfSomebodyElseIsPassedOver) {
    const std::string noise = "data: ~~ ~\"~\":\"not a stamp, though as long as one would be\n\n";
    EXPECT_EQ(scanned({noise + payload(some, 80) + "\n\n"}), std::vector<Stamp>{some});
    EXPECT_TRUE(scanned({"~"}).empty());
    EXPECT_TRUE(scanned({std::string(500, '~')}).empty());
}

}  // namespace
}  // namespace tidings::load
