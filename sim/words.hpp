// Words: events and messages as one line for the trace. Pure.
#pragma once

#include <string>

#include "agent/core/event.hpp"
#include "coordination/core/zk_request.hpp"
#include "master/core/event.hpp"
#include "model/note.hpp"

namespace bourse::sim {

std::string text_of(const Note& note);
std::string text_of(const MasterToAgent& message);
std::string text_of(const AgentToMaster& message);
std::string text_of(const MasterToFramework& message);
std::string text_of(const FrameworkToMaster& message);
std::string text_of(const TaskStatus& status);
std::string text_of(const master::Event& event);
std::string text_of(const agent::Event& event);
std::string text_of(const coordination::zk::Request& request);

}  // namespace bourse::sim
