// The operator API of a master: POST /api/v1 (mesos.v1.master.Call with the additions of
// docs/operator-extensions.md), /health, /version, /metrics, and the web UI. Reads go to the view,
// writes to the core, sandbox files to the agent that has them. I/O thread.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "api/logging_level.hpp"
#include "master/shell/classic_reads.hpp"
#include "master/shell/core_runner.hpp"
#include "master/shell/subscriptions.hpp"
#include "master/shell/view_service.hpp"
#include "model/credential.hpp"
#include "proto/codec/encoding.hpp"
#include "proto/codec/scheduler.hpp"
#include "runtime/http_client.hpp"
#include "runtime/http_router.hpp"

namespace mesos::v1::master {
class Call;
}

namespace bourse::master {

class OperatorApi {
 public:
  // Everything given must outlive this. `process_metrics` adds what the view cannot know.
  OperatorApi(runtime::Loop& loop, CoreRunner& core, ViewService& view,
              codec::MasterDescription master, std::function<Metrics()> process_metrics,
              std::vector<std::pair<std::string, std::string>> flags = {});
  ~OperatorApi();

  runtime::HttpHandler handler() { return router_.handler(); }
  // For what is served beside: frameworks.
  runtime::HttpRouter& router() { return router_; }
  void set_master(codec::MasterDescription master) { master_ = std::move(master); }
  // By which agents know this master, where they ask.
  void set_agent_credential(std::optional<Credential> self) { agent_credential_ = std::move(self); }
  // Since when this process is there, and leads: both when it leads.
  void lead(WallTime begun_at, WallTime elected_at) {
    begun_at_ = begun_at;
    elected_at_ = elected_at;
  }
  // Answers of the core to operations. I/O thread.
  void on_answers(std::vector<Answer>&& answers);

 private:
  struct Request;

  void add_routes();
  // -- classic_routes.cpp: the endpoints that Mesos had before this API
  void add_classic_routes();
  void read_classic(runtime::HttpRequest request, runtime::HttpResponder responder,
                    std::string (*body)(const ViewState&));
  void write_classic(runtime::HttpRequest request, runtime::HttpResponder responder,
                     Result<mesos::v1::master::Call> (*read)(const runtime::HttpRequest&));
  void classic_quota(runtime::HttpRequest request, runtime::HttpResponder responder);
  void classic_weights(runtime::HttpRequest request, runtime::HttpResponder responder);
  void add_machine_routes();
  void call(runtime::HttpRequest request, runtime::HttpResponder responder);
  void kill_task(const std::shared_ptr<Request>& request);
  void explain_framework(const std::shared_ptr<Request>& request);
  void answer_explained(const std::shared_ptr<Request>& request, std::uint64_t sequence);
  void dispatch(const std::shared_ptr<Request>& request, const mesos::v1::master::Call& call);
  void subscribe(const std::shared_ptr<Request>& request);
  void set_logging_level(const std::shared_ptr<Request>& request,
                         const mesos::v1::master::Call& call);
  // -- operator_reads.cpp
  void read_rows(const std::shared_ptr<Request>& request, const mesos::v1::master::Call& call);
  void read_view(const std::shared_ptr<Request>& request,
                 std::function<std::string(const ViewState&)> body);
  // The same for what grows with the cluster: beside the view's thread.
  void read_whole(const std::shared_ptr<Request>& request, std::string what,
                  std::function<std::string(const ViewState&)> body);
  // -- operator_files.cpp
  void list_files(const std::shared_ptr<Request>& request, const std::string& path);
  void read_file(const std::shared_ptr<Request>& request, const std::string& path,
                 std::uint64_t offset, std::optional<std::uint64_t> length);
  void forward(const std::shared_ptr<Request>& request, const AgentId& agent_id);
  void send_to_agent(const std::shared_ptr<Request>& request, const std::string& url);
  // --
  void write(const std::shared_ptr<Request>& request, FromOperator operation);
  Metrics metrics(const ViewState& state) const;  // any thread
  void metrics_snapshot(runtime::HttpRequest request, runtime::HttpResponder responder,
                        bool prometheus);
  void serve_ui(const runtime::HttpRequest& request, const runtime::HttpResponder& responder);

  runtime::Loop& loop_;
  CoreRunner& core_;
  ViewService& view_;
  codec::MasterDescription master_;
  std::function<Metrics()> process_metrics_;
  runtime::HttpRouter router_;
  const std::vector<std::pair<std::string, std::string>> flags_;
  WholeReads whole_reads_;
  ClassicReads classic_reads_;
  Subscriptions subscriptions_;  // the view's thread
  std::uint64_t requests_made_ = 0;
  std::map<RequestId, std::shared_ptr<Request>> waiting_;  // for the core's answer
  std::map<std::uint64_t, runtime::HttpCall> forwarded_;
  std::uint64_t forwarded_made_ = 0;
  std::optional<Credential> agent_credential_;
  api::LoggingLevel logging_;
  WallTime begun_at_;
  WallTime elected_at_;
};

}  // namespace bourse::master
