#include <tidings/registry.hpp>

#include "event/finance_test_events.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

std::string texts(std::string_view toml) {
    const auto parsed = Registry::parse_toml(toml, "r.toml");
    if (parsed) return "";
    std::string all;
    for (const auto& diagnostic : parsed.error()) all += diagnostic.text() + "\n";
    return all;
}

const std::string head = "categories = [\"orders\"]\n";  // line 1
// Lines 2 to 4 of a file that begins with `head`.
const std::string event = "[[event]]\ntype = \"order.paid\"\ncategory = \"orders\"\n";

TEST(RegistryToml, ReadsTheFinanceFile) {
    const auto loaded = Registry::load(finance::registry_path());
    ASSERT_TRUE(loaded) << loaded.error().front().text();
    EXPECT_EQ(loaded->types().size(), 29U);
    EXPECT_EQ(loaded->mappings().size(), 24U);
    EXPECT_EQ(loaded->types().front().type, "sync.accounts.started");
    EXPECT_EQ(loaded->types().back().type, "security.login.failed");
}

TEST(RegistryToml, D31_TypesOutsideTheOriginalsSetCanBeDeclared) {
    EXPECT_EQ(
        texts("categories = [\"system\"]\n[[event]]\ntype = \"system.maintenance\"\ncategory = \"system\"\n"),
        "");
}

TEST(RegistryToml, KeepsTheOrderInWhichFieldsWereWritten) {
    const auto parsed =
        Registry::parse_toml(head + event +
                                 "[event.data]\nzeta = \"string\"\nalpha = \"integer?\"\n"
                                 "mid = \"decimal\"\n[event.from]\nname = \"Paid\"\nuser_id = \"/u\"\n"
                                 "data = { mid = \"/m\", zeta = \"/z\", alpha = \"/a\" }\n",
                             "r.toml");
    ASSERT_TRUE(parsed) << parsed.error().front().text();
    const auto& data = parsed->types().front().data;
    ASSERT_EQ(data.size(), 3U);
    EXPECT_EQ(data[0].name + data[1].name + data[2].name, "zetaalphamid");
    EXPECT_EQ(data[1].type, FieldType::integer);
    EXPECT_TRUE(data[1].nullable);
    EXPECT_FALSE(data[2].nullable);
    const auto mapped = parsed->map_named("Paid", R"({"u":"u1","a":null,"z":"x","m":1.50})");
    ASSERT_TRUE(mapped) << mapped.error().message();
    EXPECT_EQ(std::get<EventDraft>(*mapped).data, R"({"mid":"1.50","zeta":"x","alpha":null})");
}

TEST(RegistryToml, SlowReaderAndRetention) {
    const auto policy = [](const std::string& lines) {
        const auto parsed = Registry::parse_toml(head + event + lines, "r.toml");
        EXPECT_TRUE(parsed);
        return parsed->types().front().slow_reader;
    };
    EXPECT_EQ(policy(""), SlowReader::resume);
    EXPECT_EQ(policy("slow_reader = \"resume\"\n"), SlowReader::resume);
    EXPECT_EQ(policy("slow_reader = \"drop\"\n"), SlowReader::drop);
    EXPECT_EQ(policy("retain = false\n"), SlowReader::drop);
    EXPECT_EQ(policy("retain = false\nslow_reader = \"drop\"\n"), SlowReader::drop);
    EXPECT_EQ(policy("slow_reader = \"conflate\"\n"), SlowReader::conflate);
    EXPECT_EQ(policy("retain = false\nslow_reader = \"conflate\"\n"), SlowReader::conflate);
}

TEST(RegistryToml, C64_AKeyLeadsIntoTheData) {
    const auto key = [](const std::string& pointer, const std::string& data) {
        const auto parsed = Registry::parse_toml(
            head + event + "slow_reader = \"conflate\"\nkey = \"" + pointer + "\"\n" + data, "r.toml");
        EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().front().text());
        return parsed ? parsed->types().front().key : "";
    };
    EXPECT_EQ(key("/any/where", ""), "/any/where");
    EXPECT_EQ(key("/file_name", "[event.data]\nfile_name = \"string\"\n"), "/file_name");
    EXPECT_EQ(key("/a~1b~0", "[event.data]\n\"a/b~\" = \"integer?\"\n"), "/a~1b~0");
    EXPECT_EQ(key("/file/name", "[event.data]\nfile = \"object\"\n"), "/file/name");
    EXPECT_EQ(key("/parts/0", "[event.data]\nparts = \"array\"\n"), "/parts/0");
}

