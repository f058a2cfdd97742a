// Filler: the weight of a real page. Shop pages are mostly scripts, styles and boilerplate around
// little content; these blocks are built once, in plain ASCII (so every encoding keeps them), and
// appended by reference to a seeded choice. Any thread may read it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bourse::crawler::shopweb {

class Filler {
 public:
  Filler();

  // Appends blocks chosen by `seed` until `page` has about `bytes`; complete elements only.
  void pad(std::string& page, std::uint64_t seed, std::size_t bytes) const;

 private:
  std::vector<std::string> blocks_;
};

// The size of the page that `draw` names: log-normal with a median of 30 KB and a mean of 50 KB,
// cut at 500 KB.
std::size_t page_bytes(std::uint64_t draw);

}  // namespace bourse::crawler::shopweb
