#include "master/shell/classic_reads.hpp"

#include <array>

#include "api/negotiation.hpp"

namespace bourse::master {

namespace {

using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;

// Two requests of one route are the same if these are.
std::string key_of(const char* route, const HttpRequest& request) {
  constexpr std::array<const char*, 6> kSay = {"slave_id", "framework_id", "task_id",
                                               "limit",    "offset",       "order"};
  std::string out = route;
  for (const char* name : kSay) {
    out += '\n';
    out += request.query_value(name);
  }
  return out;
}

// A text, counted while somebody has it.
struct Counted {
  Counted(std::string made, std::shared_ptr<std::atomic<std::size_t>> sum)
      : text(std::move(made)), bytes(std::move(sum)) {
    *bytes += text.size();
  }
  ~Counted() { *bytes -= text.size(); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  const std::string text;
  const std::shared_ptr<std::atomic<std::size_t>> bytes;
};

}  // namespace

struct ClassicReads::Asked {
  HttpRequest request;
  HttpResponder responder;
  ClassicQuestion question;
  ClassicAnswer how = nullptr;
  std::string key;
  std::uint64_t sequence = 0;  // published when it was asked
};

ClassicReads::ClassicReads(ViewService& view, std::function<std::uint64_t()> published,
                           std::function<ClassicMaster()> self, std::size_t most_unsent)
    : view_(view),
      published_(std::move(published)),
      self_(std::move(self)),
      most_unsent_(most_unsent),
      unsent_bytes_(std::make_shared<std::atomic<std::size_t>>(0)),
      packer_([this] { packing_.run(); }) {}

ClassicReads::~ClassicReads() {
  packing_.stop();
  packer_.join();
}

void ClassicReads::add_routes(runtime::HttpRouter& router) {
  struct Route {
    const char* path;
    ClassicAnswer answer;
  };
  for (const Route& route : std::initializer_list<Route>{{"state", classic_state},
                                                         {"state-summary", classic_state_summary},
                                                         {"slaves", classic_slaves},
                                                         {"frameworks", classic_frameworks},
                                                         {"tasks", classic_tasks}}) {
    router.add(route.path, [this, route](HttpRequest request, HttpResponder responder) {
      read(std::move(request), std::move(responder), route.path, route.answer);
    });
  }
}

void ClassicReads::read(HttpRequest request, HttpResponder responder, const char* route,
                        ClassicAnswer how) {
  if (*unsent_bytes_ >= most_unsent_) {
    return responder.respond(api::refusal(
        {ErrorCode::unavailable, "too much of this cluster's state is being read; try again"}));
  }
  auto asked = std::make_shared<Asked>();
  asked->question.self = self_();
  asked->question.query = request.query;
  asked->how = how;
  asked->key = key_of(route, request);
  asked->sequence = published_();
  asked->request = std::move(request);
  asked->responder = std::move(responder);
  view_.read(
      asked->sequence, [this, asked](View& view) { answer(view, asked); },
      [asked] {
        asked->responder.respond(
            api::refusal({ErrorCode::unavailable, "the view is behind the cluster; try again"}));
      });
}

// Who asked while the view was busy with an older text of the same gets that one, if nothing that
// he may know of is missing in it.
void ClassicReads::answer(const View& view, const std::shared_ptr<Asked>& asked) {
  const auto made = made_.find(asked->key);
  if (made != made_.end() && made->second.sequence >= asked->sequence) {
    ++shared_answers_;
    return send(asked, made->second.text);
  }
  auto text = asked->how(view.state(), asked->question);
  if (!text.ok()) return asked->responder.respond(api::refusal(text.error()));
  Text shared = counted(std::move(text).value());
  made_[asked->key] = {view.state().sequence(), shared};
  // Behind all that waits for this thread now.
  view_.post([this, key = asked->key](View&) { made_.erase(key); });
  send(asked, std::move(shared));
}

void ClassicReads::send(const std::shared_ptr<Asked>& asked, Text text) {
  packing_.post([asked, text = std::move(text)] {
    if (!asked->request.query_value("jsonp").empty()) {
      return asked->responder.respond(api::json_answer(asked->request, *text));
    }
    HttpResponse out = HttpResponse::json({});
    out.shared_body = text;
    asked->responder.respond(std::move(out));
  });
}

ClassicReads::Text ClassicReads::counted(std::string text) {
  const auto held = std::make_shared<const Counted>(std::move(text), unsent_bytes_);
  return {held, &held->text};
}

}  // namespace bourse::master