struct Bad {
    const char* what;
    std::string toml;
    std::string says;
};

std::vector<Bad> bad_events() {
    const std::string conflates = head + event + "slow_reader = \"conflate\"\n";
    return {
        {"not TOML", "categories = [", "r.toml:1:"},
        {"no categories", "", "r.toml: 'categories' is a list of names; for example"},
        {"wrong category", "categories = [\"a,b\"]", "r.toml:1:15: a category is"},
        {"twice the category", "categories = [\"a\", \"a\"]",
         "r.toml:1:20: the category 'a' is declared twice"},
        {"a number as category", "categories = [5]", "a category is a string"},
        {"unknown key", head + "evnt = 1\n",
         "r.toml:2:1: unknown key 'evnt' in the file; did you mean 'event'?"},
        {"one bracket", head + "[event]\n", "write [[event]] with two brackets"},
        {"unknown key of an event", head + event + "descripton = \"x\"\n",
         "r.toml:5:1: unknown key 'descripton' in the event 'order.paid'; did you mean 'description'?"},
        {"no type", head + "[[event]]\ncategory = \"orders\"\n", "r.toml:2:1: this event has no 'type'"},
        {"type of a number", head + "[[event]]\ntype = 5\ncategory = \"orders\"\n",
         "r.toml:3:8: 'type' of this event"},
        {"unknown category", head + "[[event]]\ntype = \"a.b\"\ncategory = \"order\"\n",
         "r.toml:4:12: unknown category 'order'; allowed: orders; did you mean 'orders'?"},
        {"duplicate type", head + event + event,
         "r.toml:6:8: the event type 'order.paid' is declared twice; the first is in line 3"},
        {"reserved name", head + "[[event]]\ntype = \"error\"\ncategory = \"orders\"\n",
         "r.toml:3:8: clients cannot use the event type 'error'"},
        {"the hub's name", head + "[[event]]\ntype = \"tidings.x\"\ncategory = \"orders\"\n",
         "the hub's own"},
        {"a line feed in a name", head + "[[event]]\ntype = \"a\\nb\"\ncategory = \"orders\"\n",
         "control character"},
        {"unknown policy", head + event + "slow_reader = \"dropp\"\n", "did you mean 'drop'?"},
        {"resume without a log", head + event + "retain = false\nslow_reader = \"resume\"\n",
         "r.toml:6:15: slow_reader = \"resume\" reads from the log"},
        {"retain as text", head + event + "retain = \"no\"\n",
         "r.toml:5:10: 'retain' of the event 'order.paid' is true"},
        {"misspelt conflate", head + event + "slow_reader = \"conflat\"\n",
         "r.toml:5:15: unknown slow_reader 'conflat'; did you mean 'conflate'?"},
        {"far policy", head + event + "slow_reader = \"x\"\n", "allowed: resume, drop, conflate"},
        {"key", head + event + "key = \"/id\"\n",
         "r.toml:5:7: 'key' belongs to slow_reader = \"conflate\"; add that, or remove 'key'"},
        {"key of drop", head + event + "slow_reader = \"drop\"\nkey = \"/id\"\n",
         "r.toml:6:7: 'key' belongs to slow_reader = \"conflate\""},
        {"key as a number", conflates + "key = 5\n",
         "r.toml:6:7: 'key' of the event 'order.paid' is a string"},
        {"empty key", conflates + "key = \"\"\n", "r.toml:6:7: 'key' is a JSON Pointer into the data"},
        {"key without a slash", conflates + "key = \"id\"\n", "r.toml:6:7: 'id' is not a JSON Pointer"},
        {"key with a lone tilde", conflates + "key = \"/a~\"\n", "r.toml:6:7: '/a~' is not a JSON Pointer"},
        {"key to no field", conflates + "key = \"/idd\"\n[event.data]\nid = \"uuid\"\n",
         "r.toml:6:7: the data has no field 'idd' for the key; did you mean 'id'?"},
        {"key into a string", conflates + "key = \"/id/a\"\n[event.data]\nid = \"uuid\"\n",
         "leads to no string, number or boolean: 'id' is declared as uuid"},
        {"key to an object", conflates + "key = \"/o\"\n[event.data]\no = \"object\"\n",
         "leads to no string, number or boolean: 'o' is declared as object"},
    };
}

