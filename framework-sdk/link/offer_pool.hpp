// OfferPool: what the offers of one accept hold, while its operations and tasks are worked out: a
// task's plain amounts are taken of what is reserved first, and an operation changes what is left.
// Private to the SDK; a value, pure.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "bourse/types.hpp"
#include "model/resource_operation.hpp"
#include "model/resources.hpp"

namespace bourse::sdk {

class OfferPool {
 public:
  // `principal`: the framework's, named by what it reserves and makes.
  OfferPool(std::string role, std::string principal)
      : role_(std::move(role)), principal_(std::move(principal)) {}

  void add(const bourse::Resources& offered);
  // Of what is reserved first. What is not there is asked for all the same: the master says so.
  // `lent`: of what may be taken back, wherever the offers have any of that name.
  bourse::Resources take(const bourse::Resources& amounts, bool lent = false);
  // A volume that a task shall have. not_found: none of that id is here.
  Result<bourse::Resources> take(const Volume& volume);
  // Works the operation out, and changes what is left as it will.
  Result<ResourceOperation> apply(const Operation& operation);

 private:
  Result<ResourceOperation> form(const Operation& operation) const;
  Result<bourse::Resource> find(const Volume& volume) const;
  bourse::Resources take_lent(bourse::Resource wanted) const;
  Result<bourse::Resources> reserved_amounts(const Operation& operation) const;
  Result<ResourceOperation> reserved_again(const Operation& operation) const;
  Result<bourse::Resource> made(const Volume& volume) const;

  std::string role_;
  std::string principal_;
  bourse::Resources left_;
  std::map<std::string, std::shared_ptr<const ResourceMeta>> lent_;  // what the offers lend any of
};

}  // namespace bourse::sdk
