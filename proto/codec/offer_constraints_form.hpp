// Offer constraints between their public message and the model. For those who hold protobuf
// messages; any thread.
#pragma once

#include "base/result.hpp"
#include "model/offer_constraints.hpp"
#include "proto/codec/field_path.hpp"

namespace mesos::v1::scheduler {
class OfferConstraints;
}

namespace bourse::codec {

// Patterns are not compiled: the core does that. Null: constrains no role.
Result<OfferConstraintsPtr> read_offer_constraints(
    const mesos::v1::scheduler::OfferConstraints& message, const FieldPath& at);
void write_offer_constraints(const OfferConstraints& constraints,
                             mesos::v1::scheduler::OfferConstraints& out);

}  // namespace bourse::codec
