#include "model/service_app.hpp"

namespace bourse::service {

namespace {

// Takes ".<number>" off the end: decimal, not zero, no leading zero.
bool take_number(std::string& text, std::uint64_t& out) {
  const std::size_t dot = text.rfind('.');
  if (dot == std::string::npos) return false;
  const std::string digits = text.substr(dot + 1);
  constexpr std::size_t kMaxDigits = 18;
  if (digits.empty() || digits.size() > kMaxDigits || digits.front() == '0') return false;
  out = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    out = out * 10 + static_cast<std::uint64_t>(c - '0');
  }
  text.resize(dot);
  return true;
}

}  // namespace

std::string to_task_id(const InstanceName& name) {
  return name.app.raw() + "." + std::to_string(name.incarnation) + "." +
         std::to_string(name.version) + "." + std::to_string(name.number);
}

bool parse_task_id(const std::string& text, InstanceName& out) {
  std::string rest = text;
  if (!take_number(rest, out.number) || !take_number(rest, out.version) ||
      !take_number(rest, out.incarnation) || rest.empty()) {
    return false;
  }
  out.app = AppId(rest);
  return true;
}

}  // namespace bourse::service
