// Strong ids: a name or number that cannot be mistaken for another kind, with no way back by
// accident. Id<Tag, std::string> is what the wire knows; Id<Tag, uint64_t> is what a process makes.
// Values, any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace bourse {

template <typename Tag, typename Rep>
class Id {
 public:
  using rep = Rep;

  Id() = default;
  explicit Id(Rep raw) : raw_(std::move(raw)) {}

  const Rep& raw() const { return raw_; }
  // A default-made id names nothing.
  bool empty() const { return raw_ == Rep{}; }

  auto operator<=>(const Id&) const = default;

 private:
  Rep raw_{};
};

template <typename Tag>
using StringId = Id<Tag, std::string>;
template <typename Tag>
using NumberId = Id<Tag, std::uint64_t>;

}  // namespace bourse

template <typename Tag, typename Rep>
struct std::hash<bourse::Id<Tag, Rep>> {
  std::size_t operator()(const bourse::Id<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>{}(id.raw());
  }
};
