// The reads of whole state that Mesos had before its v1 operator API: /state, /state-summary,
// /slaves, /frameworks, /tasks. What one of them costs is bounded (docs/decisions/
// 0044-classic-reads.md): its text by master/view/classic.hpp, all else by WholeReads.
// add_routes() and requests: the I/O thread.
#pragma once

#include <functional>

#include "master/shell/whole_reads.hpp"
#include "master/view/classic.hpp"
#include "runtime/http_router.hpp"

namespace bourse::master {

class ClassicReads {
 public:
  // `reads` must outlive this. `published` (the newest sequence) and `self` are asked for on the
  // I/O thread.
  ClassicReads(WholeReads& reads, std::function<std::uint64_t()> published,
               std::function<ClassicMaster()> self);

  void add_routes(runtime::HttpRouter& router);

 private:
  void read(runtime::HttpRequest request, runtime::HttpResponder responder, const char* route,
            ClassicAnswer how);

  WholeReads& reads_;
  std::function<std::uint64_t()> published_;
  std::function<ClassicMaster()> self_;
};

}  // namespace bourse::master
