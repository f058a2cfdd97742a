// ControlApi: the running crawl's own HTTP port on loopback, for operators (`bourse crawl ...`):
//   POST /control   an operation (operation.hpp) -> 200 {"ok":true} or 4xx {"error": "..."}
//   GET  /stats     the document that is published to the web UI
// Its address stands in that document as "control". Belongs to its loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "examples/crawler/scheduler/operation.hpp"
#include "runtime/http_server.hpp"

namespace bourse::crawler {

class ControlApi {
 public:
  using Operate = std::function<Status(const Operation&)>;
  using Document = std::function<std::string()>;

  static Result<std::unique_ptr<ControlApi>> listen(runtime::Loop& loop, Operate operate,
                                                    Document document);
  std::string address() const;

 private:
  ControlApi(Operate operate, Document document)
      : operate_(std::move(operate)), document_(std::move(document)) {}
  runtime::HttpResponse answer(const runtime::HttpRequest& request) const;

  Operate operate_;
  Document document_;
  std::unique_ptr<runtime::HttpServer> server_;
};

}  // namespace bourse::crawler
