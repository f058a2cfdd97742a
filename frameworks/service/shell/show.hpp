// The scheduler's state in the words of its HTTP API (proto/internal/service_api.proto). Pure.
#pragma once

#include "frameworks/service/core/state.hpp"

namespace bourse::service_api {
class AppState;
class TaskList;
class VersionList;
}  // namespace bourse::service_api

namespace bourse::service {

// `whole`: with its definition and its latest ends. REQUIRES that the app is in the book.
void show_app(const ServiceState& state, const App& app, Instant now, bool whole,
              service_api::AppState& out);
void show_tasks(const ServiceState& state, const App& app, Instant now, service_api::TaskList& out);
// The newest first.
void show_versions(const AppId& id, const AppRecord& record, service_api::VersionList& out);

}  // namespace bourse::service
