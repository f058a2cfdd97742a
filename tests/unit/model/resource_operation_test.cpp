#include "model/resource_operation.hpp"

#include <catch2/catch.hpp>

#include "model/limits.hpp"

using namespace bourse;
using Type = ResourceOperation::Type;

namespace {

Resource reserved(Resource resource, std::vector<std::string> roles, std::string principal = {}) {
  ResourceMeta meta = resource.meta ? *resource.meta : ResourceMeta{};
  for (std::string& role : roles) {
    meta.reservations.push_back({Reservation::Type::dynamically, std::move(role), principal, {}});
  }
  return resource.with(std::move(meta));
}

Resource volume(const std::string& id, std::int64_t units, const std::string& role = "web") {
  Resource disk = reserved(Resource::scalar("disk", units * 1000), {role});
  ResourceMeta meta = *disk.meta;
  meta.disk.emplace().persistence_id = id;
  meta.disk->volume_path = "data";
  return disk.with(std::move(meta));
}

ResourceOperation op(Type type, std::vector<Resource> resources, std::vector<Resource> extra = {}) {
  ResourceOperation out;
  out.type = type;
  out.resources = Resources(resources);
  out.extra = Resources(extra);
  return out;
}

std::string refused(const ResourceOperation& operation) {
  const auto conversion = conversion_of(operation);
  return conversion.ok() ? "" : conversion.error().message;
}

Resources total() {
  return Resources::parse("cpus:4;mem:1024;disk:100;ports:[1-9]").value();
}

Status apply(Resources& to, const ResourceOperation& operation) {
  const auto conversion = conversion_of(operation);
  if (!conversion.ok()) return conversion.error();
  return convert(to, conversion.value());
}

const Resource kCpus = Resource::scalar("cpus", 1000);
const Resource kDisk = Resource::scalar("disk", 32000);

}  // namespace

