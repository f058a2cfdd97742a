// Memo: bytes that somebody worked out from an immutable value and leaves with it, so that the next
// one need not. The value decides nothing by it: copies begin without, and all memos are equal. The
// first to keep something wins. Any thread may read and keep; forget() is for the value's owner,
// while nobody else has it.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace bourse {

class Memo {
 public:
  Memo() = default;
  Memo(const Memo&) {}
  Memo& operator=(const Memo&) {
    forget();
    return *this;
  }
  ~Memo() { forget(); }

  std::optional<std::string_view> find() const {
    const char* block = block_.load(std::memory_order_acquire);
    if (block == nullptr) return std::nullopt;
    return bytes_of(block);
  }
  std::string_view keep(std::string_view bytes) const {
    const std::uint64_t size = bytes.size();
    char* mine = new char[sizeof size + bytes.size()];
    std::memcpy(mine, &size, sizeof size);
    if (size > 0) std::memcpy(mine + sizeof size, bytes.data(), bytes.size());
    const char* before = nullptr;
    if (block_.compare_exchange_strong(before, mine, std::memory_order_acq_rel)) {
      return bytes_of(mine);
    }
    delete[] mine;
    return bytes_of(before);
  }
  void forget() { delete[] block_.exchange(nullptr, std::memory_order_acq_rel); }
  // Hints that find() comes soon.
  void prefetch() const {
    const char* block = block_.load(std::memory_order_relaxed);
    for (int line = 0; block != nullptr && line < 4; ++line) __builtin_prefetch(block + 64 * line);
  }

  bool operator==(const Memo&) const { return true; }

 private:
  // The size and the bytes in one piece: whoever reads has one place to go to.
  static std::string_view bytes_of(const char* block) {
    std::uint64_t size = 0;
    std::memcpy(&size, block, sizeof size);
    return {block + sizeof size, static_cast<std::size_t>(size)};
  }

  mutable std::atomic<const char*> block_{nullptr};
};

}  // namespace bourse
