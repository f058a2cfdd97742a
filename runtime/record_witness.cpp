#include "runtime/record_witness.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string_view>

#include "base/digest.hpp"

namespace bourse::runtime {
namespace {

constexpr std::uint64_t kMagic = 0x3153534e54495742ULL;  // "BWITNSS1"

struct Content {
  std::uint64_t magic = kMagic;
  std::int64_t sequence = 0;
  std::uint64_t checksum = 0;
};
static_assert(sizeof(Content) == 24, "written as it stands, in one write within one sector");

std::uint64_t checksum(const Content& content) {
  std::array<char, 16> bytes{};
  std::memcpy(bytes.data(), &content, bytes.size());
  const Digest digest = digest_of(std::string_view(bytes.data(), bytes.size()));
  return digest.low ^ (digest.high * 3);
}

}  // namespace

RecordWitness::RecordWitness(std::string path) : path_(std::move(path)) {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd_ < 0) return;
  Content content;
  if (::pread(fd_, &content, sizeof content, 0) != static_cast<ssize_t>(sizeof content)) return;
  if (content.magic == kMagic && content.checksum == checksum(content)) {
    promised_ = content.sequence;
  }
}

RecordWitness::~RecordWitness() {
  if (fd_ >= 0) ::close(fd_);
}

void RecordWitness::promise(std::int64_t sequence) {
  if (fd_ < 0) {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  }
  if (fd_ < 0) return;
  Content content;
  content.sequence = sequence;
  content.checksum = checksum(content);
  [[maybe_unused]] const ssize_t written = ::pwrite(fd_, &content, sizeof content, 0);
  promised_ = sequence;
}

}  // namespace bourse::runtime
