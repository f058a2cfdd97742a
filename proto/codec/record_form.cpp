#include "proto/codec/record_form.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <vector>

#include "base/fingerprint.hpp"
#include "proto/codec/canonical.hpp"

namespace bourse::codec {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kEnvelopeBytes = 2 + kChecksumBytes;

std::uint64_t checksum(std::uint8_t version, std::uint8_t kind, std::string_view payload) {
  Fingerprint fp;
  fp.add(static_cast<std::uint32_t>(version));
  fp.add(static_cast<std::uint32_t>(kind));
  fp.add(payload);
  return fp.value();
}

// "field 3 of Framework": the first that this build does not know. Empty: none.
std::string unknown_field(const google::protobuf::Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const google::protobuf::UnknownFieldSet& unknown = reflection.GetUnknownFields(message);
  if (!unknown.empty()) {
    return "field " + std::to_string(unknown.field(0).number()) + " of " +
           message.GetDescriptor()->name();
  }
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      std::string found =
          unknown_field(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                             : reflection.GetMessage(message, field));
      if (!found.empty()) return found;
    }
  }
  return {};
}

}  // namespace

std::string seal_record(std::size_t kind, const google::protobuf::MessageLite& payload) {
  const auto number = static_cast<std::uint8_t>(kind);
  const std::string body = canonical_bytes(payload);
  std::string out;
  out.reserve(kEnvelopeBytes + body.size());
  out.push_back(static_cast<char>(kVersion));
  out.push_back(static_cast<char>(number));
  const std::uint64_t sum = checksum(kVersion, number, body);
  for (std::size_t i = 0; i < kChecksumBytes; ++i) {
    out.push_back(static_cast<char>(sum >> (8 * i)));
  }
  out += body;
  return out;
}

Result<RecordBody> open_record(std::string_view record, const char* what) {
  const auto corrupt = [&](const std::string& why) {
    return Error{ErrorCode::corrupt,
                 std::string(what) + " of " + std::to_string(record.size()) + " bytes: " + why};
  };
  if (record.size() < kEnvelopeBytes) return corrupt("cut off");
  const auto version = static_cast<std::uint8_t>(record[0]);
  RecordBody out{static_cast<std::uint8_t>(record[1]), record.substr(kEnvelopeBytes)};
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kChecksumBytes; ++i) {
    sum |= static_cast<std::uint64_t>(static_cast<unsigned char>(record[2 + i])) << (8 * i);
  }
  if (sum != checksum(version, out.kind, out.payload)) return corrupt("its checksum is wrong");
  if (version != kVersion) {
    return Error{ErrorCode::unsupported, std::string(what) + " has version " +
                                             std::to_string(version) +
                                             ": this build reads version 1: run a newer build"};
  }
  return out;
}

Status parse_payload(std::string_view payload, google::protobuf::MessageLite& message) {
  if (parse_bounded(payload, message)) return {};
  return Error{ErrorCode::corrupt, "record whose payload is not a " + message.GetTypeName()};
}

Status parse_known(std::string_view payload, google::protobuf::Message& message, const char* what) {
  if (Status ok = parse_payload(payload, message); !ok) return ok;
  const std::string unknown = unknown_field(message);
  if (unknown.empty()) return {};
  return Error{ErrorCode::unsupported, std::string(what) + " with " + unknown +
                                           ", which this build does not know: run a newer build"};
}

Error unknown_kind(std::uint8_t kind, const char* what) {
  return {ErrorCode::unsupported, std::string(what) + " of kind " + std::to_string(kind) +
                                      ": this build does not know it: run a newer build"};
}

}  // namespace bourse::codec
