// The files that the operator API reads: what a framework published is in the view, a sandbox is
// its agent's, which is asked with the same call.
#include <optional>
#include <string_view>

#include "master/shell/http_answers.hpp"
#include "master/shell/operator_api.hpp"
#include "master/shell/operator_request.hpp"
#include "master/view/answers.hpp"
#include "runtime/http_basic.hpp"

namespace bourse::master {

namespace {

using runtime::HttpResponse;

constexpr std::size_t kMostForwarded = 256;

// The agent's id in "/agents/<id>/sandbox/...", or empty.
std::string agent_in_path(const std::string& path) {
  constexpr std::string_view kPrefix = "/agents/";
  if (path.rfind(kPrefix, 0) != 0) return {};
  const std::size_t end = path.find('/', kPrefix.size());
  if (end == std::string::npos) return {};
  return path.substr(kPrefix.size(), end - kPrefix.size());
}

struct PublishedPath {
  std::string framework_id;
  std::string name;
};
// "/frameworks/<id>/published/<name>".
std::optional<PublishedPath> published_path(const std::string& path) {
  constexpr std::string_view kPrefix = "/frameworks/";
  constexpr std::string_view kMiddle = "/published/";
  if (path.rfind(kPrefix, 0) != 0) return std::nullopt;
  const std::size_t middle = path.find(kMiddle, kPrefix.size());
  if (middle == std::string::npos) return std::nullopt;
  return PublishedPath{path.substr(kPrefix.size(), middle - kPrefix.size()),
                       path.substr(middle + kMiddle.size())};
}

bool climbs(const std::string& path) {
  return path.find("/../") != std::string::npos || path.ends_with("/..") || path.starts_with("../");
}

}  // namespace

void OperatorApi::list_files(const std::shared_ptr<Request>& request, const std::string& path) {
  if (climbs(path)) return request->refuse(invalid("path: '" + path + "' has a '..' in it"));
  const std::string agent = agent_in_path(path);
  if (agent.empty()) {
    return request->refuse({ErrorCode::not_found, "path: '" + path +
                                                      "' is no directory; see "
                                                      "docs/operator-extensions.md section 5"});
  }
  forward(request, AgentId(agent));
}

void OperatorApi::read_file(const std::shared_ptr<Request>& request, const std::string& path,
                            std::uint64_t offset, std::optional<std::uint64_t> length) {
  if (climbs(path)) return request->refuse(invalid("path: '" + path + "' has a '..' in it"));
  if (const auto published = published_path(path)) {
    return view_.read(
        core_.published(),
        [request, published, offset, length](View& view) {
          auto document = published_document(view.state(), FrameworkId(published->framework_id),
                                             published->name);
          if (!document.ok()) return request->refuse(document.error());
          request->answer(file_body(document.value(), offset, length, request->out));
        },
        [request] {
          request->refuse({ErrorCode::unavailable, "the view is behind the cluster; try again"});
        });
  }
  const std::string agent = agent_in_path(path);
  if (agent.empty()) {
    return request->refuse({ErrorCode::not_found, "path: '" + path + "' is no file here"});
  }
  forward(request, AgentId(agent));
}

// The same call, with the same body, to the agent that has the file.
void OperatorApi::forward(const std::shared_ptr<Request>& request, const AgentId& agent_id) {
  view_.read(
      core_.published(),
      [this, request, agent_id](View& view) {
        const auto it = view.state().agents().find(agent_id);
        if (it == view.state().agents().end()) {
          return request->refuse({ErrorCode::not_found,
                                  "path: agent '" + agent_id.raw() + "' is not in this cluster"});
        }
        if (!is_visible(it->second.put.phase) || it->second.put.phase == AgentPhase::silent) {
          return request->refuse(
              {ErrorCode::unavailable, "agent '" + agent_id.raw() + "' is not connected now"});
        }
        const HostPort& http = it->second.put.agent->http;
        const std::string url = "http://" + http.ip + ":" + std::to_string(http.port) + "/api/v1";
        loop_.post([this, request, url] { send_to_agent(request, url); });
      },
      [request] {
        request->refuse({ErrorCode::unavailable, "the view is behind the cluster; try again"});
      });
}

void OperatorApi::send_to_agent(const std::shared_ptr<Request>& request, const std::string& url) {
  if (forwarded_.size() >= kMostForwarded) {
    return request->refuse(
        {ErrorCode::unavailable, "too many files are being read through this master; try again"});
  }
  runtime::HttpClientRequest out;
  out.method = "POST";
  out.url = url;
  out.headers.add("Content-Type", std::string(codec::media_type(request->in)));
  out.headers.add("Accept", std::string(codec::media_type(request->out)));
  // Its own name, not that of who asks: an agent is not told other people's secrets.
  if (agent_credential_) {
    out.headers.add("Authorization", runtime::basic_authorization(agent_credential_->principal,
                                                                  agent_credential_->secret));
  }
  out.body = request->http.body;
  out.timeout = Duration::seconds(10);
  const std::uint64_t number = ++forwarded_made_;
  const auto done = [this, number] { loop_.post([this, number] { forwarded_.erase(number); }); };
  runtime::HttpClientCallbacks callbacks;
  callbacks.on_response = [request, done](HttpResponse response) {
    if (response.status == 401 || response.status == 429) {
      // Not to be taken for an answer about who asks.
      request->responder.respond(HttpResponse::text(
          502,
          "the agent does not let this master read: give the master --agent-credential=FILE "
          "with a principal that the agent's --credentials know"));
      return done();
    }
    HttpResponse answer;
    answer.status = response.status;
    answer.headers.add("Content-Type", std::string(response.headers.get("Content-Type")));
    answer.body = std::move(response.body);
    request->responder.respond(std::move(answer));
    done();
  };
  callbacks.on_error = [request, done](const Error& error) {
    request->refuse({ErrorCode::unavailable, "the agent did not answer: " + error.message});
    done();
  };
  forwarded_[number] = runtime::http_request(loop_, std::move(out), std::move(callbacks));
}

}  // namespace bourse::master
