// Digest: 128 bits that name a byte string; equality of two descriptions is equality of digests.
// Not a defence against an author who wants two contents to collide: where that matters (images,
// artifacts) SHA-256 is used instead. Blob: immutable shared bytes with their digest; copying one
// copies a pointer, so a core's state stays a cheap plain value. Any thread may read a Blob.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace bourse {

struct Digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  auto operator<=>(const Digest&) const = default;
};

// Two independently keyed lanes of the Fingerprint mixing. Equal on every machine.
Digest digest_of(std::string_view bytes);

class Blob {
 public:
  Blob() = default;
  explicit Blob(std::string bytes)
      : body_(std::make_shared<const Body>(Body{digest_of(bytes), std::move(bytes)})) {}

  bool empty() const { return body_ == nullptr || body_->bytes.empty(); }
  std::string_view bytes() const {
    return body_ ? std::string_view(body_->bytes) : std::string_view();
  }
  Digest digest() const { return body_ ? body_->digest : Digest{}; }

  bool operator==(const Blob& other) const { return digest() == other.digest(); }

 private:
  struct Body {
    Digest digest;
    std::string bytes;
  };
  std::shared_ptr<const Body> body_;
};

}  // namespace bourse
