// Writes one valid message of each kind into DIR/<target>/<number>: where fuzzing starts from.

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "agent/isolation/exit_record.hpp"
#include "agent/isolation/launch_record.hpp"
#include "coordination/core/record.hpp"
#include "examples/crawler/wire/messages.hpp"
#include "executors/batch/batch_message.hpp"
#include "master/record/event_form.hpp"
#include "master/record/recording.hpp"
#include "master/record/segment_name.hpp"
#include "master/record/state_image.hpp"
#include "model/gateway_link.hpp"
#include "model/link_session.hpp"
#include "proto/codec/executor.hpp"
#include "proto/codec/frames.hpp"
#include "proto/codec/links.hpp"
#include "proto/codec/record_io.hpp"
#include "proto/codec/records.hpp"
#include "proto/codec/registry_export.hpp"
#include "proto/codec/service_records.hpp"
#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::codec;

namespace {

std::filesystem::path root;
int number = 0;

void write(const char* target, std::string_view bytes) {
  const auto directory = root / target;
  std::filesystem::create_directories(directory);
  std::ofstream(directory / std::to_string(number++), std::ios::binary) << bytes;
}

// The frame that `append` makes of a message.
template <typename Append>
std::string frame(Append append) {
  std::string batch;
  append(batch);
  const auto frames = decode_frames(batch);
  return frames && !frames->empty() ? std::string(frames->front()) : std::string();
}

// Version and checksum are put back by the target.
std::string kind_and_payload(const std::string& record) {
  return record.substr(1, 1) + record.substr(10);
}

void write_public() {
  const EventShape modern{{~0u}, nullptr};
  for (const Encoding encoding : {Encoding::protobuf, Encoding::json}) {
    for (const auto& call : sample::scheduler_calls()) {
      const std::string body = encode_scheduler_call(encoding, call);
      write("scheduler_call", body);
      if (encoding == Encoding::json) write("json", body);
    }
    for (const auto& event : sample::scheduler_events()) {
      const std::string body = encode_scheduler_event(encoding, event, modern);
      write("scheduler_event", body);
      if (encoding == Encoding::json) write("json", body);
    }
    for (const auto& call : sample::executor_calls()) {
      write("executor_messages", encode_executor_call(encoding, call));
    }
    for (const auto& event : sample::executor_events()) {
      write("executor_messages", encode_executor_event(encoding, event));
    }
  }
}

void write_links() {
  std::string all;
  for (const auto& message : sample::agent_messages()) {
    write("agent_to_master", frame([&](auto& to) { append_agent_to_master(message, to); }));
    append_agent_to_master(message, all);
  }
  write("frames", all);
  std::string carried;
  append_envelope({Envelope::Kind::came, 1, kAgentPreamble}, carried);
  append_envelope({Envelope::Kind::said, 300, all}, carried);
  append_envelope({Envelope::Kind::ping}, carried);
  write("gateway_link", carried);
  for (const auto& message : sample::master_messages()) {
    write("master_to_agent", frame([&](auto& to) { append_master_to_agent(message, to); }));
  }
  for (const auto& event : sample::scheduler_events()) {
    write("master_to_framework", frame([&](auto& to) {
            append_master_to_framework({{1, 2, 3}, event}, {{~0u}, nullptr}, to);
          }));
  }
  for (const auto& call : sample::scheduler_calls()) {
    write("framework_to_master", frame([&](auto& to) {
            append_framework_to_master({{1, 2, 3}, call}, to);
          }));
  }
}

void write_batch_stream() {
  std::string all;
  for (const batch::BatchMessage& message : std::initializer_list<batch::BatchMessage>{
           batch::Hello{batch::kBatchVersion, "client"}, batch::Item{7, "payload"},
           batch::Cancel{7}, batch::Credit{5, 4096}, batch::ItemResult{7, true, "result"},
           batch::Progress{7, "half"}}) {
    batch::append_message(message, all);
  }
  write("batch_stream", all);
}

void write_operator_queries() {
  write("operator_query", R"({"type":"GET_TASKS","get_tasks":{"limit":10,"state":["TASK_RUNNING"],)"
                          R"("search":"x","after":"0.17","framework_id":{"value":"f"}}})");
  write("operator_query", R"({"type":"SUBSCRIBE","subscribe":{"since":7,"types":["TASK_ADDED"]}})");
  write("operator_query", "0.17");
}

void write_isolation() {
  isolation::LaunchRecord launch;
  launch.container_id = "c";
  launch.token = std::string(isolation::kTokenBytes, 'a');
  launch.argv = {"/bin/sh", "-c", "true"};
  launch.env = {"A=b"};
  launch.groups = {1, 2};
  write("shim_records", isolation::encode_launch_record(launch));
  isolation::ExitRecord exit;
  exit.launched = true;
  write("shim_records", isolation::encode_state(isolation::fields_of(exit)));
  isolation::Frame sent = isolation::make_frame(isolation::FrameType::exited);
  isolation::put_exit_record(exit, sent);
  write("shim_records", {reinterpret_cast<const char*>(&sent), sizeof sent});
  write("kernel_text",
        "33 32 0:28 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n"
        "34 32 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n" +
            std::string(1, '\0') + "4:memory:/x/y\n0::/x\n");
  write("kernel_text", "17 (a ) b) S 1 17 17 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0\n");
}

void write_recording() {
  const auto write_event = [](decltype(master::Event::body) body) {
    std::string event = "\x01";
    if (master::encode_event({{Instant{5}, WallTime{6}}, std::move(body)}, event).ok()) {
      write("recording", event);
    }
  };
  for (const auto& message : sample::agent_messages()) {
    write_event(master::FromAgent{PeerId(1), {"p"}, message});
  }
  for (const auto& call : sample::scheduler_calls()) {
    write_event(master::FromFramework{PeerId(1), {}, {{1, 2, 3}, call}, RequestId(4)});
  }
  write_event(master::FromOperator{
      RequestId(1), {}, master::operation::KillTask{{}, TaskId("t"), Duration::seconds(1)}});
  write_event(master::Rejected{PersistId(1), "full"});
  Registry registry;
  registry.cluster_id = "c";
  registry.epoch = 3;
  write_event(master::Lead{registry});
  write("recording", "\x02" + master::encode_state(master::MasterState{}));
  const std::string header = master::encode_header({});
  write("recording", "\x03" + header);
  std::string segment(master::kRecordingMagic);
  master::append_record(master::RecordKind::header, header, segment);
  write("recording", std::string(1, '\0') + segment);
  write("recording", "\x05" + master::segment_name({1, 1}));
}

void write_texts() {
  for (const char* text : {"cpus(a/b):1.5;mem:64;ports:[1-5,8-9];set:{a,b}", "10.0.0.1:5060,b:1",
                           "/path/to?a=%41+b&c", "5secs", "64MB"}) {
    write("texts", text);
  }
}

void write_credentials() {
  for (const char* text : {"Basic YTpi", R"({"principal":"a","secret":"b"})",
                           R"({"credentials":[{"principal":"a","secret":"$6$b"}]})"}) {
    write("credentials", text);
  }
}

std::string first(char kind, std::string_view rest) {
  return kind + std::string(rest);
}

void write_crawler() {
  write("crawler_pages",
        first(0,
              "<html><head><base href='/a/'><script type='application/ld+json'>"
              R"({"@type":"Product","sku":"1","name":"x","offers":{"price":"1.50",)"
              R"("priceCurrency":"EUR"}}</script></head><body><h1>x</h1>)"
              "<a href='../b?c=d'>b</a><div itemscope itemtype='Product'>"
              "<span itemprop='price'>2,50</span></div></body></html>"));
  write("crawler_pages", first(1,
                               "<?xml version='1.0'?><urlset><url><loc>http://a.test/b</loc>"
                               "</url></urlset>"));
  write("crawler_pages", first(2,
                               "User-agent: *\nDisallow: /x*$\nAllow: /x/y\nCrawl-delay: 2\n"
                               "Sitemap: http://a.test/s.xml\n"));
  write("crawler_pages", first(3, "HTTP://A.test:80/%7Eb/../c/./d?e=f#g"));
  write("crawler_pages", first(4, "EUR 1.234,56"));
  write("crawler_pages", first(5, "Cr\xc3\x83\xc2\xa8me"));
  write("crawler_wire",
        crawler::encode(crawler::Configure{{"a:1"}, true, "h 1", 8, "/o", 2, true}));
  write("crawler_wire", crawler::encode(crawler::FetchOrder{}));
  write("crawler_wire", crawler::encode(crawler::Page{}));
  write("crawler_wire",
        crawler::encode(crawler::StoreWork{7, 1, crawler::Item{}, crawler::Page{}}));
  write("crawler_wire", crawler::encode(crawler::StageLoad{1, 2, 3, 4, 5, "disk full"}));
  for (const char* text : {R"({"op":"pause","stage":"fetch"})", R"({"op":"drain","host":"a.test"})",
                           R"({"op":"scale","stage":"store","workers":2})",
                           R"({"op":"rate","host":"a.test","per_s":0.5})"}) {
    write("crawler_wire", text);
  }
}

void write_registries() {
  // Without its checksum, which the target puts there.
  for (const std::string& record :
       {coordination::encode(coordination::EpochRecord{"c", 7, "t"}),
        coordination::encode(coordination::RegistryRecord{8, {"f"}}),
        coordination::encode(coordination::ShardRecord{7, 2, {{"k", "v"}}})}) {
    write("coordination_record", record.substr(8));
  }
  write("coordination_record", "0007");
  Registry registry;
  registry.cluster_id = "c";
  registry.epoch = 3;
  const std::string whole = write_registry_export(registry);
  write("registry_export", whole);
  write("registry_export", whole.substr(0, whole.rfind('{')));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_seeds DIR\n");
    return 2;
  }
  root = argv[1];
  write_public();
  write_links();
  write_batch_stream();
  write_operator_queries();
  write_isolation();
  write_recording();
  write_texts();
  write_credentials();
  write_crawler();
  write_registries();
  for (const auto& command : sample::registry_commands()) {
    write("registry_record", kind_and_payload(encode_registry_command(command)));
  }
  for (const auto& record : sample::checkpoint_records()) {
    write("checkpoint_record", kind_and_payload(encode_checkpoint_record(record)));
  }
  for (const auto& command : sample::service_commands()) {
    write("service_record", kind_and_payload(encode_service_command(command)));
  }
  for (const char* text :
       {R"({"id":"web","command":"x","env":{"A":"b"},"cpus":0.5,"mem":64,"ports":1,"instances":2,)"
        R"("constraints":[{"attribute":"rack","operator":"max_per","count":1}],)"
        R"("backoff":{"first_seconds":1}})",
        R"({"instances":3})", R"({"if_version":2})", R"({"service_scheduler":"h:1"})"}) {
    write("service_api", text);
  }
  std::string stream = "\x03";
  append_record(R"({"type":"HEARTBEAT"})", stream);
  append_record("", stream);
  write("record_io", stream);
  return 0;
}
