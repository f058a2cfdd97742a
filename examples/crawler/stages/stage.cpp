#include "examples/crawler/stages/stage.hpp"

namespace bourse::crawler {
namespace {

constexpr Duration kReportEvery = Duration::milliseconds(250);

}  // namespace

StageHandler::StageHandler(runtime::Loop& loop) : loop_(loop) {
  report_timer_ = loop_.every(kReportEvery, [this] { report_load(); });
}

void StageHandler::on_item(batch::WorkHandle work, std::string_view payload) {
  Result<StageMessage> message = decode_stage_message(payload);
  if (!message.ok()) {
    work.failed(message.error().message);
    return;
  }
  if (auto* configure = std::get_if<Configure>(&message.value())) {
    configured_by_.done({});
    configured_by_ = std::move(work);
    config_ = std::move(*configure);
    configured_ = true;
    on_configured();
    report_load();
    return;
  }
  on_work(std::move(work), std::move(message).value());
}

void StageHandler::report_load() {
  configured_by_.progress(encode(load()));
}

}  // namespace bourse::crawler
