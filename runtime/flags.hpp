// Command-line flags of a daemon or tool (CLI11 behind): --name=value or --name value, also from
// the environment as BOURSE_NAME (upper case, '-' and '.' as '_'); the command line wins. A target
// is written by parse() only if its flag was given, so its initial value is the default and shown
// in --help. Main thread, at start.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace bourse::runtime {

// A size given as "64MB".
struct ByteSize {
  std::uint64_t bytes = 0;
};

class Flags {
 public:
  Flags(std::string program, std::string description, std::string version = "");
  ~Flags();
  Flags(const Flags&) = delete;
  Flags& operator=(const Flags&) = delete;

  // Of the environment only these are read: for a program whose flags have names as general as
  // `state`, where BOURSE_STATE may be somebody else's. Before the first flag is added.
  void read_environment_only_for(std::vector<std::string> names);

  // `name` without dashes: "work-dir" (given as --work-dir or --work_dir).
  void add(const std::string& name, std::string& target, const std::string& help);
  void add(const std::string& name, bool& target, const std::string& help);  // --name, --no-name
  void add(const std::string& name, std::int64_t& target, const std::string& help);
  void add(const std::string& name, std::uint64_t& target, const std::string& help);
  void add(const std::string& name, std::uint32_t& target, const std::string& help);
  void add(const std::string& name, std::uint16_t& target, const std::string& help);
  void add(const std::string& name, int& target, const std::string& help);
  void add(const std::string& name, double& target, const std::string& help);
  void add(const std::string& name, Duration& target, const std::string& help);
  void add(const std::string& name, ByteSize& target, const std::string& help);
  // May be given several times.
  void add(const std::string& name, std::vector<std::string>& target, const std::string& help);
  void require(const std::string& name);
  // What follows the flags, in order; without this a stray word is an error.
  void positional(const std::string& name, std::vector<std::string>& target,
                  const std::string& help);

  // True: run. False: --help or --version was asked, its text is in `output()`. Error: one
  // sentence.
  Result<bool> parse(int argc, const char* const* argv);
  const std::string& output() const;
  // The same, and prints that text.
  Result<bool> parse_or_print(int argc, const char* const* argv);
  // Flags given on the command line or by the environment, for the start-up log line; the values of
  // those whose name speaks of a secret, token, password or key, and what a URL says before its
  // '@', are replaced by "***".
  std::vector<std::pair<std::string, std::string>> given() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bourse::runtime
