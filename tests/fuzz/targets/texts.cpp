// What operators and HTTP clients write as text.
#include "fuzz.hpp"
#include "model/leader_finder.hpp"
#include "model/resources.hpp"
#include "proto/codec/candidate.hpp"
#include "runtime/http_form.hpp"
#include "runtime/http_message.hpp"
#include "runtime/units.hpp"
#include "runtime/zookeeper_url.hpp"

using namespace bourse;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  if (const auto resources = Resources::parse(text); resources.ok() && !resources->empty()) {
    const std::string written = resources->to_text();
    const auto again = Resources::parse(written);
    fuzz::must(again.ok() && *again == *resources);
  }
  if (const auto target = runtime::parse_target(text)) {
    fuzz::must(target->path.starts_with('/'));
  }
  if (const auto form = runtime::parse_form(text)) {
    fuzz::must(form->size() <= runtime::kMaxFormFields);
  }
  if (const auto candidate = codec::decode_candidate(text)) {
    fuzz::must(!candidate->master.ip.empty() && candidate->master.port != 0);
  }
  (void)parse_masters(text, "--master");
  if (const auto url = runtime::parse_zookeeper_url(text)) {
    fuzz::must(!url->servers.empty() && url->path.starts_with('/'));
  }
  (void)runtime::parse_duration(text);
  (void)runtime::parse_bytes(text);
  return 0;
}
