// Rows of the view as public messages. Private to this room and its readers; pure.
#pragma once

#include "master/view/state.hpp"
#include "proto/codec/encoding.hpp"
#include "proto/v1/master_event.pb.h"
#include "proto/v1/master_response.pb.h"

namespace bourse::master {

namespace v1 = mesos::v1;

void write_task_row(const TaskRow& row, v1::Task& out);
void write_agent_row(const AgentRow& row, v1::master::Response::GetAgents::Agent& out);
void write_framework_row(const ViewState& state, const FrameworkRow& row, bool with_offers,
                         v1::master::Response::GetFrameworks::Framework& out);

// A whole answer; with the view's sequence where it is JSON.
std::string body_of(const v1::master::Response& response, codec::Encoding encoding,
                    std::uint64_t sequence);

}  // namespace bourse::master
