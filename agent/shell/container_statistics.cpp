#include "agent/shell/container_statistics.hpp"

#include <algorithm>

#include "agent/shell/classic_state.hpp"
#include "proto/codec/json_object.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/v1/agent_response.pb.h"

namespace bourse::agent {

namespace {

using codec::JsonList;
using codec::JsonObject;

constexpr Duration kLeastBetweenLooks = Duration::seconds(1);
constexpr std::int64_t kLooksShare = 20;  // a look is paid for with so many times what it took

double seconds(std::int64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

mesos::v1::ResourceStatistics statistics_of(const isolation::CgroupStatistics& used,
                                            const Resources& held) {
  constexpr std::uint64_t kMegabyte = 1 << 20;
  const auto bytes = [&held](const char* name) {
    return static_cast<std::uint64_t>(held.scalar_milli(name)) / 1000 * kMegabyte;
  };
  mesos::v1::ResourceStatistics out;
  out.set_timestamp(codec::seconds_from_wall(runtime::wall_now()));
  out.set_cpus_limit(codec::double_from_milli(held.scalar_milli("cpus")));
  out.set_mem_limit_bytes(bytes("mem"));
  if (held.scalar_milli("disk") > 0) out.set_disk_limit_bytes(bytes("disk"));
  if (used.cpu) {
    out.set_cpus_user_time_secs(seconds(used.cpu->user_ns));
    out.set_cpus_system_time_secs(seconds(used.cpu->system_ns));
    out.set_cpus_nr_periods(static_cast<std::uint32_t>(used.cpu->periods));
    out.set_cpus_nr_throttled(static_cast<std::uint32_t>(used.cpu->throttled_periods));
    out.set_cpus_throttled_time_secs(seconds(used.cpu->throttled_ns));
  }
  if (used.memory) {
    const auto whole = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
    out.set_mem_total_bytes(whole(used.memory->total_bytes));
    out.set_mem_rss_bytes(whole(used.memory->rss_bytes));
    out.set_mem_anon_bytes(whole(used.memory->rss_bytes));
    out.set_mem_cache_bytes(whole(used.memory->file_bytes));
    out.set_mem_file_bytes(whole(used.memory->file_bytes));
    out.set_mem_mapped_file_bytes(whole(used.memory->mapped_file_bytes));
    out.set_mem_unevictable_bytes(whole(used.memory->unevictable_bytes));
  }
  if (used.pids) out.set_threads(static_cast<std::uint32_t>(*used.pids));
  return out;
}

void write_container(const AgentState& state, const ExecutorKey& key, const Executor& executor,
                     const isolation::CgroupStatistics& used, bool with_container,
                     std::string& out) {
  JsonObject object(out);
  if (with_container) object.text("container_id", executor.container_id.raw());
  object.text("executor_id", key.second.raw());
  object.text("executor_name", executor.facet->name);
  object.text("framework_id", key.first.raw());
  object.text("source", source_of(executor));
  object.raw("statistics", codec::to_json(statistics_of(used, held_by(state, key, executor))));
  if (with_container) {
    JsonObject status(object.field("status"));
    JsonObject id(status.field("container_id"));
    id.text("value", executor.container_id.raw());
    id.end();
    if (executor.pid) status.whole("executor_pid", *executor.pid);
    status.end();
  }
  object.end();
}

void fill_container(const AgentState& state, const ExecutorKey& key, const Executor& executor,
                    const isolation::CgroupStatistics& used,
                    mesos::v1::agent::Response::GetContainers::Container& out) {
  out.mutable_framework_id()->set_value(key.first.raw());
  out.mutable_executor_id()->set_value(key.second.raw());
  out.set_executor_name(executor.facet->name);
  out.mutable_container_id()->set_value(executor.container_id.raw());
  auto& status = *out.mutable_container_status();
  status.mutable_container_id()->set_value(executor.container_id.raw());
  if (executor.pid) status.set_executor_pid(*executor.pid);
  *out.mutable_resource_statistics() = statistics_of(used, held_by(state, key, executor));
}

}  // namespace

std::shared_ptr<const std::string> ContainerStatistics::read(const AgentState& state, Form form) {
  return look(texts_[static_cast<std::size_t>(form)], [&] {
    std::string text;
    JsonList list(text);
    each_running(state, [&](const auto& key, const auto& executor, const auto& used) {
      write_container(state, key, executor, used, form == Form::containers, list.entry());
    });
    list.end();
    return text;
  });
}

std::shared_ptr<const ContainerStatistics::Answer> ContainerStatistics::answer(
    const AgentState& state) {
  return look(answer_, [&] {
    Answer out;
    each_running(state, [&](const auto& key, const auto& executor, const auto& used) {
      fill_container(state, key, executor, used, *out.add_containers());
    });
    return out;
  });
}

template <typename Told, typename Make>
std::shared_ptr<const Told> ContainerStatistics::look(Look<Told>& last, Make make) {
  const Instant began = clock_();
  if (last.told && began < last.good_until) return last.told;
  last.told = std::make_shared<const Told>(make());
  const Instant ended = clock_();
  const Duration took = ended - began;
  last.good_until =
      ended + std::max(kLeastBetweenLooks, Duration::nanoseconds(took.ns * kLooksShare));
  return last.told;
}

void ContainerStatistics::each_running(const AgentState& state, const Visit& visit) const {
  for (const auto& [key, executor] : state.executors) {
    const bool runs =
        executor.phase == ExecutorPhase::subscribing || executor.phase == ExecutorPhase::running;
    if (!runs) continue;
    const auto used = count_(executor.container_id);
    if (used.ok()) visit(key, executor, *used);
  }
}

}  // namespace bourse::agent
