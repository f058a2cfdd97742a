// HttpRouter: finds the handler of a path the way Mesos clients expect. Leading and trailing '/'
// are trimmed; a first segment that names this process ("master", "slave(1)") is dropped; "X.json"
// is an alias of "X"; when the full path has no handler, trailing segments are dropped one by one.
// A method is checked only where the route was added with one. Belongs to one thread; handlers run
// where dispatch() is called.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/http_server.hpp"

namespace bourse::runtime {

class HttpRouter {
 public:
  // Names of the process that may stand in front of every route.
  explicit HttpRouter(std::vector<std::string> process_names = {});

  // Any method. `path` without slashes at its ends: "state", "api/v1/scheduler", "" for the root.
  void add(std::string path, HttpHandler handler);
  // Only these methods ("GET" includes HEAD); others are answered 405.
  void add(std::string path, std::vector<std::string> methods, HttpHandler handler);
  // For paths that no route takes; 404 if not set.
  void set_fallback(HttpHandler handler);

  // The path, as it was added, of the route that takes this one; nullptr: the fallback does.
  const std::string* route_of(std::string_view path);
  void dispatch(HttpRequest request, HttpResponder responder);
  // As a handler for HttpServer; the router must outlive it.
  HttpHandler handler();

 private:
  struct Route {
    std::vector<std::string> methods;  // empty: any
    HttpHandler handler;
  };
  using Routes = std::map<std::string, Route, std::less<>>;
  Routes::iterator find(std::string_view path, std::string& rest);
  Routes::iterator find_for_process(std::string_view path, std::string& rest);

  std::vector<std::string> process_names_;
  Routes routes_;
  HttpHandler fallback_;
};

}  // namespace bourse::runtime
