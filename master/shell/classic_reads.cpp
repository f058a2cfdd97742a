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

}  // namespace

ClassicReads::ClassicReads(WholeReads& reads, std::function<std::uint64_t()> published,
                           std::function<ClassicMaster()> self)
    : reads_(reads), published_(std::move(published)), self_(std::move(self)) {}

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
  WholeReads::Question question;
  question.key = key_of(route, request);
  question.sequence = published_();
  question.write = [how, asked = ClassicQuestion{self_(), request.query}](const ViewState& state) {
    return how(state, asked);
  };
  question.answer = [request = std::move(request),
                     responder = std::move(responder)](const Result<WholeReads::Text>& text) {
    if (!text.ok()) return responder.respond(api::refusal(text.error()));
    if (!request.query_value("jsonp").empty()) {
      return responder.respond(api::json_answer(request, *text.value()));
    }
    HttpResponse out = HttpResponse::json({});
    out.shared_body = text.value();
    responder.respond(std::move(out));
  };
  reads_.read(std::move(question));
}

}  // namespace bourse::master
