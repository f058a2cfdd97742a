#include "model/gateway_link.hpp"

namespace bourse {

namespace {

void append_number(std::uint64_t number, std::string& to) {
  while (number >= 0x80) {
    to += static_cast<char>(number | 0x80);
    number >>= 7;
  }
  to += static_cast<char>(number);
}

// Takes a number off the front; false: there is none in its shortest form.
bool take_number(std::string_view& from, std::uint64_t& number) {
  number = 0;
  for (std::size_t i = 0; i < from.size() && i < 10; ++i) {
    const auto byte = static_cast<unsigned char>(from[i]);
    if (i == 9 && byte > 1) return false;
    number |= std::uint64_t{byte & 0x7fu} << (7 * i);
    if ((byte & 0x80u) != 0) continue;
    from.remove_prefix(i + 1);
    return byte != 0 || i == 0;
  }
  return false;
}

bool is_about_a_peer(Envelope::Kind kind) {
  return kind < Envelope::Kind::welcome || kind > Envelope::Kind::pong;
}

}  // namespace

void append_envelope(const Envelope& envelope, std::string& to) {
  to += static_cast<char>(envelope.kind);
  append_number(envelope.channel, to);
  append_number(envelope.bytes.size(), to);
  to += envelope.bytes;
}

Result<std::vector<Envelope>> decode_envelopes(std::string_view message) {
  std::vector<Envelope> out;
  while (!message.empty()) {
    if (out.size() == limits::kMaxEnvelopes) {
      return invalid("more than " + std::to_string(limits::kMaxEnvelopes) +
                     " envelopes in one message");
    }
    const auto kind = static_cast<std::uint8_t>(message.front());
    message.remove_prefix(1);
    if (kind == 0 || kind > Envelope::kKinds) {
      return invalid("envelope of kind " + std::to_string(kind) + ": 1 to " +
                     std::to_string(Envelope::kKinds) + " are known");
    }
    Envelope envelope{static_cast<Envelope::Kind>(kind)};
    std::uint64_t size = 0;
    if (!take_number(message, envelope.channel) || !take_number(message, size)) {
      return invalid("envelope whose channel or length is no number in its shortest form");
    }
    if ((envelope.channel != 0) != is_about_a_peer(envelope.kind)) {
      return invalid("envelope of kind " + std::to_string(kind) + " for channel " +
                     std::to_string(envelope.channel));
    }
    if (size > message.size()) {
      return invalid("envelope of " + std::to_string(size) + " bytes of which " +
                     std::to_string(message.size()) + " came");
    }
    envelope.bytes = message.substr(0, size);
    message.remove_prefix(size);
    out.push_back(envelope);
  }
  return out;
}

}  // namespace bourse
