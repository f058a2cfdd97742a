// The naive reference of the allocator: the rules of docs/decisions/0006-allocator-rules.md, word
// for word and without any cleverness. It sorts all claims again after every grant, asks every
// claim in order about every part, and compares shares with Euclid's algorithm. It shares with the
// allocator only the tables it reads, the shuffle and the tie-break.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "master/allocator/allocate.hpp"

namespace bourse::allocator::reference {

struct Answer {
  std::vector<Grant> grants;  // first_part counts as in Output
  std::vector<std::uint32_t> granted_parts;
  std::vector<std::vector<std::int64_t>> rows;        // of each granted part
  std::vector<std::vector<std::uint32_t>> met;        // of each grant, what it meets of a demand
  std::map<std::uint32_t, std::vector<Sum>> counted;  // by claim: of its grants, what quotas count
  std::map<std::uint32_t, RefusalCounts> refusals;    // by claim
};

Answer allocate(const Input& input);

// a / b compared with c / d for any b, d > 0, without multiplying: -1, 0, 1.
int compare_fractions(Sum a, Sum b, Sum c, Sum d);

}  // namespace bourse::allocator::reference
