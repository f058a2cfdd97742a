// A Response as a whole HTTP body, stamped with the sequence that it was made at. Private to the
// room; pure.
#pragma once

#include <cstdint>
#include <string>

#include "proto/codec/encoding.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/v1/master_response.pb.h"

namespace bourse::master {

namespace v1 = mesos::v1;

std::string body_of(const v1::master::Response& response, codec::Encoding encoding,
                    std::uint64_t sequence);

// Beside the lists of {"type":"X",..,"get_x":{..}}; nothing, if it is empty.
void insert_in_lists(std::string& body, std::string extra);

inline double units(std::int64_t milli) {
  return static_cast<double>(milli) / 1000.0;
}

}  // namespace bourse::master
