#include "agent/shell/session_output.hpp"

#include <algorithm>
#include <array>

#include "model/session_limits.hpp"
#include "proto/codec/json.hpp"
#include "proto/v1/process_io.pb.h"

namespace bourse::agent {

namespace {

using mesos::v1::agent::ProcessIO;

// Written once for each encoding that is asked for.
class Written {
 public:
  explicit Written(const ProcessIO& message) : message_(message) {}
  const std::string& in(codec::Encoding encoding) {
    std::string& text = texts_[static_cast<std::size_t>(encoding)];
    if (text.empty()) {
      text = encoding == codec::Encoding::json ? codec::to_json(message_)
                                               : message_.SerializeAsString();
    }
    return text;
  }

 private:
  const ProcessIO& message_;
  std::array<std::string, 2> texts_;
};

}  // namespace

void SessionOutput::add(const runtime::HttpResponder& responder, codec::Encoding encoding,
                        bool streamed, std::uint64_t number, runtime::UniqueFunction<void()> gone) {
  runtime::HttpResponse head;
  const std::string type(codec::media_type(encoding));
  head.headers.add("Content-Type", streamed ? "application/recordio" : type);
  if (streamed) head.headers.add("Message-Content-Type", type);
  head.headers.add("Cache-Control", "no-store");
  Reader reader{number, encoding,
                responder.open_stream(std::move(head), limits::kSessionOutputBytes)};
  reader.stream.on_closed([gone = std::move(gone)](const Error&) mutable { gone(); });
  readers_.push_back(std::move(reader));
}

void SessionOutput::remove(std::uint64_t number) {
  readers_.erase(std::remove_if(readers_.begin(), readers_.end(),
                                [number](const Reader& r) { return r.number == number; }),
                 readers_.end());
}

void SessionOutput::write(OutputKind kind, std::string_view bytes) const {
  ProcessIO message;
  message.set_type(ProcessIO::DATA);
  message.mutable_data()->set_type(kind == OutputKind::out ? ProcessIO::Data::STDOUT
                                                           : ProcessIO::Data::STDERR);
  message.mutable_data()->set_data(std::string(bytes));
  Written written(message);
  for (const Reader& reader : readers_)
    (void)reader.stream.send_record(written.in(reader.encoding));
}

void SessionOutput::heartbeat() const {
  ProcessIO message;
  message.set_type(ProcessIO::CONTROL);
  message.mutable_control()->set_type(ProcessIO::Control::HEARTBEAT);
  message.mutable_control()->mutable_heartbeat()->mutable_interval()->set_nanoseconds(
      kSessionHeartbeat.ns);
  Written written(message);
  for (const Reader& reader : readers_)
    (void)reader.stream.send_record(written.in(reader.encoding));
}

bool SessionOutput::backed_up() const {
  return std::any_of(readers_.begin(), readers_.end(), [](const Reader& reader) {
    return reader.stream.queued_bytes() > limits::kSessionOutputBytes / 2;
  });
}

void SessionOutput::close() {
  for (const Reader& reader : readers_) reader.stream.close();
  readers_.clear();
}

}  // namespace bourse::agent
