// SandboxFiles: reading a task's sandbox for people (HTTP, CLI, UI) while the task, which may be
// hostile, owns it. Every path is resolved by the kernel beneath a directory descriptor
// (openat2 RESOLVE_BENEATH): "..", absolute and escaping symbolic links, and siblings that share a
// prefix are refused without a race; symbolic links that stay inside work. Only regular files are
// opened, so a fifo cannot block us nor a device be touched. Any thread; holds one descriptor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace bourse::isolation {

struct SandboxEntry {
  std::string name;  // relative to the listed directory
  bool directory = false;
  bool regular = false;
  std::int64_t size_bytes = 0;
  std::int64_t modified_ns = 0;  // since 1970
  std::uint32_t mode = 0;        // st_mode
  std::uint32_t links = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

struct SandboxChunk {
  std::string bytes;
  std::int64_t size_bytes = 0;  // of the whole file now: an offset beyond it means it was rotated
};

class SandboxFiles {
 public:
  static constexpr std::size_t kMostReadBytes = 4 << 20;
  static constexpr std::size_t kMostEntries = 10'000;

  static Result<SandboxFiles> open(const std::string& sandbox_dir);
  ~SandboxFiles();
  SandboxFiles(SandboxFiles&& other) noexcept;
  SandboxFiles& operator=(SandboxFiles&& other) noexcept;

  // `path` relative to the sandbox; "" or "/" is the sandbox itself, a leading '/' is ignored.
  // Sorted by name. not_found, denied (leads out of the sandbox), too_large.
  Result<std::vector<SandboxEntry>> list(const std::string& path) const;
  // At most min(length, kMostReadBytes); fewer at the end; none at or beyond it.
  // not_found, denied (leads out, or no regular file), invalid (negative offset).
  Result<SandboxChunk> read(const std::string& path, std::int64_t offset,
                            std::int64_t length) const;

 private:
  explicit SandboxFiles(int fd) : fd_(fd) {}
  Result<int> open_beneath(const std::string& path) const;

  int fd_ = -1;
};

}  // namespace bourse::isolation
