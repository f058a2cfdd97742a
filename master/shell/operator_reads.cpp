// Calls of the operator API that read rows of the view.
#include "master/shell/operator_api.hpp"
#include "master/shell/operator_request.hpp"
#include "proto/v1/master_call.pb.h"

namespace bourse::master {

namespace {

using runtime::HttpResponse;
using Call = mesos::v1::master::Call;

// Equal for queries that select the same. REQUIRES no limit.
std::string key_of(const TaskQuery& query) {
  std::string out = "GET_TASKS";
  for (const std::string& part :
       {query.after, query.framework_id.raw(), query.agent_id.raw(), query.search}) {
    out += '\n' + std::to_string(part.size()) + ' ' + part;
  }
  for (const TaskState state : query.states) out += '\n' + std::string(name_of(state));
  return out + (query.orphan ? "\norphan" : "");
}

}  // namespace

// What names its rows, or a window of them, is small; else it grows with the cluster.
void OperatorApi::read_rows(const std::shared_ptr<Request>& request, const Call& call) {
  const codec::Encoding out = request->out;
  const Queries& queries = request->queries;
  switch (call.type()) {
    case Call::GET_AGENTS: {
      const auto body = [out, query = queries.agents](const ViewState& state) {
        return answer_agents(state, out, query);
      };
      return queries.agents.ids.empty() ? read_whole(request, "GET_AGENTS", body)
                                        : read_view(request, body);
    }
    case Call::GET_FRAMEWORKS: {
      const auto body = [out, query = queries.frameworks](const ViewState& state) {
        return answer_frameworks(state, out, query);
      };
      const char* key = queries.frameworks.offers ? "GET_FRAMEWORKS\noffers" : "GET_FRAMEWORKS";
      return queries.frameworks.ids.empty() ? read_whole(request, key, body)
                                            : read_view(request, body);
    }
    case Call::GET_TASKS: {
      const auto body = [out, query = queries.tasks](const ViewState& state) {
        return answer_tasks(state, out, query);
      };
      const bool few = queries.tasks.limit || !queries.tasks.task_id.empty();
      return few ? read_view(request, body) : read_whole(request, key_of(queries.tasks), body);
    }
    case Call::GET_EXECUTORS:
      return read_whole(request, "GET_EXECUTORS",
                        [out](const ViewState& state) { return answer_executors(state, out); });
    case Call::GET_OPERATIONS:
      return read_whole(request, "GET_OPERATIONS",
                        [out](const ViewState& state) { return answer_operations(state, out); });
    default:
      return read_whole(request, "GET_STATE",
                        [out](const ViewState& state) { return answer_state(state, out); });
  }
}

void OperatorApi::read_whole(const std::shared_ptr<Request>& request, std::string what,
                             std::function<std::string(const ViewState&)> body) {
  WholeReads::Question question;
  question.key = std::move(what);
  if (request->out == codec::Encoding::json) question.key += "\nJSON";
  question.sequence = core_.published();
  question.write = std::move(body);
  question.answer = [request](const Result<WholeReads::Text>& text) {
    if (!text.ok()) return request->refuse(text.error());
    HttpResponse answer = api::typed_body({}, request->out);
    answer.shared_body = text.value();
    request->responder.respond(std::move(answer));
  };
  whole_reads_.read(std::move(question));
}

void OperatorApi::read_view(const std::shared_ptr<Request>& request,
                            std::function<std::string(const ViewState&)> body) {
  view_.read(
      core_.published(),
      [request, body = std::move(body)](View& view) { request->answer(body(view.state())); },
      [request] {
        request->refuse({ErrorCode::unavailable, "the view is behind the cluster; try again"});
      });
}

}  // namespace bourse::master
