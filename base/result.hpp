// Result<T> and Status: what the world can do to us, as a value with a reason the caller can act
// on.
//
// An Error carries a code and a sentence for a person: it names the field, the value and what would
// be right. A code exists only if some caller reacts to it specifically. Values, no exceptions; any
// thread. Reading value() of an error (or error() of a value) is our bug and ASSERTs.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "base/assert.hpp"

namespace bourse {

enum class ErrorCode : std::uint8_t {
  invalid = 1,     // the caller's input is wrong; repeating it cannot help
  not_found,       // the named thing does not exist
  already_exists,  // the named thing exists and may not be made twice
  too_large,       // over a limit of model/limits.hpp
  unavailable,     // the other side is not there now; try again later
  denied,          // the principal may not do this
  corrupt,         // stored data does not parse or its checksum is wrong
  full,            // disk, table or queue has no room
  io,              // the operating system refused; the sentence has errno's text
  timeout,         // a deadline passed
  unsupported,     // this build, kernel or machine cannot do it
  conflict,        // the state does not allow it now
};

// Short stable name of a code, for logs and JSON ("not_found").
const char* name_of(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::invalid;
  std::string message;

  bool operator==(const Error&) const = default;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    ASSERT(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  const Error& error() const {
    ASSERT(!ok());
    return *std::get_if<1>(&state_);
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }

 private:
  std::variant<T, Error> state_;
};

// A Result without a value.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)), ok_(false) {}  // NOLINT

  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  const Error& error() const {
    ASSERT(!ok_);
    return error_;
  }
  bool operator==(const Status&) const = default;

 private:
  Error error_;
  bool ok_ = true;
};

inline Error invalid(std::string message) {
  return {ErrorCode::invalid, std::move(message)};
}

}  // namespace bourse
