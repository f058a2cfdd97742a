// Compares the compiled descriptors of proto/v1 with the list of the public API's fields.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "proto/v1/address.pb.h"
#include "proto/v1/agent_call.pb.h"
#include "proto/v1/agent_response.pb.h"
#include "proto/v1/container_status.pb.h"
#include "proto/v1/driver_status.pb.h"
#include "proto/v1/executor_call.pb.h"
#include "proto/v1/executor_event.pb.h"
#include "proto/v1/master_call.pb.h"
#include "proto/v1/master_event.pb.h"
#include "proto/v1/operation.pb.h"
#include "proto/v1/rate_limit.pb.h"
#include "proto/v1/resource_usage.pb.h"
#include "proto/v1/scheduler_call.pb.h"
#include "proto/v1/scheduler_event.pb.h"

namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

constexpr const char* kRoot = "mesos.v1.";

std::string short_name(const std::string& full) {
  return full.rfind(kRoot, 0) == 0 ? full.substr(std::string(kRoot).size()) : full;
}

std::string type_text(const FieldDescriptor& field) {
  if (field.is_map()) {
    return "map<" + type_text(*field.message_type()->map_key()) + "," +
           type_text(*field.message_type()->map_value()) + ">";
  }
  if (field.type() == FieldDescriptor::TYPE_MESSAGE) {
    return short_name(field.message_type()->full_name());
  }
  if (field.type() == FieldDescriptor::TYPE_ENUM) return short_name(field.enum_type()->full_name());
  return field.type_name();
}

std::string default_text(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return field.default_value_bool() ? "true" : "false";
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return std::to_string(static_cast<long long>(field.default_value_double()));
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(field.default_value_int32());
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(field.default_value_uint32());
    case FieldDescriptor::CPPTYPE_STRING:
      return field.default_value_string();
    case FieldDescriptor::CPPTYPE_ENUM:
      return field.default_value_enum()->name();
    default:
      return "?";
  }
}

std::string field_text(const FieldDescriptor& field) {
  std::string text = std::to_string(field.number()) + " ";
  if (field.is_required()) text += "required ";
  if (field.is_repeated() && !field.is_map()) text += "repeated ";
  text += type_text(field) + " " + field.name();
  if (field.has_default_value()) text += " [default " + default_text(field) + "]";
  if (field.options().deprecated()) text += " [deprecated]";
  if (field.real_containing_oneof() != nullptr) {
    text += " (oneof " + field.real_containing_oneof()->name() + ")";
  }
  return text;
}

// One entry a field or value: the field by number within "package Message".
using Entries = std::set<std::string>;

void add_enum(const EnumDescriptor& type, Entries& entries) {
  for (int i = 0; i < type.value_count(); ++i) {
    entries.insert("enum " + type.full_name() + " #" + std::to_string(i) + ": " +
                   type.value(i)->name() + "=" + std::to_string(type.value(i)->number()));
  }
}

void add_message(const Descriptor& type, Entries& entries) {
  if (type.options().map_entry()) return;
  if (type.field_count() == 0) entries.insert(type.full_name() + ": (no fields)");
  for (int i = 0; i < type.field_count(); ++i) {
    entries.insert(type.full_name() + ": " + field_text(*type.field(i)));
  }
  for (int i = 0; i < type.enum_type_count(); ++i) add_enum(*type.enum_type(i), entries);
  for (int i = 0; i < type.nested_type_count(); ++i) add_message(*type.nested_type(i), entries);
}

void add_file(const FileDescriptor& file, Entries& entries, std::set<std::string>& files) {
  if (file.package().rfind("mesos.v1", 0) != 0) return;
  if (!files.insert(file.name()).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) add_file(*file.dependency(i), entries, files);
  for (int i = 0; i < file.enum_type_count(); ++i) add_enum(*file.enum_type(i), entries);
  for (int i = 0; i < file.message_type_count(); ++i) add_message(*file.message_type(i), entries);
}

