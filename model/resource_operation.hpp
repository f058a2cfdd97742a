// ResourceOperation: what changes the meaning of an agent's resources and never their amount: a
// reservation is made or taken away, disk becomes a volume or disk again. Master, agent and
// simulator apply it by the same functions: what it consumes leaves a total, what it converts that
// to enters. Errors are sentences that name the field. Values, pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/ids.hpp"
#include "model/resources.hpp"

namespace bourse {

struct ResourceOperation {
  enum class Type : std::uint8_t {  // as on the wire
    reserve = 2,
    unreserve = 3,
    create = 4,
    destroy = 5,
    grow_volume = 11,
    shrink_volume = 12,
  };

  Type type = Type::reserve;
  Resources resources;              // the reserved ones; the volumes; the volume
  Resources extra;                  // reserve: the source, or nothing; grow_volume: the addition
  std::int64_t subtract_milli = 0;  // shrink_volume

  bool operator==(const ResourceOperation&) const = default;
};
std::string_view name_of(ResourceOperation::Type type);  // "RESERVE"

// One on its way to an agent: its uuid tells a repeat.
struct OperationOrder {
  Uuid uuid;
  FrameworkId framework_id;  // empty: an operator's
  OperationId id;            // empty: no feedback wanted
  std::string role;          // it was offered for; empty: an operator's
  ResourceOperation operation;

  bool operator==(const OperationOrder&) const = default;
};

struct Conversion {
  Resources consumed;
  Resources converted;

  bool operator==(const Conversion&) const = default;
};

// What it does, if it makes sense by itself.
Result<Conversion> conversion_of(const ResourceOperation& operation);

// Who asks for it.
struct OperationScope {
  std::string principal;       // empty: nobody said; else reservations and volumes must name it
  std::string role;            // of the offer; empty: an operator asks
  bool shared_volumes = true;  // the framework knows them
};
// Whether such a one may ask for it.
Status check_scope(const ResourceOperation& operation, const OperationScope& scope);

// Changes the total, or says why it cannot (and changes nothing): it does not hold what is
// consumed, a persistence id is taken, the agent would have too many kinds of resources.
Status convert(Resources& total, const Conversion& conversion);

// All conversions of an agent together: what is lacking of what it is configured for, and what
// there is instead.
struct NetConversion {
  Resources taken;
  Resources made;

  bool empty() const { return taken.empty() && made.empty(); }
  void add(const Conversion& conversion);
  // The total of an agent that is configured so. conflict: it has too little for what was made of
  // it.
  Result<Resources> over(const Resources& configured) const;
  bool operator==(const NetConversion&) const = default;
};

// Whether there is as much of every name, whatever it means.
bool same_amounts(const Resources& a, const Resources& b);

// A persistent volume.
bool is_volume(const Resource& resource);

}  // namespace bourse
