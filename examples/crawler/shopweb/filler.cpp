#include "examples/crawler/shopweb/filler.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/prng.hpp"

namespace bourse::crawler::shopweb {
namespace {

constexpr std::array<const char*, 24> kWords = {
    "delivery", "returns", "within", "days",   "quality", "our",   "workshop", "since",
    "care",     "machine", "wash",   "gentle", "fit",     "loose", "slim",     "season",
    "new",      "arrival", "made",   "from",   "soft",    "light", "warm",     "everyday"};

std::string words(Prng& prng, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    if (i > 0) out += ' ';
    out += kWords[prng.below(kWords.size())];
  }
  return out;
}

std::string style_block(Prng& prng) {
  std::string out = "<style>";
  for (int i = 0; i < 60; ++i) {
    out += ".m" + std::to_string(prng.below(10'000)) +
           "{display:flex;margin:" + std::to_string(prng.below(40)) + "px;color:#" +
           std::to_string(100 + prng.below(900)) + "}\n";
  }
  return out + "</style>\n";
}

std::string script_block(Prng& prng) {
  std::string out = "<script>\n(function(w){var q=w.q||[];\n";
  for (int i = 0; i < 50; ++i) {
    out += "q.push({t:'" + words(prng, 2) + "',k:" + std::to_string(prng.below(100'000)) +
           ",f:function(a,b){return a<b?a:b;}});\n";
  }
  return out + "})(window);\n</script>\n";
}

std::string text_block(Prng& prng) {
  std::string out = "<div class=\"block m" + std::to_string(prng.below(1'000)) + "\"><h3>" +
                    words(prng, 3) + "</h3>";
  for (int i = 0; i < 3; ++i) out += "<p>" + words(prng, 60) + ".</p>";
  out += "<ul class=\"facts\">";
  for (int i = 0; i < 6; ++i) out += "<li><span class=\"k\">" + words(prng, 3) + "</span></li>";
  return out + "</ul></div>\n";
}

std::string table_block(Prng& prng) {
  std::string out = "<table class=\"sizes\"><tbody>";
  for (int row = 0; row < 12; ++row) {
    out += "<tr>";
    for (int cell = 0; cell < 5; ++cell) {
      out += "<td>" + std::to_string(30 + prng.below(90)) + "</td>";
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table>\n";
}

}  // namespace

Filler::Filler() {
  Prng prng(20'161'201);
  for (int i = 0; i < 64; ++i) {
    switch (i % 5) {
      case 0:
        blocks_.push_back(style_block(prng));
        break;
      case 1:
        blocks_.push_back(script_block(prng));
        break;
      case 2:
        blocks_.push_back(table_block(prng));
        break;
      default:
        blocks_.push_back(text_block(prng));
        break;
    }
  }
}

void Filler::pad(std::string& page, std::uint64_t seed, std::size_t bytes) const {
  page.reserve(bytes + 6'000);
  while (page.size() + 1'000 < bytes) page += blocks_[splitmix64(seed) % blocks_.size()];
}

std::size_t page_bytes(std::uint64_t draw) {
  constexpr double kMedian = 30'000.0;
  constexpr double kSigma = 1.0108;  // exp(sigma^2 / 2) = 5/3, the mean over the median
  constexpr double kLargest = 500'000.0;
  // Box-Muller on two halves of the draw.
  const double u = (static_cast<double>(draw >> 32) + 0.5) / 4'294'967'296.0;
  const double v = static_cast<double>(draw & 0xffffffffU) / 4'294'967'296.0;
  const double normal = std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v);
  return static_cast<std::size_t>(std::min(kMedian * std::exp(kSigma * normal), kLargest));
}

}  // namespace bourse::crawler::shopweb