TEST_CASE("reserve, create, destroy and unreserve end where they began") {
  Resources all = total();
  const auto reserve = op(Type::reserve, {reserved(kDisk, {"web"}), reserved(kCpus, {"web"})});
  REQUIRE(apply(all, reserve).ok());
  REQUIRE(all.scalar_milli("disk") == 100'000);
  REQUIRE(all.unreserved().scalar_milli("disk") == 68'000);
  REQUIRE(apply(all, op(Type::create, {volume("v", 32)})).ok());
  REQUIRE(all.contains(volume("v", 32)));
  REQUIRE_FALSE(all.contains(volume("v", 16)));  // whole or not at all
  REQUIRE(same_amounts(all, total()));
  REQUIRE(apply(all, op(Type::destroy, {volume("v", 32)})).ok());
  REQUIRE(apply(all, op(Type::unreserve, reserve.resources.list())).ok());
  REQUIRE(all == total());
}

TEST_CASE("a volume grows by disk of its own reservation and shrinks to some of it") {
  Resources all = total();
  REQUIRE(apply(all, op(Type::reserve, {reserved(kDisk, {"web"})})).ok());
  REQUIRE(apply(all, op(Type::create, {volume("v", 8)})).ok());
  const Resource more = reserved(Resource::scalar("disk", 4000), {"web"});
  REQUIRE(apply(all, op(Type::grow_volume, {volume("v", 8)}, {more})).ok());
  REQUIRE(all.contains(volume("v", 12)));
  ResourceOperation shrink = op(Type::shrink_volume, {volume("v", 12)});
  shrink.subtract_milli = 10'000;
  REQUIRE(apply(all, shrink).ok());
  REQUIRE(all.contains(volume("v", 2)));
  shrink = op(Type::shrink_volume, {volume("v", 2)});
  for (const std::int64_t wrong : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{2000}}) {
    shrink.subtract_milli = wrong;
    REQUIRE(refused(shrink).find("must be above 0 and below the volume's 2") != std::string::npos);
  }
  REQUIRE(refused(op(Type::grow_volume, {volume("v", 2)}, {kDisk})).find("grow_volume.addition") ==
          0);
}

TEST_CASE("a reservation is refined by pushing and taken back by popping") {
  Resources all = total();
  REQUIRE(apply(all, op(Type::reserve, {reserved(kCpus, {"eng"})})).ok());
  REQUIRE(apply(all, op(Type::reserve, {reserved(kCpus, {"eng", "eng/web"})})).ok());
  REQUIRE(all.contains(reserved(kCpus, {"eng", "eng/web"})));
  REQUIRE(apply(all, op(Type::unreserve, {reserved(kCpus, {"eng", "eng/web"})})).ok());
  REQUIRE(all.contains(reserved(kCpus, {"eng"})));
  // With a source one is exchanged for another in a single step.
  REQUIRE(
      apply(all, op(Type::reserve, {reserved(kCpus, {"ops"})}, {reserved(kCpus, {"eng"})})).ok());
  REQUIRE(all.contains(reserved(kCpus, {"ops"})));
  REQUIRE(refused(op(Type::reserve, {reserved(kCpus, {"ops"})},
                     {reserved(Resource::scalar("cpus", 500), {"eng"})}))
              .find("must be the same but for their reservations") != std::string::npos);
}

TEST_CASE("each operation that makes no sense is refused with its field and what would be right") {
  Resource static_cpus = Resources::parse("cpus(web):1").value().list().front();
  Resource revocable = reserved(kCpus, {"web"});
  ResourceMeta meta = *revocable.meta;
  meta.revocable = true;
  revocable = revocable.with(std::move(meta));
  const std::pair<ResourceOperation, const char*> cases[] = {
      {op(Type::reserve, {}), "reserve.resources: holds nothing"},
      {op(Type::reserve, {kCpus}), "is not dynamically reserved"},
      {op(Type::reserve, {static_cpus}), "is not dynamically reserved"},
      {op(Type::reserve, {revocable}), "is revocable"},
      {op(Type::reserve, {volume("v", 1)}), "is a volume: destroy it first"},
      {op(Type::unreserve, {static_cpus}), "is not dynamically reserved"},
      {op(Type::unreserve, {volume("v", 1)}), "is a volume: destroy it first"},
      {op(Type::create, {kDisk}), "create.volumes: disk:32 is no volume"},
      {op(Type::destroy, {reserved(kDisk, {"web"})}), "destroy.volumes: disk(web):32 is no volume"},
  };
  Resource elsewhere = volume("v", 2);
  ResourceMeta other_path = *elsewhere.meta;
  other_path.disk->volume_path = "other";
  REQUIRE(refused(op(Type::create, {volume("v", 1), elsewhere.with(std::move(other_path))}))
              .find("Persistence ID 'v' is not unique") != std::string::npos);
  for (const auto& [operation, sentence] : cases) {
    INFO(sentence);
    REQUIRE(refused(operation).find(sentence) != std::string::npos);
  }
  Resource bare = Resource::scalar("disk", 1000);
  ResourceMeta unreserved_volume;
  unreserved_volume.disk.emplace().persistence_id = "v";
  unreserved_volume.disk->volume_path = "data";
  REQUIRE(refused(op(Type::create, {bare.with(unreserved_volume)}))
              .find("Persistent volumes cannot be created from unreserved resources") !=
          std::string::npos);
}

TEST_CASE("who asks must be named, and a framework reserves for the role of its offer") {
  const auto mine = op(Type::reserve, {reserved(kCpus, {"web"}, "p")});
  REQUIRE(check_scope(mine, {"p", "web", true}).ok());
  REQUIRE(check_scope(mine, {"", "", true}).ok());
  REQUIRE(check_scope(mine, {"q", "web", true}).error().message.find("names principal 'p'") !=
          std::string::npos);
  REQUIRE(check_scope(mine, {"p", "ops", true}).error().message.find("for role 'web'") !=
          std::string::npos);
  Resource shared = volume("v", 1);
  ResourceMeta meta = *shared.meta;
  meta.shared = true;
  const auto create = op(Type::create, {shared.with(std::move(meta))});
  REQUIRE(check_scope(create, {"", "web", true}).ok());
  REQUIRE(check_scope(create, {"", "web", false}).error().message.find("SHARED_RESOURCES") !=
          std::string::npos);
}

TEST_CASE("a new volume is seen below the sandbox, and one that is not can still be destroyed") {
  const auto at = [](const std::string& path) {
    const Resource plain = volume("v", 1);
    ResourceMeta meta = *plain.meta;
    meta.disk->volume_path = path;
    return plain.with(std::move(meta));
  };
  for (const std::string path : {"/abs", "../x", "a/../b", "..", "a//b", "a/", "./a", "."}) {
    INFO(path);
    const auto create = op(Type::create, {at(path)});
    REQUIRE(check_scope(create, {"", "web", true})
                .error()
                .message.find("has the container_path '" + path +
                              "': it must be a path below the sandbox") != std::string::npos);
    // What an earlier build let in: the checkpoint is read, and it can be got rid of.
    REQUIRE(conversion_of(create).ok());
    const auto destroy = op(Type::destroy, {at(path)});
    REQUIRE(conversion_of(destroy).ok());
    REQUIRE(check_scope(destroy, {"", "web", true}).ok());
  }
  for (const std::string path : {"data", "a/b", "..a", ".hidden"}) {
    INFO(path);
    REQUIRE(check_scope(op(Type::create, {at(path)}), {"", "web", true}).ok());
  }
}

TEST_CASE("what is not there, an id that is taken and one kind too many change nothing") {
  Resources all = total();
  const auto too_much = op(Type::reserve, {reserved(Resource::scalar("cpus", 5000), {"web"})});
  REQUIRE(apply(all, too_much).error().message ==
          "cpus:4; disk:100; mem:1024; ports:[1-9] does not contain cpus:5");
  REQUIRE(all == total());
  REQUIRE(apply(all, op(Type::reserve, {reserved(kDisk, {"web"})})).ok());
  REQUIRE(apply(all, op(Type::create, {volume("v", 1)})).ok());
  const Resources before = all;
  REQUIRE(apply(all, op(Type::create, {volume("v", 2)}))
              .error()
              .message.find("Persistence ID 'v' is taken") == 0);
  REQUIRE(all == before);
  Resources full = Resources({reserved(Resource::scalar("disk", 2'000'000), {"web"})});
  for (std::size_t i = 0; i + 1 < limits::kMaxResourcesPerObject; ++i) {
    REQUIRE(apply(full, op(Type::create, {volume("v" + std::to_string(i), 1)})).ok());
  }
  const Resources most = full;
  REQUIRE(apply(full, op(Type::create, {volume("one more", 1)})).error().code == ErrorCode::full);
  REQUIRE(full == most);
}

TEST_CASE("all conversions of an agent together rebuild its total, and say what is lacking") {
  Resources all = total();
  NetConversion net;
  const auto run = [&](const ResourceOperation& operation) {
    const auto conversion = conversion_of(operation);
    REQUIRE(convert(all, conversion.value()).ok());
    net.add(conversion.value());
    REQUIRE(net.over(total()).value() == all);
  };
  run(op(Type::reserve, {reserved(kDisk, {"web"}), reserved(kCpus, {"web"})}));
  run(op(Type::create, {volume("a", 8), volume("b", 4)}));
  run(op(Type::destroy, {volume("a", 8)}));
  run(op(Type::unreserve, {reserved(kCpus, {"web"})}));
  const auto less = net.over(Resources::parse("cpus:4;mem:1024;disk:20").value());
  REQUIRE(less.error().message.find("disk:12 of what that needs is not there") !=
          std::string::npos);
  run(op(Type::destroy, {volume("b", 4)}));
  run(op(Type::unreserve, {reserved(kDisk, {"web"})}));
  REQUIRE(net.empty());
}
