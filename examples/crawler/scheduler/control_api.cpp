#include "examples/crawler/scheduler/control_api.hpp"

#include <nlohmann/json.hpp>

namespace bourse::crawler {
namespace {

runtime::HttpResponse refusal(int status, const std::string& message) {
  return runtime::HttpResponse::json(nlohmann::json{{"error", message}}.dump() + "\n", status);
}

}  // namespace

Result<std::unique_ptr<ControlApi>> ControlApi::listen(runtime::Loop& loop, Operate operate,
                                                       Document document) {
  std::unique_ptr<ControlApi> api(new ControlApi(std::move(operate), std::move(document)));
  runtime::HttpServerOptions options;
  options.max_body_bytes = 64u << 10;
  options.max_connections = 64;
  ControlApi* const raw = api.get();
  auto server = runtime::HttpServer::listen(
      loop, std::move(options),
      [raw](const runtime::HttpRequest& request, const runtime::HttpResponder& responder) {
        responder.respond(raw->answer(request));
      });
  if (!server.ok()) return server.error();
  api->server_ = std::move(server).value();
  return api;
}

std::string ControlApi::address() const {
  return server_->address() + ":" + std::to_string(server_->port());
}

runtime::HttpResponse ControlApi::answer(const runtime::HttpRequest& request) const {
  if (request.path == "/stats" && request.method == "GET") {
    return runtime::HttpResponse::json(document_() + "\n");
  }
  if (request.path != "/control") return refusal(404, "there are /control and /stats");
  if (request.method != "POST") return refusal(405, "/control takes POST");
  const Result<Operation> operation = parse_operation(request.body);
  if (!operation.ok()) return refusal(400, operation.error().message);
  if (const Status status = operate_(*operation); !status.ok()) {
    return refusal(status.error().code == ErrorCode::not_found ? 404 : 409, status.error().message);
  }
  return runtime::HttpResponse::json("{\"ok\":true}\n");
}

}  // namespace bourse::crawler
