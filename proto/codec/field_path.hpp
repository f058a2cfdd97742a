// FieldPath: where in a message something is, as a chain on the caller's stack. Costs nothing until
// an error wants its text ("accept.operations[0].launch.task_infos[1].resources[2].scalar").
// A child must not outlive its parent. Value.
#pragma once

#include <string>
#include <string_view>

namespace bourse::codec {

class FieldPath {
 public:
  // `name` must outlive the path: a literal.
  FieldPath(const char* name) : name_(name) {}  // NOLINT: the first name is a path of one

  FieldPath at(std::string_view name) const& { return {name, -1, this}; }
  FieldPath at(std::string_view name, int index) const& { return {name, index, this}; }
  FieldPath at(std::string_view name, int index = -1) const&& = delete;
  // An entry of the list that this path names.
  FieldPath item(int index) const& { return {std::string_view(), index, this}; }

  std::string text() const {
    std::string out = parent_ != nullptr ? parent_->text() : std::string();
    if (!out.empty() && !name_.empty()) out += '.';
    out += name_;
    if (index_ >= 0) out += '[' + std::to_string(index_) + ']';
    return out;
  }

 private:
  FieldPath(std::string_view name, int index, const FieldPath* parent)
      : name_(name), index_(index), parent_(parent) {}

  std::string_view name_;
  int index_ = -1;
  const FieldPath* parent_ = nullptr;
};

}  // namespace bourse::codec
