#pragma once
// What is not delivery: the registry as JSON, health, metrics, and answers to requests that go nowhere.

#include "http/request.hpp"
#include "http/response.hpp"
#include "http/routes.hpp"
#include "server/context.hpp"
#include "server/counters.hpp"
#include "server/publish_endpoint.hpp"
#include "server/stream_plan.hpp"

#include <string>
#include <vector>

namespace tidings {

http::Response answer_unrouted(const http::Route& route, const http::Request& request);
http::Response event_types(ConnectionHost& host, const Settings& settings, const http::Request& request);
http::Response livez();
// 200 while an event crosses this process' whole data path within 2 s and it does not drain; `?deep` also
// wants a bound of the store within 2 s.
void readyz(ConnectionHost& host, const http::Request& request, AnswerCallback answer);
void metrics(ConnectionHost& host, AnswerCallback answer);

// Prometheus' text format 0.0.4 from every shard's figures and the store's.
std::string metrics_text(const std::vector<ShardFigures>& shards, const Store::Figures& store,
                         const Broker& broker);

}  // namespace tidings
