// A candidate for the leadership as its znode says it: mesos.v1.MasterInfo in one line of JSON,
// which clients written for Mesos read, with the address of our own link added as "bourse_link".
// Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "proto/codec/scheduler.hpp"

namespace bourse::codec {

struct Candidate {
  MasterDescription master;
  std::string link;  // host:port; empty: it said none
};

std::string encode_candidate(const Candidate& candidate);
// Refuses what is not a MasterInfo with an address, and a link that is not host:port.
Result<Candidate> decode_candidate(std::string_view text);

}  // namespace bourse::codec
