#include "master/record/replay.hpp"

#include "base/overloaded.hpp"
#include "master/record/event_form.hpp"
#include "master/record/state_image.hpp"

namespace bourse::master {

namespace {

Error in_file(const std::string& name, const Error& error) {
  return {error.code, name + ": " + error.message};
}

std::string hex(std::uint64_t value) {
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[(value >> shift) & 15];
  return out;
}

}  // namespace

Status Replay::play(std::string_view segment, const std::string& name) {
  auto reader = SegmentReader::open(segment, name);
  if (!reader.ok()) return reader.error();
  cut_off_ = false;
  const auto has_events = read_header(*reader);
  if (!has_events.ok()) return has_events.error();
  while (*has_events && !stopped_) {
    const auto record = reader->next();
    if (!record.ok()) return record.error();
    if (!*record) break;
    if (ending_) return in_file(name, {ErrorCode::corrupt, "goes on after its end"});
    if (const Status played = play_record(**record, name); !played.ok()) return played;
  }
  cut_off_ = cut_off_ || reader->cut_off();
  return {};
}

// False: the file was cut off before its first event; nothing of it can be played.
Result<bool> Replay::read_header(SegmentReader& reader) {
  const auto record = reader.next();
  if (!record.ok()) return record.error();
  if (!*record) {
    cut_off_ = true;
    return false;
  }
  if ((*record)->kind != RecordKind::header) {
    return in_file(reader.name(), {ErrorCode::corrupt, "does not begin with a header"});
  }
  const auto header = decode_header((*record)->payload);
  if (!header.ok()) return in_file(reader.name(), header.error());
  const Status ready = core_ ? go_on(*header, reader) : begin(*header, reader);
  if (!ready.ok()) return ready.error();
  if (cut_off_) return false;
  header_ = *header;
  return true;
}

Result<std::string> Replay::read_image(const RecordingHeader& header, SegmentReader& reader) {
  std::string image;
  while (image.size() < header.image_size) {
    const auto record = reader.next();
    if (!record.ok()) return record.error();
    if (!*record) {
      cut_off_ = true;
      return image;
    }
    if ((*record)->kind != RecordKind::image || (*record)->payload.empty()) {
      return in_file(reader.name(),
                     {ErrorCode::corrupt, "lacks a part of the state it begins with"});
    }
    image += (*record)->payload;
  }
  if (image.size() == header.image_size) return image;
  return in_file(reader.name(), {ErrorCode::corrupt, "begins with more than one state"});
}

Status Replay::begin(const RecordingHeader& header, SegmentReader& reader) {
  const auto image = read_image(header, reader);
  if (!image.ok()) return image.error();
  if (cut_off_) return {};
  if (header.first > 1) return restore(header, *image, reader.name());
  if (!image->empty()) {
    return in_file(reader.name(),
                   {ErrorCode::corrupt, "begins with a state before the first event"});
  }
  core_.emplace(header.config);
  first_ = 1;
  return {};
}

Status Replay::restore(const RecordingHeader& header, const std::string& image,
                       const std::string& name) {
  if (header.image_shape != state_shape()) {
    return in_file(name, {ErrorCode::unsupported,
                          "begins with the state of a master of version '" + header.build +
                              "', which looks different inside: replay it with that version, or "
                              "from the first segment of its run"});
  }
  auto state = decode_state(image);
  if (!state.ok()) return in_file(name, state.error());
  MasterCore core(header.config, std::move(*state));
  if (core.fingerprint() != header.image_fingerprint) {
    return in_file(name, {ErrorCode::corrupt, "begins with a state of another fingerprint than " +
                                                  hex(header.image_fingerprint)});
  }
  core_.emplace(std::move(core));
  first_ = header.first;
  sequence_ = header.first - 1;
  marked_ = sequence_;
  return {};
}

Status Replay::go_on(const RecordingHeader& header, SegmentReader& reader) {
  const std::string& name = reader.name();
  if (header.run != header_->run || header.config.master_id != header_->config.master_id) {
    return in_file(name, invalid("is of run " + std::to_string(header.run) +
                                 ", and what came before of run " + std::to_string(header_->run)));
  }
  if (header.first != sequence_ + 1) {
    return in_file(name, {ErrorCode::corrupt,
                          "begins with event " + std::to_string(header.first) +
                              ", and the segment before ends with " + std::to_string(sequence_) +
                              ": what was between is lost; replay the file alone"});
  }
  const auto image = read_image(header, reader);
  if (!image.ok()) return image.error();
  if (cut_off_ || image->empty()) return {};
  return compare(sequence_, header.image_fingerprint, name);
}

Status Replay::compare(std::uint64_t sequence, std::uint64_t fingerprint, const std::string& name) {
  if (sequence != sequence_) {
    return in_file(name, {ErrorCode::corrupt, "has a mark for event " + std::to_string(sequence) +
                                                  " after event " + std::to_string(sequence_)});
  }
  const std::uint64_t replayed = core_->fingerprint();
  if (replayed != fingerprint) {
    return in_file(name,
                   {ErrorCode::conflict, "the replay leaves the recorded way between events " +
                                             std::to_string(marked_ + 1) + " and " +
                                             std::to_string(sequence_) + ": recorded fingerprint " +
                                             hex(fingerprint) + ", replayed " + hex(replayed)});
  }
  marked_ = sequence;
  ++marks_;
  return {};
}

Status Replay::play_record(const Record& record, const std::string& name) {
  switch (record.kind) {
    case RecordKind::event:
      return play_event(record.payload, name);
    case RecordKind::mark: {
      const auto mark = decode_mark(record.payload);
      if (!mark.ok()) return in_file(name, mark.error());
      return compare(mark->sequence, mark->fingerprint, name);
    }
    case RecordKind::ending: {
      auto ending = decode_ending(record.payload);
      if (!ending.ok()) return in_file(name, ending.error());
      ending_ = std::move(*ending);
      return {};
    }
    case RecordKind::header:
    case RecordKind::image:
      break;
  }
  return in_file(name, {ErrorCode::corrupt, "has a header among its events"});
}

// What a shell owes to a core. Everything else a core must bear from whoever sends it.
Status Replay::may_follow(const Event& event) const {
  const bool first = sequence_ == 0;
  if (std::holds_alternative<Lead>(event.body) != first) {
    return Error{ErrorCode::corrupt, "a leadership begins with its registry, once"};
  }
  const auto next_write = [&](PersistId id) -> Status {
    const auto& writes = core_->state().writes;
    if (!writes.empty() && writes.front().first == id) return {};
    return Error{ErrorCode::corrupt, "a write is answered that is not the next one"};
  };
  return std::visit(Overloaded{[&](const Stored& in) { return next_write(in.id); },
                               [&](const Rejected& in) { return next_write(in.id); },
                               [](const auto&) { return Status(); }},
                    event.body);
}

Status Replay::play_event(std::string_view payload, const std::string& name) {
  if (until_.sequence && sequence_ >= *until_.sequence) {
    stopped_ = true;
    return {};
  }
  const auto event = decode_event(payload);
  if (!event.ok()) {
    return in_file(name, {event.error().code,
                          "event " + std::to_string(sequence_ + 1) + ": " + event.error().message});
  }
  if (until_.time && event->stamp.wall > *until_.time) {
    stopped_ = true;
    return {};
  }
  if (const Status may = may_follow(*event); !may.ok()) {
    return in_file(name, {may.error().code,
                          "event " + std::to_string(sequence_ + 1) + ": " + may.error().message});
  }
  ++sequence_;
  if (from_ == WallTime{}) from_ = event->stamp.wall;
  to_ = event->stamp.wall;
  effects_.clear();
  core_->step(*event, effects_);
  if (watch_) watch_({sequence_, *event, effects_, *core_});
  return {};
}

}  // namespace bourse::master
