// TrapGuard: notices endless families of pages of one host: calendars, filters that combine, search
// results without end. Pages of one pattern (url.hpp) that bring no item and whose links to other
// kinds of pages repeat those of a page of the same pattern are barren; after enough of them the
// pattern is closed. Catalogue pages each link other items, so they never are; a pattern that ever
// gave an item is never closed. Value; one owner; part of the frontier's core.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "base/digest.hpp"

namespace bourse::crawler {

class TrapGuard {
 public:
  static constexpr std::uint32_t kBarrenPages = 8;

  void saw_page(const std::string& pattern, bool has_item, Digest outlinks);
  bool closed(const std::string& pattern) const;
  bool gives_items(const std::string& pattern) const;

 private:
  static constexpr std::size_t kPatterns = 10'000;
  static constexpr std::size_t kOutlinks = 10'000;

  struct Family {
    bool gave_item = false;
    std::uint32_t barren = 0;
    std::set<Digest> outlinks;
  };
  std::map<std::string, Family> families_;
};

}  // namespace bourse::crawler
