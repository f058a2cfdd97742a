#include "base/pattern.hpp"

#include <re2/re2.h>

namespace bourse {

struct Pattern::Compiled {
  re2::RE2 program;
};

Result<Pattern> Pattern::compile(const std::string& text, Bounds bounds) {
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(bounds.memory_bytes);
  Pattern made;
  const auto compiled = std::shared_ptr<const Compiled>(
      new Compiled{re2::RE2(re2::StringPiece(text.data(), text.size()), options)});
  if (!compiled->program.ok()) {
    return invalid("'" + text + "' is not a regular expression: " + compiled->program.error());
  }
  if (compiled->program.ProgramSize() > bounds.program_size) {
    return invalid("'" + text + "' is too complex: it compiles to " +
                   std::to_string(compiled->program.ProgramSize()) + " instructions, more than " +
                   std::to_string(bounds.program_size));
  }
  made.compiled_ = compiled;
  return made;
}

bool Pattern::matches(std::string_view text) const {
  return compiled_ != nullptr &&
         re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), compiled_->program);
}

}  // namespace bourse
