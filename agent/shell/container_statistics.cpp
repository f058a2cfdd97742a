#include "agent/shell/container_statistics.hpp"

#include <algorithm>

#include "agent/shell/classic_state.hpp"
#include "proto/codec/json_object.hpp"
#include "proto/codec/quantity.hpp"

namespace bourse::agent {

namespace {

using codec::JsonList;
using codec::JsonObject;

constexpr Duration kLeastBetweenLooks = Duration::seconds(1);
constexpr std::int64_t kLooksShare = 20;  // a look is paid for with so many times what it took

double seconds(std::int64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

void write_statistics(const isolation::CgroupStatistics& used, const Resources& held,
                      JsonObject& out) {
  constexpr std::int64_t kMegabyte = 1 << 20;
  out.number("timestamp", codec::seconds_from_wall(runtime::wall_now()));
  out.number("cpus_limit", codec::double_from_milli(held.scalar_milli("cpus")));
  out.whole("mem_limit_bytes", held.scalar_milli("mem") / 1000 * kMegabyte);
  if (const auto disk = held.scalar_milli("disk"); disk > 0) {
    out.whole("disk_limit_bytes", disk / 1000 * kMegabyte);
  }
  if (used.cpu) {
    out.number("cpus_user_time_secs", seconds(used.cpu->user_ns));
    out.number("cpus_system_time_secs", seconds(used.cpu->system_ns));
    out.whole("cpus_nr_periods", used.cpu->periods);
    out.whole("cpus_nr_throttled", used.cpu->throttled_periods);
    out.number("cpus_throttled_time_secs", seconds(used.cpu->throttled_ns));
  }
  if (used.memory) {
    out.whole("mem_total_bytes", used.memory->total_bytes);
    out.whole("mem_rss_bytes", used.memory->rss_bytes);
    out.whole("mem_anon_bytes", used.memory->rss_bytes);
    out.whole("mem_cache_bytes", used.memory->file_bytes);
    out.whole("mem_file_bytes", used.memory->file_bytes);
    out.whole("mem_mapped_file_bytes", used.memory->mapped_file_bytes);
    out.whole("mem_unevictable_bytes", used.memory->unevictable_bytes);
  }
  if (used.pids) out.whole("threads", *used.pids);
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
  JsonObject statistics(object.field("statistics"));
  write_statistics(used, held_by(state, key, executor), statistics);
  statistics.end();
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

void write_id(std::string_view name, const std::string& id, JsonObject& out) {
  JsonObject object(out.field(name));
  object.text("value", id);
  object.end();
}

void write_for_call(const AgentState& state, const ExecutorKey& key, const Executor& executor,
                    const isolation::CgroupStatistics& used, std::string& out) {
  JsonObject object(out);
  write_id("framework_id", key.first.raw(), object);
  write_id("executor_id", key.second.raw(), object);
  object.text("executor_name", executor.facet->name);
  write_id("container_id", executor.container_id.raw(), object);
  JsonObject status(object.field("container_status"));
  write_id("container_id", executor.container_id.raw(), status);
  if (executor.pid) status.whole("executor_pid", *executor.pid);
  status.end();
  JsonObject statistics(object.field("resource_statistics"));
  write_statistics(used, held_by(state, key, executor), statistics);
  statistics.end();
  object.end();
}

}  // namespace

std::shared_ptr<const std::string> ContainerStatistics::read(const AgentState& state, Form form) {
  Look& look = looks_[static_cast<std::size_t>(form)];
  const Instant began = clock_();
  if (look.text && began < look.good_until) return look.text;
  std::string text;
  JsonList list(text);
  for (const auto& [key, executor] : state.executors) {
    const bool runs =
        executor.phase == ExecutorPhase::subscribing || executor.phase == ExecutorPhase::running;
    if (!runs) continue;
    const auto used = count_(executor.container_id);
    if (!used.ok()) continue;
    if (form == Form::call) {
      write_for_call(state, key, executor, *used, list.entry());
    } else {
      write_container(state, key, executor, *used, form == Form::containers, list.entry());
    }
  }
  list.end();
  look.text = std::make_shared<const std::string>(std::move(text));
  const Instant ended = clock_();
  const Duration took = ended - began;
  look.good_until =
      ended + std::max(kLeastBetweenLooks, Duration::nanoseconds(took.ns * kLooksShare));
  return look.text;
}

}  // namespace bourse::agent
