#include "base/linear_index.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <string>

namespace tidings {
namespace {

struct Item {
    std::string key;
    std::uint32_t link = chain_end;
};

// An index over items, and what it should hold.
struct Scene {
    explicit Scene(std::function<std::size_t(const std::string&)> hash) : hash_of_key{std::move(hash)} {}

    std::uint32_t find(const std::string& key) const {
        return index.find(
            hash_of_key(key), [this](std::uint32_t number) { return items[number].link; },
            [&](std::uint32_t number) { return items[number].key == key; });
    }
    void insert(const std::string& key) {
        std::uint32_t number = static_cast<std::uint32_t>(items.size());
        if (free.empty()) {
            items.emplace_back();
        } else {
            number = free.back();
            free.pop_back();
        }
        items[number].key = key;
        index.insert(number, link_of(), hash_of());
        expected[key] = number;
    }
    void erase(const std::string& key) {
        const std::uint32_t number = expected.at(key);
        index.erase(number, link_of(), hash_of());
        items[number] = {};
        free.push_back(number);
        expected.erase(key);
    }
    std::function<std::uint32_t&(std::uint32_t)> link_of() {
        return [this](std::uint32_t number) -> std::uint32_t& { return items[number].link; };
    }
    std::function<std::size_t(std::uint32_t)> hash_of() const {
        return [this](std::uint32_t number) { return hash_of_key(items[number].key); };
    }

    std::function<std::size_t(const std::string&)> hash_of_key;
    std::vector<Item> items;
    std::vector<std::uint32_t> free;
    LinearIndex index;
    std::map<std::string, std::uint32_t> expected;
};

void walk(Scene& scene, unsigned seed) {
    std::mt19937 random{seed};
    for (int step = 0; step < 6000; ++step) {
        // It grows for 2,000 steps, then shrinks, then grows again.
        const bool growing = step / 2000 != 1;
        const std::string key = std::to_string(random() % 3000);
        const auto at = scene.expected.find(key);
        ASSERT_EQ(scene.find(key), at == scene.expected.end() ? chain_end : at->second) << "seed " << seed;
        if (at == scene.expected.end() && (growing || random() % 8 == 0)) scene.insert(key);
        if (at != scene.expected.end() && (!growing || random() % 8 == 0)) scene.erase(key);
        ASSERT_EQ(scene.index.size(), scene.expected.size()) << "seed " << seed;
    }
    for (const auto& [key, number] : scene.expected) ASSERT_EQ(scene.find(key), number) << "seed " << seed;
    while (!scene.expected.empty()) scene.erase(std::string{scene.expected.begin()->first});
    EXPECT_EQ(scene.find("1"), chain_end);
}

TEST(LinearIndex, FindsWhatAMapFinds) {
    for (unsigned seed = 1; seed <= 4; ++seed) {
        Scene scene{[](const std::string& key) { return std::hash<std::string>{}(key); }};
        walk(scene, seed);
    }
}

TEST(LinearIndex, ComparesKeysWhereHashesAreEqual) {
    Scene few{[](const std::string& key) { return key.size(); }};
    walk(few, 5);
    Scene one{[](const std::string&) { return std::size_t{0}; }};
    walk(one, 6);
}

TEST(LinearIndex, TakesFourBytesAnItem) {
    Scene scene{[](const std::string& key) { return std::hash<std::string>{}(key); }};
    for (int i = 0; i < 20'000; ++i) scene.insert(std::to_string(i));
    EXPECT_LE(scene.index.memory_bytes(), 20'000U * 4 + 17'000);
    while (scene.expected.size() > 10) scene.erase(std::string{scene.expected.begin()->first});
    EXPECT_LE(scene.index.memory_bytes(), 34'000U);
}

}  // namespace
}  // namespace tidings
