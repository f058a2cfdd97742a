// What the two kinds of plug-ins have in common: parameters, which the shell makes flags of, and an
// owner that copies them with the core whose part they are. Values.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace bourse::agent {

// A number that an operator may set. Its flag is "--NAME"; NAME begins with the plug-in's own.
struct Parameter {
  enum class Kind : std::uint8_t {
    duration,  // nanoseconds; as "30s"
    part,      // thousandths; as "0.95"
    choice,    // a place in `choices`; as its word
  };
  std::string name;
  Kind kind = Kind::duration;
  std::int64_t value = 0;  // unless it is set
  std::int64_t least = 0;
  std::int64_t most = 0;
  std::string help;
  std::vector<std::string> choices = {};
};

// By name. A plug-in finds each of its own in there.
using Parameters = std::map<std::string, std::int64_t, std::less<>>;

// Owns a plug-in, or none, and copies it: a copy of a core is a fork of it.
template <typename Interface>
class Owned {
 public:
  Owned() = default;
  explicit Owned(std::unique_ptr<Interface> one) : one_(std::move(one)) {}
  Owned(const Owned& other) : one_(other.one_ ? other.one_->clone() : nullptr) {}
  Owned(Owned&&) noexcept = default;
  Owned& operator=(const Owned& other) {
    if (this != &other) one_ = other.one_ ? other.one_->clone() : nullptr;
    return *this;
  }
  Owned& operator=(Owned&&) noexcept = default;
  ~Owned() = default;

  explicit operator bool() const { return one_ != nullptr; }
  Interface* operator->() { return one_.get(); }
  const Interface* operator->() const { return one_.get(); }

 private:
  std::unique_ptr<Interface> one_;
};

}  // namespace bourse::agent
