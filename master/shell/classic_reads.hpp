// The reads of whole state that Mesos had before its v1 operator API: /state, /state-summary,
// /slaves, /frameworks, /tasks. What one of them costs is bounded (docs/decisions/
// 0044-classic-reads.md): its text by master/view/classic.hpp, the texts that are not yet sent by
// kMostUnsentBytes, the view's time by making one text for all who asked before it was made.
// Packing is done on a thread of its own. add_routes() and requests: the I/O thread.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "master/shell/view_service.hpp"
#include "master/view/classic.hpp"
#include "runtime/http_router.hpp"
#include "runtime/loop.hpp"

namespace bourse::master {

class ClassicReads {
 public:
  // Over it the next request is told to come back (503).
  static constexpr std::size_t kMostUnsentBytes = 1u << 30;

  // `view` must outlive this, and its thread must have ended before this goes. `published` (the
  // newest sequence) and `self` are asked for on the I/O thread.
  ClassicReads(ViewService& view, std::function<std::uint64_t()> published,
               std::function<ClassicMaster()> self, std::size_t most_unsent = kMostUnsentBytes);
  ~ClassicReads();
  ClassicReads(const ClassicReads&) = delete;
  ClassicReads& operator=(const ClassicReads&) = delete;

  void add_routes(runtime::HttpRouter& router);
  // Answers that were made for somebody else too. Any thread.
  std::uint64_t shared_answers() const { return shared_answers_; }

 private:
  using Text = std::shared_ptr<const std::string>;
  struct Made {
    std::uint64_t sequence = 0;
    Text text;
  };
  struct Asked;

  void read(runtime::HttpRequest request, runtime::HttpResponder responder, const char* route,
            ClassicAnswer how);
  void answer(const View& view, const std::shared_ptr<Asked>& asked);
  void send(const std::shared_ptr<Asked>& asked, Text text);
  Text counted(std::string text);

  ViewService& view_;
  std::function<std::uint64_t()> published_;
  std::function<ClassicMaster()> self_;
  const std::size_t most_unsent_;
  std::shared_ptr<std::atomic<std::size_t>> unsent_bytes_;
  std::atomic<std::uint64_t> shared_answers_{0};
  std::map<std::string, Made> made_;  // by what was asked; the view's thread
  runtime::Loop packing_;
  std::thread packer_;
};

}  // namespace bourse::master
