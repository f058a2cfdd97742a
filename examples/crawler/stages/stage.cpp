#include "examples/crawler/stages/stage.hpp"

#include <cinttypes>
#include <cstdio>

namespace bourse::crawler {
namespace {

constexpr Duration kReportEvery = Duration::milliseconds(250);
constexpr Duration kSayEvery = Duration::seconds(5);  // to whoever reads the task's stdout

}  // namespace

StageHandler::StageHandler(runtime::Loop& loop) : loop_(loop) {
  report_timer_ = loop_.every(kReportEvery, [this] { report_load(); });
  say_timer_ = loop_.every(kSayEvery, [this] { say_load(); });
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

void StageHandler::say_load() {
  const StageLoad now = load();
  if (now.done == said_.done && now.failed == said_.failed && now.trouble == said_.trouble) return;
  said_ = now;
  std::printf("%" PRIu64 " done, %" PRIu64 " failed, %" PRIu64 " in work, %" PRIu64
              " waiting%s%s\n",
              now.done, now.failed, now.in_flight, now.queue, now.trouble.empty() ? "" : "; ",
              now.trouble.c_str());
  std::fflush(stdout);
}

}  // namespace bourse::crawler