std::vector<Bad> bad_fields() {
    const std::string data = head + event + "[event.data]\nid = \"uuid\"\nnote = \"string?\"\n";  // to line 7
    const auto from = [&](const std::string& rest) {
        return data + "[event.from]\nname = \"Paid\"\n" + rest;
    };
    return {
        {"unknown field type", head + event + "[event.data]\nid = \"uid\"\n",
         "r.toml:6:6: unknown type 'uid' of the field 'id'; did you mean 'uuid'?"},
        {"far field type", head + event + "[event.data]\nid = \"blob\"\n",
         "allowed: uuid, string, integer, number"},
        {"a table as field type", head + event + "[event.data]\nid = {}\n", "is given its type as a string"},
        {"data is no table", head + event + "data = 5\n",
         "r.toml:5:8: 'data' of the event 'order.paid' is a table"},
        {"no name", data + "[event.from]\nuser_id = \"/u\"\ndata = { id = \"/id\", note = \"/note\" }\n",
         "has no 'name'"},
        {"no audience", from("data = { id = \"/id\", note = \"/note\" }\n"),
         "exactly one of user_id, topic and broadcast"},
        {"two audiences",
         from("user_id = \"/u\"\nbroadcast = true\ndata = { id = \"/id\", note = \"/note\" }\n"),
         "exactly one of user_id, topic and broadcast"},
        {"sent but not declared",
         from("user_id = \"/u\"\ndata = { id = \"/id\", note = \"/note\", nota = \"/n\" }\n"),
         "r.toml:11:38: the field 'nota' is sent but not declared in the data of 'order.paid'; did you mean "
         "'note'?"},
        {"declared but not sent", from("user_id = \"/u\"\ndata = { id = \"/id\" }\n"),
         "r.toml:8:1: the field 'note' of 'order.paid' is declared but not sent by the mapping of 'Paid'"},
        {"not a pointer", from("user_id = \"user_id\"\ndata = { id = \"/id\", note = \"/note\" }\n"),
         "'user_id' is not a JSON Pointer"},
        {"a number as pointer", from("user_id = \"/u\"\ndata = { id = 1, note = \"/note\" }\n"),
         "is a JSON Pointer"},
        {"unknown key", from("usr_id = \"/u\"\n"), "r.toml:10:1: unknown key 'usr_id'"},
        {"mapped twice",
         from("user_id = \"/u\"\ndata = { id = \"/id\", note = \"/note\" }\n[[event]]\ntype = "
              "\"a.b\"\ncategory = \"orders\"\n"
              "[event.from]\nname = \"Paid\"\nuser_id = \"/u\"\n"),
         "the domain event 'Paid' is mapped already"},
    };
}

TEST(RegistryToml, EachMistakeIsNamedWithItsPlaceAndWhatIsRight) {
    for (const auto& rows : {bad_events(), bad_fields()}) {
        for (const auto& row : rows) {
            const std::string said = texts(row.toml);
            EXPECT_NE(said.find(row.says), std::string::npos)
                << row.what << "\nexpected: " << row.says << "\n"
                << said;
        }
    }
}

TEST(RegistryToml, SaysAllMistakesAtOnceInTheOrderOfTheFile) {
    const auto parsed = Registry::parse_toml(
        "categories = [\"a\"]\n[[event]]\ntype = \"x.y\"\ncategory = \"b\"\n"
        "[[event]]\ntype = \"open\"\ncategory = \"a\"\nretian = true\n",
        "r.toml");
    ASSERT_FALSE(parsed);
    ASSERT_EQ(parsed.error().size(), 3U);
    EXPECT_EQ(parsed.error()[0].line, 4U);
    EXPECT_EQ(parsed.error()[1].line, 6U);
    EXPECT_EQ(parsed.error()[2].line, 8U);
}

TEST(RegistryToml, AFileThatCannotBeReadOrIsAbsurdIsADiagnostic) {
    const auto missing = Registry::load("/nonexistent/r.toml");
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().front().text().find("/nonexistent/r.toml: cannot be read"), std::string::npos);
    const auto folder = Registry::load("/");
    EXPECT_FALSE(folder);
    EXPECT_NE(texts(std::string(5 * 1024 * 1024, ' ')).find("more than 4 MiB"), std::string::npos);
    std::string deep = "a";
    for (int i = 0; i < 100'000; ++i) deep += ".a";
    EXPECT_NE(texts(deep + " = 1\n").find("more than 1000 dots"), std::string::npos);
    EXPECT_NE(texts(std::string(100'000, '[')), "");
    EXPECT_NE(texts("a = \"\xff\"\n"), "");
}

}  // namespace
}  // namespace tidings
