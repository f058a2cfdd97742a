#include "proto/codec/json_plan.hpp"

#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "base/assert.hpp"

namespace bourse::codec {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// Operators' clients index these lists without looking whether they are there.
constexpr std::array<std::string_view, 7> kListsAlways = {
    "mesos.v1.agent.Response.GetExecutors",  "mesos.v1.agent.Response.GetFrameworks",
    "mesos.v1.agent.Response.GetTasks",      "mesos.v1.master.Response.GetAgents",
    "mesos.v1.master.Response.GetExecutors", "mesos.v1.master.Response.GetFrameworks",
    "mesos.v1.master.Response.GetTasks",
};

EnumPlan values_of(const google::protobuf::EnumDescriptor& type) {
  EnumPlan out;
  for (int i = 0; i < type.value_count(); ++i) {
    out.by_name.emplace_back(type.value(i)->name(), type.value(i)->number());
    out.quoted.emplace(type.value(i)->number(), '"' + type.value(i)->name() + '"');
  }
  return out;
}

WireForm form_of(FieldDescriptor::Type type) {
  switch (type) {
    case FieldDescriptor::TYPE_SINT32:
    case FieldDescriptor::TYPE_SINT64:
      return WireForm::zigzag;
    case FieldDescriptor::TYPE_FIXED32:
    case FieldDescriptor::TYPE_SFIXED32:
      return WireForm::fixed32;
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_SFIXED64:
      return WireForm::fixed64;
    default:
      return WireForm::varint;
  }
}

class Plans {
 public:
  const TypePlan& of(const Descriptor& type) {
    {
      const std::shared_lock lock(mutex_);
      const auto it = plans_.find(&type);
      if (it != plans_.end()) return *it->second;
    }
    const std::unique_lock lock(mutex_);
    return build(type);
  }

 private:
  // Entered before its fields are worked out, so that types may contain themselves. Readers see it
  // only after the lock is released, when everything below it is complete.
  const TypePlan& build(const Descriptor& type) {
    auto [it, fresh] = plans_.try_emplace(&type);
    if (!fresh) return *it->second;
    it->second = std::make_unique<TypePlan>();
    TypePlan& plan = *it->second;
    plan.type = &type;
    plan.reflection =
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->GetReflection();
    ASSERT(type.field_count() <= kMaxFields && type.real_oneof_decl_count() <= 32);
    const bool lists =
        std::find(kListsAlways.begin(), kListsAlways.end(), type.full_name()) != kListsAlways.end();
    plan.fields.reserve(static_cast<std::size_t>(type.field_count()));
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      FieldPlan made;
      made.field = &field;
      made.key = ",\"" + field.name() + "\":";
      made.type = field.cpp_type();
      made.number = static_cast<std::uint32_t>(field.number());
      made.form = form_of(field.type());
      if (const auto* choice = field.real_containing_oneof()) {
        made.choice = std::uint32_t{1} << choice->index();
      }
      made.repeated = field.is_repeated();
      made.map = field.is_map();
      made.bytes = field.type() == FieldDescriptor::TYPE_BYTES;
      made.required = field.is_required();
      made.always = !field.options().deprecated() &&
                    (field.has_default_value() || (lists && field.is_repeated()));
      if (made.always) plan.always |= std::uint64_t{1} << i;
      if (field.enum_type() != nullptr) made.values = values_of(*field.enum_type());
      plan.names.push_back(field.name());
      plan.fields.push_back(std::move(made));
    }
    for (FieldPlan& made : plan.fields) {
      if (made.type == FieldDescriptor::CPPTYPE_MESSAGE) {
        made.child = &build(*made.field->message_type());
      }
    }
    return plan;
  }

  std::shared_mutex mutex_;
  std::unordered_map<const Descriptor*, std::unique_ptr<TypePlan>> plans_;
};

}  // namespace

const TypePlan& plan_of(const Descriptor& type) {
  static Plans* const plans = new Plans;  // never destroyed: threads may outlive main
  thread_local const Descriptor* last_type = nullptr;
  thread_local const TypePlan* last = nullptr;
  if (last_type != &type) {
    last = &plans->of(type);
    last_type = &type;
  }
  return *last;
}

}  // namespace bourse::codec
