// The service scheduler's HTTP API: JSON documents to model and back. Names that are not known are
// refused. Errors name the field, the value and what would be right. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/service_app.hpp"

namespace bourse::service_api {
class App;
}

namespace bourse::codec {

struct AppDocument {
  std::string id;  // empty: not given
  service::AppDefinition definition;
};

// Its shape only: whether the app can be kept, the scheduler says.
Result<AppDocument> decode_app(std::string_view json);
void write_app(const AppId& id, const service::AppDefinition& definition, service_api::App& out);

// {"instances": N}
Result<std::uint32_t> decode_scale(std::string_view json);
// {} or nothing, or {"if_version": N}
Result<std::optional<std::uint64_t>> decode_restart(std::string_view json);

// What a candidate for the leadership says of itself: the host:port of its API.
std::string encode_service_candidate(const std::string& address);
Result<std::string> decode_service_candidate(std::string_view json);

}  // namespace bourse::codec
