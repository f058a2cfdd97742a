#include "runtime/http_form.hpp"

#include <algorithm>

#include "runtime/http_message.hpp"

namespace bourse::runtime {

Result<std::map<std::string, std::string>> parse_form(std::string_view body) {
  std::map<std::string, std::string> out;
  for (std::size_t fields = 0; !body.empty(); ++fields) {
    if (fields == kMaxFormFields) {
      return Error{ErrorCode::too_large, "body: a form has at most 100 fields"};
    }
    const std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(pair.size() + 1, body.size()));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    auto name = percent_decode(pair.substr(0, equals), true);
    if (!name.ok()) return name.error();
    auto value = percent_decode(pair.substr(equals + 1), true);
    if (!value.ok()) return value.error();
    out[std::move(name).value()] = std::move(value).value();
  }
  return out;
}

}  // namespace bourse::runtime
