// SharedValue<T>: a T that copies in constant time. Copies share one body until one of them is
// edited, which then makes its own; so a copy behaves like a T of its own in every way but cost. A
// body may be read by several threads through their own copies; one SharedValue belongs to one
// thread. Default-made: an empty T, without a body.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace bourse {

template <typename T>
class SharedValue {
 public:
  SharedValue() = default;
  SharedValue(T value) : body_(new Body{std::move(value)}) {}  // NOLINT: a value is one shared
  SharedValue(const SharedValue& other) : body_(other.body_) { hold(); }
  SharedValue(SharedValue&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  SharedValue& operator=(const SharedValue& other) {  // NOLINT: of itself too, by the copy
    SharedValue copy(other);
    std::swap(body_, copy.body_);
    return *this;
  }
  SharedValue& operator=(SharedValue&& other) noexcept {
    SharedValue taken(std::move(other));
    std::swap(body_, taken.body_);
    return *this;
  }
  ~SharedValue() { drop(); }

  const T& operator*() const { return body_ ? body_->value : kEmpty; }
  const T* operator->() const { return &**this; }

  // One's own T, to change. References from before are not followed.
  T& edit() {
    if (body_ == nullptr) {
      body_ = new Body{};
    } else if (!alone()) {
      SharedValue own(body_->value);
      std::swap(body_, own.body_);
    }
    return body_->value;
  }
  void reset() { *this = SharedValue(); }

  // Nobody shares the body: edit() copies nothing.
  bool alone() const {
    return body_ == nullptr || body_->holders.load(std::memory_order_acquire) == 1;
  }
  // Hints that it will be looked at or copied soon.
  void prefetch() const { __builtin_prefetch(body_); }
  // Copies of one another, unchanged since: equal without looking.
  bool same_as(const SharedValue& other) const { return body_ == other.body_; }
  bool operator==(const SharedValue& other) const { return same_as(other) || **this == *other; }

 private:
  struct Body {
    T value{};
    std::atomic<std::uint32_t> holders{1};
  };
  inline static const T kEmpty{};

  void hold() const {
    if (body_ != nullptr) body_->holders.fetch_add(1, std::memory_order_relaxed);
  }
  void drop() {
    if (body_ != nullptr && body_->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete body_;
    }
  }

  Body* body_ = nullptr;
};

}  // namespace bourse
