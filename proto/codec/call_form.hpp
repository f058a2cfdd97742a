// Whether a call of a v1 operator API says its type and has what it is about, which stands in the
// field of its type's name. Any thread.
#pragma once

#include <initializer_list>
#include <string_view>

#include "base/result.hpp"
#include "proto/codec/encoding.hpp"

namespace google::protobuf {
class Message;
}

namespace bourse::codec {

// `body`: what the call was read from, for a type that no call has is in there alone. `bare`: types
// whose field may be absent, for nothing in it must be there. REQUIRES a Call.
Status check_call_form(const google::protobuf::Message& call, Encoding encoding,
                       std::string_view body, std::initializer_list<std::string_view> bare = {});

}  // namespace bourse::codec
