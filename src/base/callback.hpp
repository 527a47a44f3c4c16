#pragma once
// A function that is called once, from one place; movable, so that it may own what it needs.

#include <memory>
#include <type_traits>
#include <utility>

namespace tidings {

template <class Signature>
class Callback;

// Move-only std::function. Empty after it was moved from; calling an empty one is a bug.
template <class R, class... Args>
class Callback<R(Args...)> {
public:
    Callback() = default;
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, Callback> && std::is_invocable_r_v<R, F&, Args...>)
    Callback(F&& function)  // NOLINT(google-explicit-constructor)
        : held_{std::make_unique<Model<std::remove_cvref_t<F>>>(std::forward<F>(function))} {}

    explicit operator bool() const noexcept { return held_ != nullptr; }
    R operator()(Args... args) { return held_->call(std::forward<Args>(args)...); }

private:
    struct Concept {
        virtual ~Concept() = default;
        virtual R call(Args... args) = 0;
    };
    template <class F>
    struct Model final : Concept {
        explicit Model(F&& f) : function{std::move(f)} {}
        explicit Model(const F& f) : function{f} {}
        R call(Args... args) override { return function(std::forward<Args>(args)...); }
        F function;
    };
    std::unique_ptr<Concept> held_;
};

}  // namespace tidings
