// Flags of what an agent lends: the plug-ins by name, and a flag for each parameter of each of
// them. Owned by parse_options, for as long as the flags are.
#pragma once

#include <deque>
#include <string>

#include "agent/core/plug_in.hpp"
#include "agent/shell/options.hpp"
#include "base/result.hpp"
#include "runtime/flags.hpp"

namespace bourse::agent {

class OversubscriptionFlags {
 public:
  OversubscriptionFlags(runtime::Flags& flags, AgentOptions& options);
  // After parsing. invalid: which flag, what it is, and what would be right.
  Status take();

 private:
  struct Text {
    const Parameter& parameter;
    Duration duration;
    double part = 0;
    std::string word;
  };

  void add(runtime::Flags& flags, const Parameter& parameter);
  static Result<std::int64_t> value_of(const Text& text);

  AgentOptions& options_;
  std::deque<Text> texts_;  // the flags know where each is
};

}  // namespace bourse::agent
