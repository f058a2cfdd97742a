// Metrics as HTTP answers: /metrics/snapshot as Mesos has it, and /metrics for Prometheus. Values;
// any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/http_message.hpp"

namespace bourse::api {

using Metrics = std::vector<std::pair<std::string, double>>;

// One flat object of numbers. `?timeout=` must be a duration (else 400); nothing here waits.
runtime::HttpResponse snapshot_answer(const runtime::HttpRequest& request, const Metrics& metrics);
runtime::HttpResponse prometheus_answer(const Metrics& metrics);

}  // namespace bourse::api
