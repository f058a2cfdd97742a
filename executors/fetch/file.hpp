// Files as the fetcher writes them: counted against what one command may fetch. One owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "model/limits.hpp"

namespace bourse::fetch {

// What is left of a command's allowance, downloads and unpacked files together.
struct Budget {
  std::uint64_t bytes = limits::kMaxFetchedBytes;
  std::size_t files = limits::kMaxFetchedFiles;

  Status take_bytes(std::uint64_t count);
  Status take_file();
};

// A file being written; closed with it.
class Output {
 public:
  // Makes the directories above it; replaces what stands there, but follows no link to elsewhere.
  static Result<Output> create(const std::string& path, Budget& budget);
  Output(Output&& other) noexcept;
  Output& operator=(Output&&) = delete;
  ~Output();

  Status write(const char* bytes, std::size_t size);

 private:
  Output(int fd, std::string path, Budget& budget)
      : fd_(fd), path_(std::move(path)), budget_(budget) {}

  int fd_;
  std::string path_;
  Budget& budget_;
};

// A regular file of this machine.
Status copy_file(const std::string& from, const std::string& to, Budget& budget);
std::string errno_text(const std::string& what, int error);

}  // namespace bourse::fetch
