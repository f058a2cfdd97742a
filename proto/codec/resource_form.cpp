// Resources and attributes between their public messages and the model.

#include <algorithm>

#include "model/limits.hpp"
#include "proto/codec/facet_read.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/label_form.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/v1/resource.pb.h"

namespace bourse::codec {

namespace v1 = mesos::v1;

namespace {

Result<IntervalSet> read_ranges(const v1::Value::Ranges& message, const FieldPath& at) {
  IntervalSet out;
  if (static_cast<std::size_t>(message.range_size()) > limits::kMaxRangesPerResource) {
    return Error{ErrorCode::too_large, "'" + at.text() + "' has " +
                                           std::to_string(message.range_size()) +
                                           " ranges: at most 4096"};
  }
  for (int i = 0; i < message.range_size(); ++i) {
    const v1::Value::Range& range = message.range(i);
    const auto refuse = [&](const char* why) {
      return invalid("'" + at.at("range", i).text() + "' is [" + std::to_string(range.begin()) +
                     "-" + std::to_string(range.end()) + "]: " + why);
    };
    if (range.begin() > range.end()) return refuse("a range must not end before it begins");
    if (out.intersects(IntervalSet(range.begin(), range.end()))) {
      return refuse("it overlaps a range before it");
    }
    out.add(range.begin(), range.end());
  }
  return out;
}

Result<std::vector<std::string>> read_items(const v1::Value::Set& message, const FieldPath& at) {
  if (static_cast<std::size_t>(message.item_size()) > limits::kMaxSetItems) {
    return Error{
        ErrorCode::too_large,
        "'" + at.text() + "' has " + std::to_string(message.item_size()) + " items: at most 4096"};
  }
  std::vector<std::string> items;
  items.reserve(static_cast<std::size_t>(message.item_size()));
  for (int i = 0; i < message.item_size(); ++i) {
    if (Status ok = check_text(message.item(i), limits::kMaxNameBytes, at.at("item", i)); !ok) {
      return ok.error();
    }
    items.push_back(message.item(i));
  }
  std::sort(items.begin(), items.end());
  const auto twice = std::adjacent_find(items.begin(), items.end());
  if (twice != items.end()) {
    return invalid("'" + at.text() + "' holds " + shown(*twice) +
                   " twice: the items of a set must differ");
  }
  return items;
}

// Reads whichever of scalar, ranges and set `type` announces; shared by resources and attributes.
template <typename Message, typename Out>
Status read_value(const Message& message, const FieldPath& at, Out& out) {
  const auto lacks = [&](const char* member) {
    return invalid("'" + at.at(member).text() + "' is missing: '" + at.at("type").text() +
                   "' says " + v1::Value::Type_Name(message.type()));
  };
  switch (message.type()) {
    case v1::Value::SCALAR: {
      if (!message.has_scalar()) return lacks("scalar");
      const FieldPath scalar = at.at("scalar");
      Result<std::int64_t> milli = milli_from_double(message.scalar().value(), scalar.at("value"));
      if (!milli) return milli.error();
      out.scalar_milli = *milli;
      return {};
    }
    case v1::Value::RANGES: {
      if (!message.has_ranges()) return lacks("ranges");
      Result<IntervalSet> ranges = read_ranges(message.ranges(), at.at("ranges"));
      if (!ranges) return ranges.error();
      out.ranges = std::move(*ranges);
      return {};
    }
    case v1::Value::SET: {
      if (!message.has_set()) return lacks("set");
      Result<std::vector<std::string>> items = read_items(message.set(), at.at("set"));
      if (!items) return items.error();
      out.items = std::move(*items);
      return {};
    }
    default:
      return lacks("text");
  }
}

Result<Reservation> read_reservation(const v1::Resource::ReservationInfo& message,
                                     const FieldPath& at) {
  Reservation out;
  if (message.type() == v1::Resource::ReservationInfo::UNKNOWN) {
    return invalid("'" + at.at("type").text() + "' must be STATIC or DYNAMIC");
  }
  out.type = message.type() == v1::Resource::ReservationInfo::STATIC
                 ? Reservation::Type::statically
                 : Reservation::Type::dynamically;
  if (Status ok = check_role(message.role(), at.at("role")); !ok) return ok.error();
  if (message.role() == "*") {
    return invalid("'" + at.at("role").text() + "' is '*': nothing can be reserved for everybody");
  }
  out.role = message.role();
  if (Status ok = check_text(message.principal(), limits::kMaxNameBytes, at.at("principal")); !ok) {
    return ok.error();
  }
  out.principal = message.principal();
  Result<std::vector<Label>> labels = read_labels(message.labels(), at.at("labels"));
  if (!labels) return labels.error();
  out.labels = std::move(*labels);
  return out;
}

// The reservation stack in either form: `reservations`, or `role` with or without `reservation`.
Status read_reservations(const v1::Resource& message, const FieldPath& at, ResourceMeta& meta) {
  const bool old_form = message.has_reservation() || (message.has_role() && message.role() != "*");
  if (message.reservations_size() > 0) {
    if (old_form) {
      return invalid("'" + at.text() +
                     "' has 'reservations' beside 'role' or 'reservation': only " +
                     "one of the two forms may be used");
    }
    if (static_cast<std::size_t>(message.reservations_size()) > limits::kMaxRoleDepth) {
      return Error{ErrorCode::too_large, "'" + at.at("reservations").text() + "' has " +
                                             std::to_string(message.reservations_size()) +
                                             " entries: at most 16"};
    }
    for (int i = 0; i < message.reservations_size(); ++i) {
      const FieldPath here = at.at("reservations", i);
      Result<Reservation> one = read_reservation(message.reservations(i), here);
      if (!one) return one.error();
      if (i > 0 && one->type == Reservation::Type::statically) {
        return invalid("'" + here.at("type").text() +
                       "' is STATIC: only the first of a stack of reservations can be");
      }
      if (i > 0 && (!role_may_use(one->role, meta.reservations.back().role) ||
                    one->role == meta.reservations.back().role)) {
        return invalid("'" + here.at("role").text() + "' is " + shown(one->role) +
                       ": it must lie below the role reserved before it, " +
                       shown(meta.reservations.back().role));
      }
      meta.reservations.push_back(std::move(*one));
    }
    return {};
  }
  if (!old_form) return {};
  v1::Resource::ReservationInfo info;
  if (message.has_reservation()) info = message.reservation();
  if (!info.has_role()) info.set_role(message.role());
  info.set_type(message.has_reservation() ? v1::Resource::ReservationInfo::DYNAMIC
                                          : v1::Resource::ReservationInfo::STATIC);
  Result<Reservation> one = read_reservation(info, at);
  if (!one) return one.error();
  meta.reservations.push_back(std::move(*one));
  return {};
}

Result<Disk> read_disk(const v1::Resource::DiskInfo& message, const FieldPath& at) {
  Disk out;
  if (message.has_persistence()) {
    const FieldPath id = at.at("persistence");
    if (Status ok = check_id(message.persistence().id(), id.at("id")); !ok) return ok.error();
    out.persistence_id = message.persistence().id();
    out.persistence_principal = message.persistence().principal();
  }
  if (message.has_volume()) {
    if (Status ok =
            check_text(message.volume().container_path(), limits::kMaxNameBytes, at.at("volume"));
        !ok) {
      return ok.error();
    }
    out.volume_path = message.volume().container_path();
    out.volume_read_only = message.volume().mode() == v1::Volume::RO;
  }
  if (message.has_source()) {
    const v1::Resource::DiskInfo::Source& source = message.source();
    const FieldPath here = at.at("source");
    if (source.type() == v1::Resource::DiskInfo::Source::UNKNOWN) {
      return invalid("'" + here.at("type").text() + "' must be PATH, MOUNT, BLOCK or RAW");
    }
    DiskSource& made = out.source.emplace();
    made.type = static_cast<DiskSource::Type>(source.type());
    made.root = source.has_mount() ? source.mount().root() : source.path().root();
    made.id = source.id();
    made.profile = source.profile();
    made.vendor = source.vendor();
    Result<std::vector<Label>> metadata = read_labels(source.metadata(), here.at("metadata"));
    if (!metadata) return metadata.error();
    made.metadata = std::move(*metadata);
  }
  return out;
}

Result<Resource> read_resource(const v1::Resource& message, const FieldPath& at) {
  Resource out;
  if (message.name().empty()) return invalid("'" + at.at("name").text() + "' must not be empty");
  if (Status ok = check_text(message.name(), limits::kMaxIdBytes, at.at("name")); !ok) {
    return ok.error();
  }
  if (message.type() == v1::Value::TEXT) {
    return invalid("'" + at.at("type").text() + "' is TEXT: resource " + shown(message.name()) +
                   " must be SCALAR, RANGES or SET");
  }
  out.name = message.name();
  out.kind = static_cast<Resource::Kind>(message.type());
  if (Status ok = read_value(message, at, out); !ok) return ok.error();

  ResourceMeta meta;
  if (Status ok = read_reservations(message, at, meta); !ok) return ok.error();
  if (message.has_disk()) {
    Result<Disk> disk = read_disk(message.disk(), at.at("disk"));
    if (!disk) return disk.error();
    meta.disk = std::move(*disk);
  }
  meta.provider_id = message.provider_id().value();
  meta.revocable = message.has_revocable();
  meta.shared = message.has_shared();
  if (meta != ResourceMeta{}) out.meta = std::make_shared<const ResourceMeta>(std::move(meta));
  return out;
}

template <typename Message, typename In>
void write_value(const In& in, Message& out) {
  out.set_type(static_cast<v1::Value::Type>(in.kind));
  switch (out.type()) {
    case v1::Value::SCALAR:
      out.mutable_scalar()->set_value(double_from_milli(in.scalar_milli));
      return;
    case v1::Value::RANGES:
      out.mutable_ranges();
      for (const Interval& range : in.ranges.ranges()) {
        v1::Value::Range* made = out.mutable_ranges()->add_range();
        made->set_begin(range.begin);
        made->set_end(range.end);
      }
      return;
    case v1::Value::SET:
      out.mutable_set();
      for (const std::string& item : in.items) out.mutable_set()->add_item(item);
      return;
    default:
      return;
  }
}

void write_disk(const Disk& disk, v1::Resource::DiskInfo& out) {
  if (!disk.persistence_id.empty()) {
    out.mutable_persistence()->set_id(disk.persistence_id);
    if (!disk.persistence_principal.empty()) {
      out.mutable_persistence()->set_principal(disk.persistence_principal);
    }
  }
  if (!disk.volume_path.empty()) {
    out.mutable_volume()->set_container_path(disk.volume_path);
    out.mutable_volume()->set_mode(disk.volume_read_only ? v1::Volume::RO : v1::Volume::RW);
  }
  if (!disk.source) return;
  v1::Resource::DiskInfo::Source& source = *out.mutable_source();
  source.set_type(static_cast<v1::Resource::DiskInfo::Source::Type>(disk.source->type));
  if (!disk.source->root.empty()) {
    if (disk.source->type == DiskSource::Type::mount) {
      source.mutable_mount()->set_root(disk.source->root);
    } else {
      source.mutable_path()->set_root(disk.source->root);
    }
  }
  if (!disk.source->id.empty()) source.set_id(disk.source->id);
  if (!disk.source->profile.empty()) source.set_profile(disk.source->profile);
  if (!disk.source->vendor.empty()) source.set_vendor(disk.source->vendor);
  if (!disk.source->metadata.empty()) {
    write_labels(disk.source->metadata, *source.mutable_metadata());
  }
}

void write_reservation(const Reservation& in, v1::Resource::ReservationInfo& out) {
  out.set_type(static_cast<v1::Resource::ReservationInfo::Type>(in.type));
  out.set_role(in.role);
  if (!in.principal.empty()) out.set_principal(in.principal);
  if (!in.labels.empty()) write_labels(in.labels, *out.mutable_labels());
}

void write_reservations(const Resource& in, const ResourceForm& form, v1::Resource& out) {
  if (in.meta && (form.refined || form.both)) {
    for (const Reservation& one : in.meta->reservations) {
      write_reservation(one, *out.add_reservations());
    }
  }
  // The older form has no words for a refined reservation.
  if (form.refined || (form.both && out.reservations_size() > 1)) return;
  out.set_role(std::string(in.role()));
  if (!in.is_reserved()) return;
  const Reservation& innermost = in.meta->reservations.back();
  if (innermost.type != Reservation::Type::dynamically) return;
  v1::Resource::ReservationInfo& old = *out.mutable_reservation();
  if (!innermost.principal.empty()) old.set_principal(innermost.principal);
  if (!innermost.labels.empty()) write_labels(innermost.labels, *old.mutable_labels());
}

}  // namespace

Result<Resources> read_resources(const google::protobuf::RepeatedPtrField<v1::Resource>& list,
                                 const FieldPath& at) {
  if (static_cast<std::size_t>(list.size()) > limits::kMaxResourcesPerObject) {
    return Error{ErrorCode::too_large, "'" + at.text() + "' has " + std::to_string(list.size()) +
                                           " resources: at most 1024"};
  }
  std::vector<Resource> out;
  out.reserve(static_cast<std::size_t>(list.size()));
  for (int i = 0; i < list.size(); ++i) {
    const FieldPath here = at.at("resources", i);
    Result<Resource> one = read_resource(list.Get(i), here);
    if (!one) return one.error();
    for (const Resource& before : out) {
      if (before.name == one->name && before.kind == Resource::Kind::ranges &&
          before.ranges.intersects(one->ranges)) {
        return invalid("'" + here.at("ranges").text() + "' of " + shown(one->name) +
                       " overlaps that of an entry before it");
      }
    }
    out.push_back(std::move(*one));
  }
  return Resources(out);
}

Result<std::vector<Attribute>> read_attributes(
    const google::protobuf::RepeatedPtrField<v1::Attribute>& list, const FieldPath& at) {
  if (static_cast<std::size_t>(list.size()) > limits::kMaxAttributes) {
    return Error{ErrorCode::too_large, "'" + at.text() + "' has " + std::to_string(list.size()) +
                                           " attributes: at most 256"};
  }
  std::vector<Attribute> out;
  for (int i = 0; i < list.size(); ++i) {
    const v1::Attribute& message = list.Get(i);
    const FieldPath here = at.at("attributes", i);
    if (Status ok = check_text(message.name(), limits::kMaxNameBytes, here.at("name")); !ok) {
      return ok.error();
    }
    Attribute made;
    made.name = message.name();
    made.kind = static_cast<Attribute::Kind>(message.type());
    if (message.type() == v1::Value::TEXT && message.has_text()) {
      const std::string& text = message.text().value();
      if (Status ok = check_text(text, limits::kMaxNameBytes, here.at("text")); !ok) {
        return ok.error();
      }
      made.text = text;
    } else if (Status ok = read_value(message, here, made); !ok) {
      return ok.error();
    }
    out.push_back(std::move(made));
  }
  return out;
}

void write_resources(const Resources& resources, const ResourceForm& form,
                     google::protobuf::RepeatedPtrField<v1::Resource>& out) {
  for (const Resource& in : resources.list()) {
    for (std::int32_t copy = 0; copy < in.copies; ++copy) {
      v1::Resource& made = *out.Add();
      made.set_name(in.name);
      write_value(in, made);
      write_reservations(in, form, made);
      if (!form.allocated_to.empty()) {
        made.mutable_allocation_info()->set_role(std::string(form.allocated_to));
      }
      if (!in.meta) continue;
      if (in.meta->disk) write_disk(*in.meta->disk, *made.mutable_disk());
      if (!in.meta->provider_id.empty()) {
        made.mutable_provider_id()->set_value(in.meta->provider_id);
      }
      if (in.meta->revocable) made.mutable_revocable();
      if (in.meta->shared) made.mutable_shared();
    }
  }
}

void hold_in(std::string_view role, google::protobuf::RepeatedPtrField<v1::Resource>& list) {
  if (role.empty()) return;
  for (v1::Resource& resource : list) {
    resource.mutable_allocation_info()->set_role(std::string(role));
  }
}

void write_attributes(const std::vector<Attribute>& attributes,
                      google::protobuf::RepeatedPtrField<v1::Attribute>& out) {
  for (const Attribute& in : attributes) {
    v1::Attribute& made = *out.Add();
    made.set_name(in.name);
    write_value(in, made);
    if (in.kind == Attribute::Kind::text) made.mutable_text()->set_value(in.text);
  }
}

}  // namespace bourse::codec
