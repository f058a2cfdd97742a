// Rows of the classic answers: an agent, a framework, a task. Private to the room; pure.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "master/view/state.hpp"
#include "proto/codec/json_object.hpp"

namespace bourse::master {

// The text of an answer on its way, and how long it may become.
struct ClassicText {
  std::string text = {};
  std::size_t most_bytes = 0;

  bool full() const { return text.size() > most_bytes; }
};

// What belongs to each framework, gathered once for an answer that tells of all.
struct FrameworkParts {
  std::vector<const TaskRow*> live;  // oldest first, as the others
  std::vector<const TaskRow*> unreachable;
  std::vector<const TaskRow*> completed;
  std::vector<std::pair<std::uint64_t, const change::OfferAdded*>> offers;
};
using FrameworksParts = std::map<FrameworkId, FrameworkParts>;
// `only`: not empty: nothing of any other.
FrameworksParts parts_of_frameworks(const ViewState& state, std::string_view only);

void write_classic_task(const TaskRow& row, std::string& out);

// The fields that /state, /slaves and /state-summary share.
void write_classic_agent(const AgentRow& row, codec::JsonObject& out);
// What /slaves says besides: whole resources.
void write_classic_agent_full(const AgentRow& row, codec::JsonObject& out);
// One that was registered before this master led and has not come back.
void write_classic_recovered_agent(const AgentRow& row, std::string& out);

// The fields that /state, /frameworks and /state-summary share.
void write_classic_framework(const FrameworkRow& row, codec::JsonObject& out);
// What all but /state-summary say besides, with tasks, executors and offers. Ends early when the
// text is full.
void write_classic_framework_parts(const ViewState& state, const FrameworkRow& row,
                                   const FrameworkParts& parts, ClassicText& text,
                                   codec::JsonObject& out);

}  // namespace bourse::master