// Every file that no other one imports; the rest is reached through imports.
Entries compiled_entries(std::set<std::string>& files) {
  Entries entries;
  const FileDescriptor* roots[] = {
      mesos::v1::Address::descriptor()->file(),
      mesos::v1::ContainerStatus::descriptor()->file(),
      mesos::v1::Operation::descriptor()->file(),
      mesos::v1::RateLimits::descriptor()->file(),
      mesos::v1::ResourceUsage::descriptor()->file(),
      mesos::v1::Status_descriptor()->file(),
      mesos::v1::agent::Call::descriptor()->file(),
      mesos::v1::agent::Response::descriptor()->file(),
      mesos::v1::executor::Call::descriptor()->file(),
      mesos::v1::executor::Event::descriptor()->file(),
      mesos::v1::master::Call::descriptor()->file(),
      mesos::v1::master::Event::descriptor()->file(),
      mesos::v1::scheduler::Call::descriptor()->file(),
      mesos::v1::scheduler::Event::descriptor()->file(),
  };
  for (const FileDescriptor* file : roots) add_file(*file, entries, files);
  return entries;
}

void split(const std::string& text, const std::string& separator,
           const std::function<void(const std::string&)>& take) {
  size_t from = 0;
  while (true) {
    const size_t to = text.find(separator, from);
    take(text.substr(from, to == std::string::npos ? to : to - from));
    if (to == std::string::npos) return;
    from = to + separator.size();
  }
}

Entries listed_entries() {
  std::ifstream in(BOURSE_TEST_DATA "/mesos-v1-fields.txt");
  REQUIRE(in);
  Entries entries;
  std::string line, package;
  while (std::getline(in, line)) {
    if (line.rfind("## package ", 0) == 0) {
      package = line.substr(11) + ".";
      continue;
    }
    if (package.empty() || line.empty()) continue;
    const size_t colon = line.find(": ");
    REQUIRE(colon != std::string::npos);
    std::string name = line.substr(0, colon);
    const std::string rest = line.substr(colon + 2);
    if (name.rfind("enum ", 0) == 0) {
      int index = 0;
      split(rest, ", ", [&](const std::string& value) {
        entries.insert("enum " + package + name.substr(5) + " #" + std::to_string(index++) + ": " +
                       value);
      });
    } else {
      split(rest, "; ",
            [&](const std::string& field) { entries.insert(package + name + ": " + field); });
    }
  }
  return entries;
}

std::vector<std::string> minus(const Entries& a, const Entries& b) {
  std::vector<std::string> out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

// The list does not hold this package; inverse offers report through it.
bool in_allocator_package(const std::string& entry) {
  return entry.find("mesos.v1.allocator.") != std::string::npos &&
         entry.find("mesos.v1.allocator.") <= 5;
}

}  // namespace

TEST_CASE("our compiled messages agree with the list of Mesos v1 fields in both directions") {
  std::set<std::string> files;
  Entries compiled = compiled_entries(files);
  const Entries listed = listed_entries();
  REQUIRE(listed.size() > 1000);
  for (auto it = compiled.begin(); it != compiled.end();) {
    it = in_allocator_package(*it) ? compiled.erase(it) : std::next(it);
  }
  for (const std::string& entry : minus(listed, compiled)) {
    UNSCOPED_INFO("missing from our messages: " << entry);
  }
  for (const std::string& entry : minus(compiled, listed)) {
    UNSCOPED_INFO("not in the list: " << entry);
  }
  CHECK(compiled == listed);
}

TEST_CASE("the comparison of messages leaves out no file of proto/v1") {
  std::set<std::string> seen;
  compiled_entries(seen);
  for (const auto& entry : std::filesystem::directory_iterator(BOURSE_PROTO_DIR)) {
    const std::string name = "proto/v1/" + entry.path().filename().string();
    CAPTURE(name);
    CHECK(seen.count(name) == 1);
  }
}

TEST_CASE("the comparison of messages tells a changed number, label, type and default") {
  const FieldDescriptor* port = mesos::v1::MasterInfo::descriptor()->FindFieldByName("port");
  CHECK(field_text(*port) == "3 required uint32 port [default 5050]");
  const FieldDescriptor* limits = mesos::v1::TaskInfo::descriptor()->FindFieldByName("limits");
  CHECK(field_text(*limits) == "15 map<string,Value.Scalar> limits");
}
