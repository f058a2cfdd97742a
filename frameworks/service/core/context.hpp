// Context: what a handler works with during one step: the state, the config, the time, and where
// effects go. Made by ServiceCore::step for one event; never kept.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "frameworks/service/core/effect.hpp"
#include "frameworks/service/core/event.hpp"
#include "frameworks/service/core/state.hpp"

namespace bourse::service {

struct Context {
  ServiceState& state;
  const ServiceConfig& config;
  Stamp stamp;
  Effects& out;

  template <typename Body>
  void emit(Body body) {
    out.list.push_back(Effect{std::move(body)});
  }

  void note(Note::Level level, std::string code,
            std::vector<std::pair<std::string, std::string>> fields) {
    out.notes.push_back({level, std::move(code), std::move(fields)});
  }

  void arm(DeadlineKey::Kind kind, const AppId& app_id, std::uint64_t number, Duration wait) {
    state.deadlines.arm({kind, app_id, number}, stamp.now + wait);
  }
  void disarm(DeadlineKey::Kind kind, const AppId& app_id, std::uint64_t number) {
    state.deadlines.disarm({kind, app_id, number});
  }

  void answer(RequestId request, const AppId& app_id, Status status, bool changed = false) {
    if (!request.empty()) emit(Answer{request, app_id, std::move(status), changed});
  }

  // The app is planned at the end of the step.
  void touch(const App& app) { state.dirty.insert(app.id); }
};

}  // namespace bourse::service
