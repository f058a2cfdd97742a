#include "agent/shell/http_api.hpp"

#include <charconv>

#include "agent/shell/classic_state.hpp"
#include "agent/shell/nested_containers.hpp"
#include "agent/shell/operator_reads.hpp"
#include "agent/shell/stream_headers.hpp"
#include "api/negotiation.hpp"
#include "model/limits.hpp"
#include "model/version.hpp"
#include "proto/codec/classic_form.hpp"
#include "proto/codec/json.hpp"
#include "proto/v1/agent_call.pb.h"
#include "proto/v1/agent_response.pb.h"
#include "runtime/clock.hpp"
#include "runtime/daemon.hpp"
#include "runtime/log.hpp"
#include "runtime/machine_load.hpp"

namespace bourse::agent {

namespace {

using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;
namespace v1 = mesos::v1;

void refuse(const HttpResponder& responder, const Error& error) {
  responder.respond(api::refusal(error));
}

// "-rw-r--r--", as ls writes it.
std::string mode_text(const isolation::SandboxEntry& entry) {
  static constexpr char kBits[] = "rwxrwxrwx";
  std::string out(1, entry.directory ? 'd' : '-');
  for (int i = 0; i < 9; ++i) out += (entry.mode >> (8 - i)) & 1u ? kBits[i] : '-';
  return out;
}

// Under what name a browser saves it. A task names its files as it likes, and this is a header.
std::string saved_name(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-';
    if (!plain) c = '_';
  }
  return name;
}

bool read_number(std::string_view text, std::int64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

void answer(const HttpResponder& responder, codec::Encoding encoding,
            const v1::agent::Response& response) {
  responder.respond(api::typed_body(
      encoding == codec::Encoding::json ? codec::to_json(response) : response.SerializeAsString(),
      encoding));
}

void fill_file(const std::string& directory, const isolation::SandboxEntry& entry,
               v1::FileInfo& out) {
  out.set_path(directory + (directory.empty() || directory.back() != '/' ? "/" : "") + entry.name);
  out.set_nlink(static_cast<std::int32_t>(entry.links));
  out.set_size(static_cast<std::uint64_t>(entry.size_bytes));
  out.mutable_mtime()->set_nanoseconds(entry.modified_ns);
  out.set_mode(entry.mode);
  out.set_uid(std::to_string(entry.uid));
  out.set_gid(std::to_string(entry.gid));
}

void fill_flags(const AgentOptions& options, v1::agent::Response::GetFlags& out) {
  for (const auto& [name, value] : options.flags) {
    auto& flag = *out.add_flags();
    flag.set_name(codec::classic_flag_name(name));
    flag.set_value(value);
  }
}

// Without any, Mesos says nothing of them either.
void fill_containers(const ContainerStatistics::Answer& told, v1::agent::Response& out) {
  out.set_type(v1::agent::Response::GET_CONTAINERS);
  if (told.containers_size() > 0) *out.mutable_get_containers() = told;
}

}  // namespace

AgentHttpApi::AgentHttpApi(runtime::Loop& loop, AgentProcess& process, const AgentOptions& options)
    : process_(process),
      options_(options),
      started_at_(runtime::wall_now()),
      begun_at_(runtime::monotonic_now()),
      statistics_(
          [this](const ContainerId& id) { return process_.containers().statistics(id.raw()); }),
      sandboxes_(options.work_dir),
      router_({"slave(1)", "agent"}),
      authenticator_(
          loop, options.authentication,
          [this](const HttpRequest& request) {
            return api::agent_access(router_.route_of(request.path));
          },
          router_.handler()),
      logging_(loop),
      sessions_(loop, process, options.sessions || runtime::is_loopback(options.ip)) {
  add_routes();
}

std::string AgentHttpApi::agent_id() const {
  return process_.core().state().identity->id.raw();
}

void AgentHttpApi::add_routes() {
  const auto guarded = [this](auto method) {
    return [this, method](HttpRequest request, HttpResponder responder) {
      if (!ready_) {
        responder.respond(HttpResponse::text(503, "the agent is recovering; try again"));
        return;
      }
      (this->*method)(request, responder);
    };
  };
  router_.add("health",
              [](HttpRequest, HttpResponder r) { r.respond(HttpResponse::text(200, "")); });
  router_.add("version", [](HttpRequest request, HttpResponder r) {
    r.respond(api::version_answer(request));
  });
  router_.add("api/v1", {"POST"}, guarded(&AgentHttpApi::operator_call));
  // Its method is judged where the rest of the request is: a recovering agent says 503 first.
  router_.add("api/v1/executor", [this](HttpRequest request, HttpResponder responder) {
    if (!ready_) {
      return responder.respond(HttpResponse::text(503, "the agent is recovering; try again"));
    }
    process_.executor_call(request, responder);
  });
  router_.add("flags", [this](HttpRequest request, HttpResponder r) {
    r.respond(api::json_answer(request, codec::classic_flags(options_.flags)));
  });
  router_.add("state", guarded(&AgentHttpApi::state));
  router_.add("monitor/statistics", guarded(&AgentHttpApi::monitor_statistics));
  router_.add("containers", guarded(&AgentHttpApi::containers));
  router_.add("metrics/snapshot", guarded(&AgentHttpApi::metrics_snapshot));
  router_.add("metrics", {"GET"}, guarded(&AgentHttpApi::metrics_for_prometheus));
  router_.add("files/browse", guarded(&AgentHttpApi::files_browse));
  router_.add("files/read", guarded(&AgentHttpApi::files_read));
  router_.add("files/download", guarded(&AgentHttpApi::files_download));
}

// nullopt: it is answered, or will be when its records have come.
std::optional<v1::agent::Call> AgentHttpApi::call_in(const CallForm& form,
                                                     const HttpRequest& request,
                                                     const HttpResponder& responder) {
  if (form.refusal) {
    responder.respond(*form.refusal);
    return std::nullopt;
  }
  if (form.streamed_in) {
    sessions_.stream_in(form, responder);
    return std::nullopt;
  }
  v1::agent::Call call;
  if (const Status read = parse_call(form, request.body, call); !read.ok()) {
    refuse(responder, read.error());
    return std::nullopt;
  }
  runtime::log_debug("operator's call", {{"type", v1::agent::Call::Type_Name(call.type())}});
  if (auto refusal = refused_form(form, call)) {
    responder.respond(std::move(*refusal));
    return std::nullopt;
  }
  return call;
}

void AgentHttpApi::operator_call(const HttpRequest& request, const HttpResponder& responder) {
  const CallForm form = form_of(request);
  const auto asked = call_in(form, request, responder);
  if (!asked) return;
  const v1::agent::Call& call = *asked;
  if (SessionApi::serves(call.type())) return sessions_.call(call, form, responder);
  v1::agent::Response response;
  switch (call.type()) {
    case v1::agent::Call::GET_HEALTH:
      response.set_type(v1::agent::Response::GET_HEALTH);
      response.mutable_get_health()->set_healthy(true);
      break;
    case v1::agent::Call::GET_VERSION:
      response.set_type(v1::agent::Response::GET_VERSION);
      response.mutable_get_version()->mutable_version_info()->set_version(kApiVersion);
      break;
    case v1::agent::Call::GET_FLAGS:
      response.set_type(v1::agent::Response::GET_FLAGS);
      fill_flags(options_, *response.mutable_get_flags());
      break;
    case v1::agent::Call::LIST_FILES: {
      auto entries = sandboxes_.list(agent_id(), call.list_files().path());
      if (!entries.ok()) return refuse(responder, entries.error());
      response.set_type(v1::agent::Response::LIST_FILES);
      for (const auto& entry : entries.value()) {
        fill_file(call.list_files().path(), entry,
                  *response.mutable_list_files()->add_file_infos());
      }
      break;
    }
    case v1::agent::Call::READ_FILE: {
      const auto& read = call.read_file();
      const std::uint64_t length =
          read.has_length() ? std::min<std::uint64_t>(read.length(), limits::kMaxFileReadBytes)
                            : limits::kMaxFileReadBytes;
      auto chunk =
          sandboxes_.read(agent_id(), read.path(), static_cast<std::int64_t>(read.offset()),
                          static_cast<std::int64_t>(length));
      if (!chunk.ok()) return refuse(responder, chunk.error());
      response.set_type(v1::agent::Response::READ_FILE);
      response.mutable_read_file()->set_size(static_cast<std::uint64_t>(chunk->size_bytes));
      response.mutable_read_file()->set_data(chunk->bytes);
      break;
    }
    case v1::agent::Call::GET_CONTAINERS:
      fill_containers(*statistics_.answer(process_.core().state()), response);
      if (!call.get_containers().show_nested()) break;
      add_nested(process_.core().state(), sessions_.sessions(), *response.mutable_get_containers());
      break;
    case v1::agent::Call::GET_LOGGING_LEVEL:
      response.set_type(v1::agent::Response::GET_LOGGING_LEVEL);
      response.mutable_get_logging_level()->set_level(logging_.level());
      break;
    case v1::agent::Call::SET_LOGGING_LEVEL: {
      const auto& wanted = call.set_logging_level();
      const Status set = logging_.set(wanted.level(), Duration{wanted.duration().nanoseconds()});
      return set.ok() ? responder.respond(HttpResponse()) : refuse(responder, set.error());
    }
    default:
      if (answer_read(process_.core().state(), call, response)) break;
      return responder.respond(HttpResponse::text(
          501,
          "type: '" + v1::agent::Call::Type_Name(call.type()) + "' is not served by this agent"));
  }
  answer(responder, form.out, response);
}

void AgentHttpApi::state(const HttpRequest& request, const HttpResponder& responder) {
  const std::string& master = process_.master_address();
  const ClassicAgent self{options_, started_at_, master.substr(0, master.rfind(':'))};
  responder.respond(api::json_answer(request, classic_state(process_.core().state(), self)));
}

void AgentHttpApi::monitor_statistics(const HttpRequest& request, const HttpResponder& responder) {
  responder.respond(api::json_answer(
      request, *statistics_.read(process_.core().state(), ContainerStatistics::Form::statistics)));
}

void AgentHttpApi::containers(const HttpRequest& request, const HttpResponder& responder) {
  const AgentState& state = process_.core().state();
  const auto told = statistics_.read(state, ContainerStatistics::Form::containers);
  if (request.query_value("show_nested") != "true") {
    return responder.respond(api::json_answer(request, *told));
  }
  std::string text = *told;
  add_nested(state, sessions_.sessions(), text);
  responder.respond(api::json_answer(request, text));
}

api::Metrics AgentHttpApi::metrics() const {
  api::Metrics out = agent_metrics(process_.core().state(), process_.ended_tasks(),
                                   runtime::monotonic_now() - begun_at_);
  api::add_metrics(authenticator_.stats(), out);
  for (auto& metric : runtime::machine_load()) out.push_back(std::move(metric));
  return out;
}

void AgentHttpApi::metrics_snapshot(const HttpRequest& request, const HttpResponder& responder) {
  responder.respond(api::snapshot_answer(request, metrics()));
}

void AgentHttpApi::metrics_for_prometheus(const HttpRequest&, const HttpResponder& responder) {
  responder.respond(api::prometheus_answer(metrics()));
}

void AgentHttpApi::files_browse(const HttpRequest& request, const HttpResponder& responder) {
  const std::string path(request.query_value("path"));
  if (path.empty()) {
    return responder.respond(HttpResponse::text(400, "path: is missing; give ?path=/..."));
  }
  auto entries = sandboxes_.list(agent_id(), path);
  if (!entries.ok()) return refuse(responder, entries.error());
  std::string json = "[";
  for (const auto& entry : entries.value()) {
    if (json.size() > 1) json += ',';
    json += "{\"path\":";
    codec::write_json_string(path + "/" + entry.name, json);
    json += ",\"mode\":";
    codec::write_json_string(mode_text(entry), json);
    json += ",\"nlink\":" + std::to_string(entry.links);
    json += ",\"uid\":\"" + std::to_string(entry.uid) + "\",\"gid\":\"" +
            std::to_string(entry.gid) + "\",\"size\":" + std::to_string(entry.size_bytes) +
            ",\"mtime\":";
    codec::write_json_double(static_cast<double>(entry.modified_ns) / 1e9, json);
    json += '}';
  }
  responder.respond(api::json_answer(request, json + "]"));
}

void AgentHttpApi::files_read(const HttpRequest& request, const HttpResponder& responder) {
  const std::string path(request.query_value("path"));
  if (path.empty()) {
    return responder.respond(HttpResponse::text(400, "path: is missing; give ?path=/..."));
  }
  std::int64_t offset = -1;
  std::int64_t length = 16 * 4096;
  const std::string_view offset_text = request.query_value("offset");
  const std::string_view length_text = request.query_value("length");
  if ((!offset_text.empty() && !read_number(offset_text, offset)) || offset < -1) {
    return responder.respond(HttpResponse::text(
        400, "offset: '" + std::string(offset_text) + "' is not a number from -1 on"));
  }
  if (!length_text.empty() && (!read_number(length_text, length) || length < -1)) {
    return responder.respond(HttpResponse::text(
        400, "length: '" + std::string(length_text) + "' is not a number from -1 on"));
  }
  // -1 asks for the size only.
  const bool size_only = offset == -1;
  if (length == -1 || length > 16 * 4096) length = 16 * 4096;
  auto chunk = sandboxes_.read(agent_id(), path, size_only ? 0 : offset, size_only ? 0 : length);
  if (!chunk.ok()) return refuse(responder, chunk.error());
  std::string json = "{\"data\":";
  codec::write_json_string(chunk->bytes, json);
  json += ",\"offset\":" + std::to_string(size_only ? chunk->size_bytes : offset) + "}";
  responder.respond(api::json_answer(request, std::move(json)));
}

void AgentHttpApi::files_download(const HttpRequest& request, const HttpResponder& responder) {
  const std::string path(request.query_value("path"));
  if (path.empty()) {
    return responder.respond(HttpResponse::text(400, "path: is missing; give ?path=/..."));
  }
  std::string body;
  while (body.size() < limits::kMaxStdoutBytes) {
    auto chunk = sandboxes_.read(agent_id(), path, static_cast<std::int64_t>(body.size()),
                                 static_cast<std::int64_t>(limits::kMaxFileReadBytes));
    if (!chunk.ok()) return refuse(responder, chunk.error());
    if (chunk->bytes.empty()) break;
    body += chunk->bytes;
  }
  HttpResponse out;
  // What a task wrote must not run in a browser: never shown, always saved.
  out.headers.add("Content-Type", "application/octet-stream");
  out.headers.add("X-Content-Type-Options", "nosniff");
  out.headers.add("Content-Disposition", "attachment; filename=" + saved_name(path));
  out.body = std::move(body);
  responder.respond(std::move(out));
}

}  // namespace bourse::agent
