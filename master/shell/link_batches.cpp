#include "master/shell/link_batches.hpp"

#include <utility>

#include "proto/codec/frames.hpp"
#include "proto/codec/links.hpp"

namespace bourse::master {

LinkBatches::Batch& LinkBatches::batch_of(PeerId peer) {
  const auto [it, fresh] = index_.try_emplace(peer, batches_.size());
  if (fresh) batches_.push_back({peer, {}, 0});
  return batches_[it->second];
}

void LinkBatches::flush(Batch& batch) {
  batch.frames = 0;
  if (!batch.bytes.empty()) sinks_.send(batch.peer, std::exchange(batch.bytes, {}));
}

void LinkBatches::append(const Outgoing& item, const codec::MasterDescription& master) {
  const auto* agent = std::get_if<SendToAgent>(&item);
  const auto* framework = std::get_if<SendToFramework>(&item);
  Batch& batch = batch_of(agent != nullptr ? agent->peer : framework->stream);
  const std::size_t before = batch.bytes.size();
  const std::size_t added =
      agent != nullptr ? codec::append_master_to_agent(agent->message, batch.bytes)
                       : codec::append_master_to_framework(
                             framework->message, {framework->capabilities, &master}, batch.bytes);
  if (added == 0) {
    sinks_.too_large(batch.peer);
    return;
  }
  ++frames_;
  if (codec::fits_batch(before, added) && batch.frames < codec::kMaxFramesPerBatch) {
    ++batch.frames;
    return;
  }
  // It was one too many: it opens the next message.
  std::string next = batch.bytes.substr(before);
  batch.bytes.resize(before);
  flush(batch);
  batch.bytes = std::move(next);
  batch.frames = 1;
}

void LinkBatches::send(std::vector<Outgoing>&& batch, const codec::MasterDescription& master) {
  for (Outgoing& item : batch) {
    if (const auto* close = std::get_if<ClosePeer>(&item)) {
      flush(batch_of(close->peer));
      sinks_.close(*close);
    } else {
      append(item, master);
    }
    item = ClosePeer{};  // its memory goes back while it is at hand
  }
  for (Batch& waiting : batches_) flush(waiting);
  batches_.clear();
  index_.clear();
}

}  // namespace bourse::master
