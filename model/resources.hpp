// Resources: what an agent has, an offer holds and a task uses, with exact arithmetic.
//
// A Resource is an amount (scalar in thousandths, ranges, or a set of items) of a name, together
// with what makes it different from others of that name: its reservation stack, disk and volume,
// shared, revocable, provider (ResourceMeta). Amounts add up only within equal (name, meta).
// Doubles exist only in proto/codec; here every scalar is an int64 in thousandths (`milli`): cpus
// 0.5 is 500, mem is in thousandths of a megabyte.
//
// Which role an offer or task holds a resource FOR (Mesos' allocation_info) is not part of a
// resource: it belongs to the offer or task, and the codec writes it where the wire wants it.
//
// A persistent volume and a mounted disk are whole: a part of one is not contained in it.
//
// A shared resource (a shared volume) is counted in copies: every holder has one copy of the same
// thing. Values; a copy of Resources shares its list until one of the two is changed, so offers,
// rows and Changes carry them for the price of a pointer. One owner per thread.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fingerprint.hpp"
#include "base/interval_set.hpp"
#include "base/memo.hpp"
#include "base/result.hpp"
#include "base/shared_value.hpp"

namespace bourse {

struct Label {
  std::string key;
  std::optional<std::string> value;

  auto operator<=>(const Label&) const = default;
};

struct Reservation {
  enum class Type : std::uint8_t { statically = 1, dynamically = 2 };  // as on the wire

  Type type = Type::dynamically;
  std::string role;
  std::string principal;  // empty: none given
  std::vector<Label> labels;

  auto operator<=>(const Reservation&) const = default;
};

struct DiskSource {
  enum class Type : std::uint8_t { path = 1, mount = 2, block = 3, raw = 4 };  // as on the wire

  Type type = Type::path;
  std::string root;
  std::string id;
  std::string profile;
  std::string vendor;
  std::vector<Label> metadata;

  auto operator<=>(const DiskSource&) const = default;
};

struct Disk {
  std::string persistence_id;  // empty: no persistent volume
  std::string persistence_principal;
  std::string volume_path;  // container path; empty: no volume
  bool volume_read_only = false;
  std::optional<DiskSource> source;

  auto operator<=>(const Disk&) const = default;
};

struct ResourceMeta {
  std::vector<Reservation> reservations;  // a stack: the last entry is the innermost refinement
  std::optional<Disk> disk;
  std::string provider_id;
  bool revocable = false;
  bool shared = false;

  auto operator<=>(const ResourceMeta&) const = default;
};

struct Resource {
  enum class Kind : std::uint8_t { scalar = 0, ranges = 1, set = 2 };  // as on the wire

  std::string name;
  Kind kind = Kind::scalar;
  std::int64_t scalar_milli = 0;
  IntervalSet ranges;
  std::vector<std::string> items;            // sorted, unique
  std::shared_ptr<const ResourceMeta> meta;  // null: unreserved, plain
  std::int32_t copies = 1;                   // only shared resources ever have more than one

  static Resource scalar(std::string name, std::int64_t milli);
  static Resource of_ranges(std::string name, IntervalSet ranges);
  static Resource of_set(std::string name, std::vector<std::string> items);

  Resource with(ResourceMeta new_meta) const;

  bool empty() const;
  bool is_reserved() const { return meta && !meta->reservations.empty(); }
  bool is_revocable() const { return meta && meta->revocable; }
  bool is_shared() const { return meta && meta->shared; }
  // The role this is reserved for ("*" when unreserved).
  std::string_view role() const;

  bool operator==(const Resource& other) const;
};

// A reservation for `reserved` may be used by frameworks in `role`: the same role or one below it.
bool role_may_use(std::string_view role, std::string_view reserved);

class Resources {
 public:
  Resources() = default;
  // Any order, repeats and empties allowed; sorted and merged.
  explicit Resources(const std::vector<Resource>& list);

  // "cpus:4;mem:1024;ports:[31000-32000];disks:{a,b}" with "cpus(role):2" for static reservations.
  static Result<Resources> parse(std::string_view text);

  bool empty() const { return body_->list.empty(); }
  // Sorted by (name, meta, kind); no empties; at most one entry of each.
  const std::vector<Resource>& list() const { return body_->list; }
  // A copy of it, neither changed since: equal without looking.
  bool same_as(const Resources& other) const { return body_.same_as(other.body_); }
  // Hints that it will be looked at soon.
  void prefetch() const { body_.prefetch(); }
  // For the codec: the list's form on the wire, as far as it is the same for everybody. Goes with
  // the list to every copy of these resources and is forgotten when they change.
  const Memo& wire_form() const { return body_->wire_form; }

  void add(const Resource& resource);
  void add(const Resources& other);
  bool contains(const Resource& resource) const;
  bool contains(const Resources& other) const;
  // Whether all these are in it at once, where no two of them have an entry in common: in constant
  // memory, for what most offers are. False where two do, whatever is in it.
  bool contains_apart(const std::vector<Resources>& parts) const;
  // REQUIRES contains(other).
  void subtract(const Resources& other);
  // Takes away what is there and says what was missing: for an agent that came back with less.
  Resources subtract_up_to(const Resources& other);

  // Sum over all entries of that name, whatever their meta. Saturates.
  std::int64_t scalar_milli(std::string_view name) const;
  IntervalSet ranges(std::string_view name) const;

  Resources unreserved() const;
  // What a framework in `role` may be offered: unreserved and reserved for the role or one above
  // it.
  Resources usable_by(std::string_view role) const;
  Resources revocable() const;
  Resources non_revocable() const;
  Resources shared() const;
  Resources non_shared() const;

  // For people and error messages: "cpus:0.5; mem:64; ports:[31000-31002]; cpus(web):2".
  std::string to_text() const;
  void fingerprint(Fingerprint& fp) const;

  bool operator==(const Resources& other) const;

 private:
  template <typename Keep>
  Resources filtered(Keep keep) const;
  const Resource* find(const Resource& like) const;
  std::vector<Resource>& edit();
  Resources take_one(const Resource& want);  // subtract_up_to of one entry. REQUIRES body_.alone()

  struct Body {
    std::vector<Resource> list;
    Memo wire_form;
  };
  SharedValue<Body> body_;
};

// Text of thousandths: 500 -> "0.5", 64000 -> "64".
std::string milli_text(std::int64_t milli);

}  // namespace bourse
