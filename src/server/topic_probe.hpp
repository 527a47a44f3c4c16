#pragma once
// Before the head of a topic-only resume leaves: is there anything to come, or is it a 204 (delivery: "How a
// stream ends")?

#include "server/catch_up_pool.hpp"
#include "server/stream_plan.hpp"

#include <memory>

namespace tidings {

// Drives a catching-up machine that sends nothing, until its first frame or its end; answers once, on the
// loop, within a second. Owned by its own callbacks; they come through the loop, which outlives them.
class TopicProber : public std::enable_shared_from_this<TopicProber> {
public:
    TopicProber(Store& store, CatchUpPool& pool, CatchUp machine, LoopHooks hooks,
                Callback<void(TopicProbe)> done);

    void start();

private:
    void perform(CatchUp::Action action);
    void settle(TopicProbe found);

    Store& store_;
    CatchUpPool& pool_;
    CatchUp machine_;
    LoopHooks hooks_;
    Callback<void(TopicProbe)> done_;
};

}  // namespace tidings
