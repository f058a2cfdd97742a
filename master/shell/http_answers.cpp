#include "master/shell/http_answers.hpp"

#include <algorithm>

#include "model/limits.hpp"
#include "model/version.hpp"
#include "proto/codec/classic_form.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/json.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/v1/master_response.pb.h"

namespace bourse::master {

namespace {

using mesos::v1::master::Response;
using runtime::HttpResponse;

std::string body_of(const Response& response, codec::Encoding encoding) {
  return encoding == codec::Encoding::json ? codec::to_json(response)
                                           : response.SerializeAsString();
}

}  // namespace

std::string health_body(codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_HEALTH);
  response.mutable_get_health()->set_healthy(true);
  return body_of(response, encoding);
}

std::string version_body(codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_VERSION);
  response.mutable_get_version()->mutable_version_info()->set_version(kApiVersion);
  return body_of(response, encoding);
}

std::string master_body(const codec::MasterDescription& master, WallTime begun_at,
                        WallTime elected_at, codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_MASTER);
  auto& body = *response.mutable_get_master();
  codec::write_master(master, *body.mutable_master_info());
  body.set_start_time(codec::seconds_from_wall(begun_at));
  body.set_elected_time(codec::seconds_from_wall(elected_at));
  return body_of(response, encoding);
}

std::string flags_body(const std::vector<std::pair<std::string, std::string>>& flags,
                       codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_FLAGS);
  auto& out = *response.mutable_get_flags();
  for (const auto& [name, value] : flags) {
    auto& flag = *out.add_flags();
    flag.set_name(codec::classic_flag_name(name));
    flag.set_value(value);
  }
  return body_of(response, encoding);
}

std::string logging_level_body(std::uint32_t level, codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_LOGGING_LEVEL);
  response.mutable_get_logging_level()->set_level(level);
  return body_of(response, encoding);
}

std::string file_body(const std::string& document, std::uint64_t offset,
                      std::optional<std::uint64_t> length, codec::Encoding encoding) {
  Response response;
  response.set_type(Response::READ_FILE);
  auto& file = *response.mutable_read_file();
  file.set_size(document.size());
  const std::size_t from = std::min<std::uint64_t>(offset, document.size());
  const std::uint64_t most = std::min<std::uint64_t>(length.value_or(limits::kMaxFileReadBytes),
                                                     limits::kMaxFileReadBytes);
  file.set_data(document.substr(from, most));
  return body_of(response, encoding);
}

}  // namespace bourse::master
