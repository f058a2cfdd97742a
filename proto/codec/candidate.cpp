#include "proto/codec/candidate.hpp"

#include "model/leader_finder.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/json.hpp"
#include "proto/internal/candidate.pb.h"
#include "proto/v1/master_info.pb.h"

namespace bourse::codec {

std::string encode_candidate(const Candidate& candidate) {
  mesos::v1::MasterInfo info;
  write_master(candidate.master, info);
  std::string out = to_json(info);
  if (candidate.link.empty()) return out;
  internal::Candidate ours;
  ours.set_bourse_link(candidate.link);
  const std::string added = to_json(ours);
  out.back() = ',';
  return out + added.substr(1);
}

Result<Candidate> decode_candidate(std::string_view text) {
  mesos::v1::MasterInfo info;
  internal::Candidate ours;
  if (Status ok = from_json(text, info); !ok.ok()) return ok.error();
  if (Status ok = from_json(text, ours); !ok.ok()) return ok.error();
  if (info.address().ip().empty() || info.address().port() <= 0 || info.address().port() > 65535) {
    return invalid("'address' has no ip and port: it is no master that can be reached");
  }
  Candidate out;
  out.master.id = info.id();
  out.master.hostname = info.hostname().empty() ? info.address().ip() : info.hostname();
  out.master.ip = info.address().ip();
  out.master.port = static_cast<std::uint16_t>(info.address().port());
  out.master.version = info.version();
  if (ours.has_bourse_link()) {
    auto link = parse_masters(ours.bourse_link(), "bourse_link");
    if (!link.ok()) return link.error();
    if (link.value().size() != 1) return invalid("'bourse_link' names more than one address");
    out.link = ours.bourse_link();
  }
  return out;
}

}  // namespace bourse::codec
