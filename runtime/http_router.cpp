#include "runtime/http_router.hpp"

#include <algorithm>

namespace bourse::runtime {
namespace {

std::string_view trim_slashes(std::string_view path) {
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  return path;
}

constexpr std::string_view kJson = ".json";

}  // namespace

HttpRouter::HttpRouter(std::vector<std::string> process_names)
    : process_names_(std::move(process_names)) {}

void HttpRouter::add(std::string path, HttpHandler handler) {
  add(std::move(path), {}, std::move(handler));
}

void HttpRouter::add(std::string path, std::vector<std::string> methods, HttpHandler handler) {
  routes_[std::move(path)] = Route{std::move(methods), std::move(handler)};
}

void HttpRouter::set_fallback(HttpHandler handler) {
  fallback_ = std::move(handler);
}

HttpRouter::Routes::iterator HttpRouter::find(std::string_view path, std::string& rest) {
  std::string_view remaining = path;
  while (true) {
    auto it = routes_.find(remaining);
    if (it == routes_.end() && remaining.ends_with(kJson)) {
      it = routes_.find(remaining.substr(0, remaining.size() - kJson.size()));
    }
    // The root takes only itself: "/nonsense" is not "/".
    if (it != routes_.end() && (!remaining.empty() || path.empty())) {
      rest = std::string(trim_slashes(path.substr(remaining.size())));
      return it;
    }
    if (remaining.empty()) return routes_.end();
    const std::size_t slash = remaining.rfind('/');
    remaining = slash == std::string_view::npos ? std::string_view()
                                                : trim_slashes(remaining.substr(0, slash));
  }
}

// The name of the process may stand in front.
HttpRouter::Routes::iterator HttpRouter::find_for_process(std::string_view path,
                                                          std::string& rest) {
  path = trim_slashes(path);
  const std::size_t slash = path.find('/');
  const std::string_view first = path.substr(0, slash);
  if (std::find(process_names_.begin(), process_names_.end(), first) != process_names_.end()) {
    const std::string_view tail =
        slash == std::string_view::npos ? std::string_view() : trim_slashes(path.substr(slash));
    if (const auto it = find(tail, rest); it != routes_.end()) return it;
  }
  return find(path, rest);
}

const std::string* HttpRouter::route_of(std::string_view path) {
  std::string rest;
  const auto it = find_for_process(path, rest);
  return it == routes_.end() ? nullptr : &it->first;
}

void HttpRouter::dispatch(HttpRequest request, HttpResponder responder) {
  std::string rest;
  const auto found = find_for_process(request.path, rest);
  if (found == routes_.end()) {
    if (fallback_) return fallback_(std::move(request), std::move(responder));
    return responder.respond(HttpResponse::text(404, "there is nothing at " + request.path + "\n"));
  }
  Route* const route = &found->second;
  const auto allows = [&](std::string_view method) {
    return std::find(route->methods.begin(), route->methods.end(), method) != route->methods.end();
  };
  if (!route->methods.empty() && !allows(request.method) &&
      !(request.method == "HEAD" && allows("GET"))) {
    std::string allowed;
    for (const std::string& method : route->methods) {
      allowed += (allowed.empty() ? "" : ", ") + method;
    }
    HttpResponse response = HttpResponse::text(
        405, "expecting one of { " + allowed + " }, but received '" + request.method + "'\n");
    response.headers.add("Allow", allowed);
    return responder.respond(std::move(response));
  }
  request.rest = std::move(rest);
  route->handler(std::move(request), std::move(responder));
}

HttpHandler HttpRouter::handler() {
  return [this](HttpRequest request, HttpResponder responder) {
    dispatch(std::move(request), std::move(responder));
  };
}

}  // namespace bourse::runtime
