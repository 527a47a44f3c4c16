#include "http/accept.hpp"

#include <gtest/gtest.h>

namespace tidings::http {
namespace {

TEST(HttpAccept, C5_ChoosesStreamProbeOrNothing) {
    struct Row {
        const char* accept;
        StreamAnswer answer;
    };
    for (const auto& row : {
             Row{"", StreamAnswer::stream},
             Row{"*/*", StreamAnswer::stream},
             Row{"text/event-stream", StreamAnswer::stream},
             Row{"Text/Event-Stream; charset=utf-8", StreamAnswer::stream},
             Row{"text/*", StreamAnswer::stream},
             Row{"application/json, text/event-stream", StreamAnswer::stream},
             Row{"application/json, text/plain, */*", StreamAnswer::stream},
             Row{"application/json", StreamAnswer::probe},
             Row{"application/problem+json", StreamAnswer::probe},
             Row{"application/*", StreamAnswer::probe},
             Row{"application/json, */*;q=0.1", StreamAnswer::probe},
             Row{"application/json;q=0.9, text/event-stream;q=0.8", StreamAnswer::probe},
             Row{"text/event-stream;q=0, */*", StreamAnswer::probe},
             Row{"text/html", StreamAnswer::not_acceptable},
             Row{"text/html, application/xml;q=0.9", StreamAnswer::not_acceptable},
             Row{"*/*;q=0", StreamAnswer::not_acceptable},
             Row{"text/event-stream; q=0.000", StreamAnswer::not_acceptable},
             Row{",, ;;", StreamAnswer::stream},
             Row{"nonsense", StreamAnswer::stream},
             Row{"text/event-stream;q=nonsense", StreamAnswer::stream},
         }) {
        EXPECT_EQ(negotiate(row.accept), row.answer) << row.accept;
    }
}

}  // namespace
}  // namespace tidings::http
