// Pattern: a regular expression in RE2's syntax, compiled within bounds. A value: copies share the
// compiled form, which nothing changes. What it matches depends on the two texts alone, in time
// linear in the text, so that a core may hold one. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace bourse {

class Pattern {
 public:
  struct Bounds {
    std::int64_t memory_bytes = 0;
    int program_size = 0;  // instructions
  };

  Pattern() = default;  // matches nothing
  // The error is a sentence that shows the pattern.
  static Result<Pattern> compile(const std::string& text, Bounds bounds);

  // The whole text, not a part of it.
  bool matches(std::string_view text) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace bourse
