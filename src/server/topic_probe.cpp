#include "server/topic_probe.hpp"

namespace tidings {
namespace {

constexpr std::chrono::milliseconds patience{1'000};

}  // namespace

TopicProber::TopicProber(Store& store, CatchUpPool& pool, CatchUp machine, LoopHooks hooks,
                         Callback<void(TopicProbe)> done)
    : store_{store},
      pool_{pool},
      machine_{std::move(machine)},
      hooks_{std::move(hooks)},
      done_{std::move(done)} {}

void TopicProber::start() {
    hooks_.later(patience, [self = shared_from_this()] { self->settle(TopicProbe::unknown); });
    perform(machine_.start());
}

void TopicProber::settle(TopicProbe found) {
    if (!done_) return;
    auto done = std::exchange(done_, {});
    done(found);
}

void TopicProber::perform(CatchUp::Action action) {
    if (!done_) return;
    using Kind = CatchUp::Action::Kind;
    switch (action.kind) {
        case Kind::ask_bound:
            return pool_.bound([self = shared_from_this()](const Result<Bound>& bound) {
                if (!bound) return self->settle(TopicProbe::unknown);
                self->perform(self->machine_.on_bound(*bound));
            });
        case Kind::find:  // only where users or broadcasts are read
            return settle(TopicProbe::unknown);
        case Kind::read:
            return store_.read(std::move(action.read),
                               [self = shared_from_this()](Result<std::vector<LogPage>> pages) {
                                   self->hooks_.post([self, pages = std::move(pages)]() mutable {
                                       if (!pages) return self->settle(TopicProbe::unknown);
                                       self->perform(self->machine_.on_pages(std::move(*pages)));
                                   });
                               });
        case Kind::send:
        case Kind::go_live: return settle(TopicProbe::goes_on);
        case Kind::finish: {
            // A loss must be told in the stream, so it is no 204.
            const bool silent = machine_.replayed() == 0 && machine_.gaps() == 0;
            return settle(silent ? TopicProbe::finished_at_tail : TopicProbe::goes_on);
        }
    }
}

}  // namespace tidings
