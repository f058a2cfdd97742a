#include "model/resource_operation.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "model/limits.hpp"
#include "model/operation_status.hpp"

namespace bourse {

namespace {

using Type = ResourceOperation::Type;
using Stack = std::vector<Reservation>;

std::string text_of(const Resource& resource) {
  return Resources({resource}).to_text();
}

ResourceMeta meta_of(const Resource& resource) {
  return resource.meta ? *resource.meta : ResourceMeta{};
}

Stack stack_of(const Resource& resource) {
  return resource.meta ? resource.meta->reservations : Stack{};
}

Resource with_stack(const Resource& resource, Stack stack) {
  ResourceMeta meta = meta_of(resource);
  meta.reservations = std::move(stack);
  return resource.with(std::move(meta));
}

Resource without_innermost(const Resource& resource) {
  Stack stack = stack_of(resource);
  stack.pop_back();
  return with_stack(resource, std::move(stack));
}

// The disk below a volume.
Resource without_volume(const Resource& resource) {
  ResourceMeta meta = meta_of(resource);
  std::optional<DiskSource> source = meta.disk ? meta.disk->source : std::nullopt;
  meta.disk.reset();
  if (source) meta.disk.emplace().source = std::move(source);
  meta.shared = false;
  Resource out = resource.with(std::move(meta));
  out.copies = 1;
  return out;
}

bool is_mount(const Resource& resource) {
  return resource.meta && resource.meta->disk && resource.meta->disk->source &&
         resource.meta->disk->source->type == DiskSource::Type::mount;
}

bool is_dynamic(const Reservation& reservation) {
  return reservation.type == Reservation::Type::dynamically;
}

// What holds for everything that is reserved or unreserved.
std::optional<std::string> wrong_reserved(const std::string& field, const Resource& resource) {
  const std::string what = field + ": " + text_of(resource);
  if (resource.is_revocable()) return what + " is revocable: only what stays can be reserved";
  if (is_volume(resource) || resource.is_shared()) {
    return what + " is a volume: destroy it first, and unreserve or reserve its disk then";
  }
  if (!resource.is_reserved() || !is_dynamic(resource.meta->reservations.back())) {
    return what + " is not dynamically reserved: its innermost reservation must be DYNAMIC";
  }
  return std::nullopt;
}

// The one stack that all of them have.
Result<Stack> common_stack(const std::string& field, const Resources& resources) {
  const Stack stack = stack_of(resources.list().front());
  for (const Resource& resource : resources.list()) {
    if (stack_of(resource) != stack) {
      return invalid(field + ": " + resources.to_text() +
                     " are reserved differently: with a source, all must be reserved alike");
    }
  }
  return stack;
}

Resources unreserved_wholly(const Resources& resources) {
  std::vector<Resource> out;
  for (const Resource& resource : resources.list()) out.push_back(with_stack(resource, {}));
  return Resources(out);
}

std::optional<std::string> wrong_source(const ResourceOperation& operation) {
  const Resources& source = operation.extra;
  for (const Resource& resource : source.list()) {
    if (is_volume(resource) || resource.is_shared() || resource.is_revocable()) {
      return "reserve.source: " + text_of(resource) + " is a volume or revocable: neither can be";
    }
  }
  if (!(unreserved_wholly(source) == unreserved_wholly(operation.resources))) {
    return "reserve.source: " + source.to_text() +
           " and reserve.resources: " + operation.resources.to_text() +
           " must be the same but for their reservations";
  }
  const auto from = common_stack("reserve.source", source);
  const auto to = common_stack("reserve.resources", operation.resources);
  if (!from.ok()) return from.error().message;
  if (!to.ok()) return to.error().message;
  const auto [left, kept] = std::mismatch(from->begin(), from->end(), to->begin(), to->end());
  if (!std::all_of(left, from->end(), is_dynamic) || !std::all_of(kept, to->end(), is_dynamic)) {
    return "reserve.source: " + source.to_text() +
           " is reserved statically: such a reservation cannot be exchanged";
  }
  return std::nullopt;
}

Result<Conversion> reserve_of(const ResourceOperation& operation) {
  Conversion out;
  out.converted = operation.resources;
  for (const Resource& resource : operation.resources.list()) {
    if (auto wrong = wrong_reserved("reserve.resources", resource)) return invalid(*wrong);
    if (operation.extra.empty()) out.consumed.add(without_innermost(resource));
  }
  if (operation.extra.empty()) return out;
  if (auto wrong = wrong_source(operation)) return invalid(*wrong);
  out.consumed = operation.extra;
  return out;
}

Result<Conversion> unreserve_of(const ResourceOperation& operation) {
  Conversion out;
  out.consumed = operation.resources;
  for (const Resource& resource : operation.resources.list()) {
    if (auto wrong = wrong_reserved("unreserve.resources", resource)) return invalid(*wrong);
    out.converted.add(without_innermost(resource));
  }
  return out;
}

std::optional<std::string> wrong_volume(const std::string& field, const Resource& volume) {
  const std::string what = field + ": " + text_of(volume);
  if (volume.name != "disk" || volume.kind != Resource::Kind::scalar || !is_volume(volume)) {
    return what + " is no volume: it must be disk with disk.persistence.id and disk.volume";
  }
  if (volume.meta->disk->volume_path.empty()) {
    return what + " has no disk.volume.container_path: give the path that its tasks see it at";
  }
  if (!volume.is_reserved()) {
    return what + " is not reserved: Persistent volumes cannot be created from unreserved " +
           "resources";
  }
  if (volume.is_revocable()) return what + " is revocable: a volume must stay";
  const auto& source = volume.meta->disk->source;
  if (source && source->type != DiskSource::Type::path && !is_mount(volume)) {
    return what + " is on a disk that is neither PATH nor MOUNT";
  }
  return std::nullopt;
}

using VolumeKey = std::pair<std::string, std::string>;
VolumeKey key_of(const Resource& volume) {
  return {std::string(volume.role()), volume.meta->disk->persistence_id};
}

Result<Conversion> volumes_of(const ResourceOperation& operation) {
  const bool creates = operation.type == Type::create;
  const std::string field = creates ? "create.volumes" : "destroy.volumes";
  Resources disk;
  std::set<VolumeKey> seen;
  for (const Resource& volume : operation.resources.list()) {
    if (auto wrong = wrong_volume(field, volume)) return invalid(*wrong);
    if (!seen.insert(key_of(volume)).second || volume.copies != 1) {
      return invalid(field + ": Persistence ID '" + volume.meta->disk->persistence_id +
                     "' is not unique: each volume of a role needs an id of its own");
    }
    disk.add(without_volume(volume));
  }
  return creates ? Conversion{disk, operation.resources} : Conversion{operation.resources, disk};
}

std::optional<std::string> wrong_resize(const std::string& field, const Resources& volumes) {
  if (volumes.list().size() != 1) return field + ": must be one volume";
  const Resource& volume = volumes.list().front();
  if (auto wrong = wrong_volume(field, volume)) return wrong;
  if (volume.is_shared()) return field + ": " + text_of(volume) + " is shared: its size is fixed";
  if (is_mount(volume)) {
    return field + ": " + text_of(volume) + " is a MOUNT disk: it is used whole or not at all";
  }
  return std::nullopt;
}

Result<Conversion> grow_of(const ResourceOperation& operation) {
  if (auto wrong = wrong_resize("grow_volume.volume", operation.resources)) return invalid(*wrong);
  const Resource& volume = operation.resources.list().front();
  const Resource disk = without_volume(volume);
  const bool fits = operation.extra.list().size() == 1 &&
                    operation.extra.list().front().name == disk.name &&
                    meta_of(operation.extra.list().front()) == meta_of(disk);
  if (!fits) {
    return invalid("grow_volume.addition: " + operation.extra.to_text() +
                   " must be disk that is reserved as the volume is and from its source");
  }
  Resource grown = volume;
  const std::int64_t more = operation.extra.list().front().scalar_milli;
  if (more > limits::kMaxScalarMilli - grown.scalar_milli) {
    return invalid("grow_volume.addition: " + operation.extra.to_text() + " is too large");
  }
  grown.scalar_milli += more;
  Conversion out{operation.resources, Resources({grown})};
  out.consumed.add(operation.extra);
  return out;
}

Result<Conversion> shrink_of(const ResourceOperation& operation) {
  if (auto wrong = wrong_resize("shrink_volume.volume", operation.resources)) {
    return invalid(*wrong);
  }
  Resource shrunk = operation.resources.list().front();
  if (operation.subtract_milli <= 0 || operation.subtract_milli >= shrunk.scalar_milli) {
    return invalid("shrink_volume.subtract: is " + milli_text(operation.subtract_milli) +
                   ": must be above 0 and below the volume's " + milli_text(shrunk.scalar_milli));
  }
  Resource freed = without_volume(shrunk);
  freed.scalar_milli = operation.subtract_milli;
  shrunk.scalar_milli -= operation.subtract_milli;
  return Conversion{operation.resources, Resources({shrunk, freed})};
}

std::string field_of(Type type) {
  switch (type) {
    case Type::reserve:
      return "reserve.resources";
    case Type::unreserve:
      return "unreserve.resources";
    case Type::create:
      return "create.volumes";
    case Type::destroy:
      return "destroy.volumes";
    case Type::grow_volume:
      return "grow_volume.volume";
    case Type::shrink_volume:
      return "shrink_volume.volume";
  }
  return "type";
}

std::string quoted_or_none(const std::string& name) {
  return name.empty() ? "no principal" : "principal '" + name + "'";
}

std::optional<std::string> wrong_reservation_scope(const Resource& resource,
                                                   const OperationScope& scope) {
  const std::string what = "reserve.resources: " + text_of(resource);
  const Reservation& own = resource.meta->reservations.back();
  if (!scope.role.empty() && own.role != scope.role) {
    return what + " is for role '" + own.role + "', and the offer for '" + scope.role +
           "': a framework reserves for the role of its offer";
  }
  if (!scope.principal.empty() && own.principal != scope.principal) {
    return what + " names " + quoted_or_none(own.principal) + ", and '" + scope.principal +
           "' asks: a reservation must name who makes it";
  }
  return std::nullopt;
}

// What a container can be given: the same as the agent asks of a launch.
bool is_below_the_sandbox(const std::string& path) {
  const std::string whole = "/" + path + "/";
  return !path.empty() && path.front() != '/' && whole.find("/../") == std::string::npos &&
         whole.find("/./") == std::string::npos && whole.find("//") == std::string::npos &&
         whole.find('\0') == std::string::npos;
}

// Of a new one: those that are there may be destroyed whatever they are called.
std::optional<std::string> wrong_volume_scope(const Resource& volume, const OperationScope& scope) {
  const std::string what = "create.volumes: " + text_of(volume);
  if (!is_below_the_sandbox(volume.meta->disk->volume_path)) {
    return what + " has the container_path '" + volume.meta->disk->volume_path.substr(0, 256) +
           "': it must be a path below the sandbox, without '..', as 'data'";
  }
  const std::string& named = volume.meta->disk->persistence_principal;
  if (!scope.principal.empty() && named != scope.principal) {
    return what + " names " + quoted_or_none(named) + ", and '" + scope.principal +
           "' asks: a volume must name who makes it";
  }
  if (volume.is_shared() && !scope.shared_volumes) {
    return what + " is shared, and the framework has not the capability SHARED_RESOURCES";
  }
  return std::nullopt;
}

std::optional<VolumeKey> taken_key(const Resources& total, const Resources& volumes) {
  std::set<VolumeKey> wanted;
  for (const Resource& volume : volumes.list()) {
    if (is_volume(volume)) wanted.insert(key_of(volume));
  }
  if (wanted.empty()) return std::nullopt;
  for (const Resource& have : total.list()) {
    if (is_volume(have) && wanted.contains(key_of(have))) return key_of(have);
  }
  return std::nullopt;
}

}  // namespace

bool same_amounts(const Resources& a, const Resources& b) {
  const auto plain = [](const Resources& resources) {
    Resources out;
    for (const Resource& resource : resources.list()) {
      Resource one = resource.with({});
      one.copies = 1;
      out.add(one);
    }
    return out;
  };
  return plain(a) == plain(b);
}

bool is_volume(const Resource& resource) {
  return resource.meta && resource.meta->disk && !resource.meta->disk->persistence_id.empty();
}

std::string_view name_of(ResourceOperation::Type type) {
  switch (type) {
    case Type::reserve:
      return "RESERVE";
    case Type::unreserve:
      return "UNRESERVE";
    case Type::create:
      return "CREATE";
    case Type::destroy:
      return "DESTROY";
    case Type::grow_volume:
      return "GROW_VOLUME";
    case Type::shrink_volume:
      return "SHRINK_VOLUME";
  }
  return "UNKNOWN";
}

std::string_view name_of(OperationState state) {
  switch (state) {
    case OperationState::pending:
      return "OPERATION_PENDING";
    case OperationState::finished:
      return "OPERATION_FINISHED";
    case OperationState::failed:
      return "OPERATION_FAILED";
    case OperationState::error:
      return "OPERATION_ERROR";
    case OperationState::dropped:
      return "OPERATION_DROPPED";
    case OperationState::unreachable:
      return "OPERATION_UNREACHABLE";
    case OperationState::gone_by_operator:
      return "OPERATION_GONE_BY_OPERATOR";
    case OperationState::recovering:
      return "OPERATION_RECOVERING";
    case OperationState::unknown:
      return "OPERATION_UNKNOWN";
  }
  return "OPERATION_UNKNOWN";
}

Result<Conversion> conversion_of(const ResourceOperation& operation) {
  if (operation.resources.empty()) {
    return invalid(field_of(operation.type) + ": holds nothing: give what is meant");
  }
  switch (operation.type) {
    case Type::reserve:
      return reserve_of(operation);
    case Type::unreserve:
      return unreserve_of(operation);
    case Type::create:
    case Type::destroy:
      return volumes_of(operation);
    case Type::grow_volume:
      return grow_of(operation);
    case Type::shrink_volume:
      return shrink_of(operation);
  }
  return invalid("type: is none that this build knows");
}

Status check_scope(const ResourceOperation& operation, const OperationScope& scope) {
  std::optional<std::string> wrong;
  for (const Resource& resource : operation.resources.list()) {
    if (operation.type == Type::reserve) wrong = wrong_reservation_scope(resource, scope);
    if (operation.type == Type::create) wrong = wrong_volume_scope(resource, scope);
    if (wrong) return invalid(*wrong);
  }
  return {};
}

Status convert(Resources& total, const Conversion& conversion) {
  if (!total.contains(conversion.consumed)) {
    return Error{ErrorCode::conflict,
                 total.to_text() + " does not contain " + conversion.consumed.to_text()};
  }
  Resources next = std::move(total);
  next.subtract(conversion.consumed);
  if (const auto taken = taken_key(next, conversion.converted)) {
    next.add(conversion.consumed);
    total = std::move(next);
    return Error{ErrorCode::conflict, "Persistence ID '" + taken->second +
                                          "' is taken on this agent: role '" + taken->first +
                                          "' has a volume of that id"};
  }
  next.add(conversion.converted);
  total = std::move(next);
  if (total.list().size() <= limits::kMaxResourcesPerObject) return {};
  total.subtract(conversion.converted);
  total.add(conversion.consumed);
  return Error{ErrorCode::full,
               "the agent would have more than " + std::to_string(limits::kMaxResourcesPerObject) +
                   " kinds of resources, its limit: destroy volumes or unreserve first"};
}

void NetConversion::add(const Conversion& conversion) {
  taken.add(made.subtract_up_to(conversion.consumed));
  made.add(taken.subtract_up_to(conversion.converted));
}

Result<Resources> NetConversion::over(const Resources& configured) const {
  Resources out = configured;
  const Resources lacking = out.subtract_up_to(taken);
  if (!lacking.empty()) {
    return Error{ErrorCode::conflict, made.to_text() +
                                          " were made of this agent's resources, and " +
                                          lacking.to_text() + " of what that needs is not there"};
  }
  out.add(made);
  return out;
}

}  // namespace bourse
