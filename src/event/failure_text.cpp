#include "event/failure_text.hpp"

#include <boost/core/demangle.hpp>

#include <typeinfo>

namespace tidings {

FailureText failure_text(const std::exception_ptr& error) {
    try {
        if (error) std::rethrow_exception(error);
    } catch (const std::exception& exception) {
        return {boost::core::demangle(typeid(exception).name()), exception.what()};
    } catch (...) {
        return {"unknown", "something that is not a std::exception was thrown"};
    }
    return {"none", "no error"};
}

}  // namespace tidings
