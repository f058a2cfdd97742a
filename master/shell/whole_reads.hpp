// Reads of the whole cluster (/state and its like, GET_STATE, lists without a bound): written on a
// thread of their own from a copy of the view's state, so that Changes and smaller reads go on
// meanwhile (docs/decisions/0053-whole-reads.md). One text at a time. Who asks for the same before
// it is begun, or while it is written and nothing that he may know of is missing in it, gets that
// text. Packing is done on a further thread.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "master/shell/view_service.hpp"
#include "runtime/loop.hpp"

namespace bourse::master {

class WholeReads {
 public:
  // Of texts that somebody still has. Over it the next reader is told to come back (503).
  static constexpr std::size_t kMostUnsentBytes = 1u << 30;

  using Text = std::shared_ptr<const std::string>;
  struct Question {
    std::string key;             // of equal questions equal
    std::uint64_t sequence = 0;  // published when it was asked
    std::function<Result<std::string>(const ViewState&)> write;
    // The text, or why there is none: any thread but the one that asks.
    std::function<void(const Result<Text>&)> answer;
  };

  // `view` must outlive this, and its thread must have ended before this goes.
  explicit WholeReads(ViewService& view, std::size_t most_unsent = kMostUnsentBytes);
  ~WholeReads();
  WholeReads(const WholeReads&) = delete;
  WholeReads& operator=(const WholeReads&) = delete;

  // Any thread; refused at once while too much is not sent yet.
  void read(Question question);
  // Answers that were made for somebody else too. Any thread.
  std::uint64_t shared_answers() const { return shared_answers_; }
  // Runs `task` behind what is being written. Any thread.
  void post_to_writer(std::function<void()> task) { writing_.post(std::move(task)); }

 private:
  struct Writing {
    bool begun = false;
    std::uint64_t sequence = 0;  // once begun: of what it is made from
    std::vector<std::shared_ptr<Question>> for_whom;
  };

  // -- the view's thread
  void ask(const View& view, const std::shared_ptr<Question>& question);
  void begin(const View& view);
  void finish(const View& view, const Result<Text>& text);
  // -- the writer's
  Result<Text> write(const ViewState& state, const Question& question);

  ViewService& view_;
  const std::size_t most_unsent_;
  std::shared_ptr<std::atomic<std::size_t>> unsent_bytes_;
  std::atomic<std::uint64_t> shared_answers_{0};
  std::deque<std::shared_ptr<Writing>> writings_;  // the first is begun; the view's thread
  runtime::Loop writing_;
  runtime::Loop packing_;
  std::thread writer_;
  std::thread packer_;
};

}  // namespace bourse::master
