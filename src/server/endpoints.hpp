#pragma once
// What a connection may ask for, in one place.

#include "server/operations_endpoint.hpp"
#include "server/publish_endpoint.hpp"
#include "server/stream_endpoint.hpp"
