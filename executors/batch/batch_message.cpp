#include "executors/batch/batch_message.hpp"

#include "proto/codec/frames.hpp"

namespace bourse::batch {

namespace {

enum : std::uint8_t { kHello = 1, kItem = 2, kCancel = 3, kCredit = 4, kResult = 5, kProgress = 6 };

void put(std::uint64_t value, std::string& out) {
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>((value >> shift) & 0xff);
}

bool take(std::string_view& in, std::uint64_t& out) {
  if (in.size() < 8) return false;
  out = 0;
  for (int i = 7; i >= 0; --i) {
    out = (out << 8) | static_cast<unsigned char>(in[static_cast<std::size_t>(i)]);
  }
  in.remove_prefix(8);
  return true;
}

bool take(std::string_view& in, std::uint8_t& out) {
  if (in.empty()) return false;
  out = static_cast<std::uint8_t>(in.front());
  in.remove_prefix(1);
  return true;
}

struct Writer {
  std::string& out;

  void operator()(const Hello& m) const {
    out += static_cast<char>(kHello);
    out += static_cast<char>(m.version);
    out += m.name;
  }
  void operator()(const Item& m) const {
    out += static_cast<char>(kItem);
    put(m.id, out);
    out += m.payload;
  }
  void operator()(const Cancel& m) const {
    out += static_cast<char>(kCancel);
    put(m.id, out);
  }
  void operator()(const Credit& m) const {
    out += static_cast<char>(kCredit);
    put(m.items, out);
    put(m.bytes, out);
  }
  void operator()(const ItemResult& m) const {
    out += static_cast<char>(kResult);
    put(m.id, out);
    out += static_cast<char>(m.ok ? 1 : 0);
    out += m.payload;
  }
  void operator()(const Progress& m) const {
    out += static_cast<char>(kProgress);
    put(m.id, out);
    out += m.payload;
  }
};

}  // namespace

void append_message(const BatchMessage& message, std::string& batch) {
  std::string frame;
  std::visit(Writer{frame}, message);
  codec::append_frame(frame, batch);
}

Result<BatchMessage> decode_message(std::string_view frame) {
  const Error bad = invalid("batch message: " + std::to_string(frame.size()) +
                            " bytes are no message of version 1");
  std::uint8_t type = 0;
  if (!take(frame, type)) return bad;
  std::uint64_t id = 0;
  switch (type) {
    case kHello: {
      Hello hello;
      if (!take(frame, hello.version)) return bad;
      hello.name = frame;
      return BatchMessage(hello);
    }
    case kItem:
      if (!take(frame, id)) return bad;
      return BatchMessage(Item{id, frame});
    case kCancel:
      if (!take(frame, id) || !frame.empty()) return bad;
      return BatchMessage(Cancel{id});
    case kCredit: {
      std::uint64_t bytes = 0;
      if (!take(frame, id) || !take(frame, bytes) || !frame.empty()) return bad;
      return BatchMessage(Credit{id, bytes});
    }
    case kResult: {
      std::uint8_t ok = 0;
      if (!take(frame, id) || !take(frame, ok) || ok > 1) return bad;
      return BatchMessage(ItemResult{id, ok == 1, frame});
    }
    case kProgress:
      if (!take(frame, id)) return bad;
      return BatchMessage(Progress{id, frame});
    default:
      return bad;
  }
}

}  // namespace bourse::batch
