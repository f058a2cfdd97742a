#include "examples/crawler/frontier/trap.hpp"

namespace bourse::crawler {

void TrapGuard::saw_page(const std::string& pattern, bool has_item, Digest outlinks) {
  if (families_.size() >= kPatterns && !families_.contains(pattern)) return;
  Family& family = families_[pattern];
  if (has_item) {
    family.gave_item = true;
    family.outlinks.clear();
    return;
  }
  if (family.gave_item || family.outlinks.size() >= kOutlinks) return;
  if (!family.outlinks.insert(outlinks).second) ++family.barren;
}

bool TrapGuard::closed(const std::string& pattern) const {
  const auto it = families_.find(pattern);
  return it != families_.end() && !it->second.gave_item && it->second.barren >= kBarrenPages;
}

bool TrapGuard::gives_items(const std::string& pattern) const {
  const auto it = families_.find(pattern);
  return it != families_.end() && it->second.gave_item;
}

}  // namespace bourse::crawler
