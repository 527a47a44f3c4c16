#pragma once
// What is set on sockets, and asked of them.

#include <tidings/limits.hpp>

#include <chrono>
#include <cstddef>

namespace tidings {

// A stream's socket: no delay, bounded kernel buffers, and a dead path found within `dead_after`
// (TCP_USER_TIMEOUT). What a listening socket accepts inherits it. Does nothing on sockets that are not TCP.
void prepare_stream_socket(int descriptor, const Limits& limits, std::chrono::milliseconds dead_after);

// close() will reset the connection, so that the client sees an unfinished answer (SO_LINGER 0).
void make_close_abrupt(int descriptor);

// Bytes that the kernel holds and the peer has not acknowledged; 0 where that is unknown.
std::size_t unsent_bytes(int descriptor);

}  // namespace tidings
