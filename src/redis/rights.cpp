#include "redis/rights.hpp"

namespace tidings::redis {

std::string rights_needed(std::string_view prefix) {
    const std::string names = std::string{prefix} + ":*";
    return "~" + names + " &" + names +
           " -@all +select +ping +info +client|setname +config|get +eval +evalsha +subscribe +unsubscribe "
           "+publish +multi +exec +time +hmget +hget +hset +hdel +hincrby +hgetall +hkeys +hexists +get +set "
           "+del +pexpire +xadd +xrange +xrevrange +xinfo|stream +wait";
}

}  // namespace tidings::redis
