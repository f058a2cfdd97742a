#include "proto/codec/service_api.hpp"

#include "fuzz.hpp"
#include "proto/codec/json.hpp"
#include "proto/internal/service_api.pb.h"

using namespace bourse;
using namespace bourse::codec;

// What was read must be written as a document that reads as the same.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  (void)decode_scale(text);
  (void)decode_restart(text);
  (void)decode_service_candidate(text);
  const auto app = decode_app(text);
  if (!app.ok()) return 0;
  service_api::App written;
  write_app(AppId(app->id), app->definition, written);
  const std::string once = to_json(written);
  const auto again = decode_app(once);
  if (!again.ok()) return 0;  // longer than a call may be, once all is spelled out
  service_api::App rewritten;
  write_app(AppId(again->id), again->definition, rewritten);
  fuzz::must(to_json(rewritten) == once);
  return 0;
}
