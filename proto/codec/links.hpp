// Our own links, over ZeroMQ: master <-> agent (proto/internal) and master <-> SDK (public
// scheduler messages under a LinkHeader). One message is one frame; `append_*` adds it to a batch
// for one transport message (proto/codec/frames.hpp), `decode_*` takes one frame out of a batch.
//
// A peer is not trusted: decoding validates like the public API does. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/agent_link.hpp"
#include "model/executor_link.hpp"
#include "model/framework_link.hpp"
#include "proto/codec/scheduler.hpp"

namespace bourse::codec {

// Each returns the bytes added. A single message over limits::kMaxFrameBytes cannot be sent: then
// nothing is added and 0 comes back.
std::size_t append_agent_to_master(const AgentToMaster& message, std::string& batch);
std::size_t append_master_to_agent(const MasterToAgent& message, std::string& batch);
std::size_t append_framework_to_master(const FrameworkToMaster& message, std::string& batch);
std::size_t append_master_to_framework(const MasterToFramework& message, const EventShape& shape,
                                       std::string& batch);

Result<AgentToMaster> decode_agent_to_master(std::string_view frame);
Result<MasterToAgent> decode_master_to_agent(std::string_view frame);
Result<FrameworkToMaster> decode_framework_to_master(std::string_view frame);
Result<MasterToFramework> decode_master_to_framework(std::string_view frame);

// The executor's channel to its agent: the same batches of frames over a unix socket. The token
// travels in each call.
std::size_t append_executor_call(const ExecutorCall& call, std::string& batch);
std::size_t append_executor_event(const ExecutorEvent& event, std::string& batch);
Result<ExecutorCall> decode_executor_call_frame(std::string_view frame);
Result<ExecutorEvent> decode_executor_event_frame(std::string_view frame);

}  // namespace bourse::codec
