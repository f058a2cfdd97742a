#include "master/record/state_image.hpp"

#include <bit>

#include "master/record/image.hpp"

namespace bourse::master {

namespace image {

template <typename Tag, typename Rep>
struct Form<Id<Tag, Rep>> {
  static void write(Writer& to, const Id<Tag, Rep>& value) { image::write(to, value.raw()); }
  static void read(Reader& from, Id<Tag, Rep>& value) {
    Rep raw{};
    image::read(from, raw);
    value = Id<Tag, Rep>(std::move(raw));
  }
  static void shape(Fingerprint& fp) { shape_as<Rep>(fp, "id"); }
};

template <>
struct Form<Blob> {
  static void write(Writer& to, const Blob& value) { to.bytes.text(value.bytes()); }
  static void read(Reader& from, Blob& value) {
    const std::string_view bytes = from.bytes.text();
    value = bytes.empty() ? Blob() : Blob(std::string(bytes));
  }
  static void shape(Fingerprint& fp) { shape_as<>(fp, "blob"); }
};

// What the codec left with a value is made again when it is wanted.
template <>
struct Form<Memo> {
  static void write(Writer&, const Memo&) {}
  static void read(Reader&, Memo&) {}
  static void shape(Fingerprint&) {}
};

// Its pattern is compiled again from its text.
template <>
struct Form<AttributeConstraint> {
  static void write(Writer& to, const AttributeConstraint& value) {
    image::write(to, value.of);
    image::write(to, value.name);
    image::write(to, value.test);
    image::write(to, value.text);
  }
  static void read(Reader& from, AttributeConstraint& value) {
    image::read(from, value.of);
    image::read(from, value.name);
    image::read(from, value.test);
    image::read(from, value.text);
    using Test = AttributeConstraint::Test;
    if (value.test != Test::matches && value.test != Test::not_matches) return;
    auto pattern = Pattern::compile(value.text, kConstraintPatternBounds);
    if (!pattern) return from.bytes.fail();
    value.pattern = *pattern;
  }
  static void shape(Fingerprint& fp) { shape_as<std::string, std::string>(fp, "constraint"); }
};

template <>
struct Form<SharedValue<std::string>> {
  static void write(Writer& to, const SharedValue<std::string>& value) { to.bytes.text(*value); }
  static void read(Reader& from, SharedValue<std::string>& value) {
    value = SharedValue<std::string>(std::string(from.bytes.text()));
  }
  static void shape(Fingerprint& fp) { shape_as<>(fp, "text"); }
};

template <>
struct Form<SharedStatus> {
  static void write(Writer& to, const SharedStatus& value) {
    to.bytes.flag(static_cast<bool>(value));
    if (value) image::write(to, *value);
  }
  static void read(Reader& from, SharedStatus& value) {
    value = SharedStatus();
    if (!from.bytes.flag()) return;
    TaskStatus status;
    image::read(from, status);
    value = SharedStatus(std::move(status));
  }
  static void shape(Fingerprint& fp) { shape_as<TaskStatus>(fp, "status"); }
};

template <>
struct Form<IntervalSet> {
  static void write(Writer& to, const IntervalSet& value) { image::write(to, value.ranges()); }
  static void read(Reader& from, IntervalSet& value) {
    value = IntervalSet();
    std::vector<Interval> ranges;
    image::read(from, ranges);
    for (const Interval& range : ranges) {
      if (range.begin > range.end) return from.bytes.fail();
      value.add(range.begin, range.end);
    }
  }
  static void shape(Fingerprint& fp) { shape_as<std::vector<Interval>>(fp, "intervals"); }
};

// Copies share their list, and whoever asks whether two are the same may not have to look: so each
// list is written once, and all that shared it share it again.
template <>
struct Form<Resources> {
  static void write(Writer& to, const Resources& value) {
    if (value.empty()) return to.bytes.number(0);
    const auto [number, fresh] = to.number_of<Resources>(&value.list());
    to.bytes.number(number);
    if (fresh) image::write(to, value.list());
  }
  static void read(Reader& from, Resources& value) {
    const auto list = from.thing<Resources>([&](Resources& made) {
      std::vector<Resource> rows;
      image::read(from, rows);
      made = Resources(rows);
    });
    value = list ? *list : Resources();
  }
  static void shape(Fingerprint& fp) { shape_as<std::vector<Resource>>(fp, "resources"); }
};

// Both ends of a link hold one number, which only arrivals and departures change.
template <typename End>
struct LinkEndForm {
  static_assert(sizeof(End) == sizeof(std::uint64_t) && std::is_trivially_copyable_v<End>);
  static void write(Writer& to, const End& value) { to.bytes.number(value.last()); }
  static void read(Reader& from, End& value) { value = std::bit_cast<End>(from.bytes.number()); }
  static void shape(Fingerprint& fp) { shape_as<>(fp, "link"); }
};
template <>
struct Form<LinkReceiver> : LinkEndForm<LinkReceiver> {};
template <>
struct Form<LinkSender> : LinkEndForm<LinkSender> {};

template <typename Key>
struct Form<DeadlineQueue<Key>> {
  static void write(Writer& to, const DeadlineQueue<Key>& value) {
    to.bytes.number(value.size());
    DeadlineQueue<Key> left = value;
    while (!left.empty()) {
      image::write(to, left.next());
      image::write(to, *left.pop_due(Instant::max()));
    }
  }
  static void read(Reader& from, DeadlineQueue<Key>& value) {
    value = DeadlineQueue<Key>();
    for (std::size_t left = from.bytes.count(); left > 0 && from.bytes.ok(); --left) {
      Instant at;
      Key key;
      image::read(from, at);
      image::read(from, key);
      value.arm(key, at);
    }
  }
  static void shape(Fingerprint& fp) { shape_as<Instant, Key>(fp, "deadlines"); }
};

// Which index is used next is part of the table: the names of slots to come depend on it.
template <typename Tag, typename T>
struct Form<SlotMap<Tag, T>> {
  static void write(Writer& to, const SlotMap<Tag, T>& value) {
    image::write(to, value.generations());
    image::write(to, value.free_indices());
    value.for_each([&](Slot<Tag> slot, const T& one) {
      image::write(to, slot.index);
      image::write(to, one);
    });
  }
  static void read(Reader& from, SlotMap<Tag, T>& value) {
    std::vector<std::uint32_t> generations;
    std::vector<std::uint32_t> free;
    image::read(from, generations);
    image::read(from, free);
    if (free.size() > generations.size()) return from.bytes.fail();
    std::vector<std::pair<std::uint32_t, T>> live;
    for (std::size_t left = generations.size() - free.size(); left > 0 && from.bytes.ok(); --left) {
      auto& [index, one] = live.emplace_back();
      image::read(from, index);
      image::read(from, one);
    }
    if (!from.bytes.ok()) return;
    auto table = SlotMap<Tag, T>::assemble(generations, std::move(free), std::move(live));
    if (!table) return from.bytes.fail();
    value = std::move(*table);
  }
  static void shape(Fingerprint& fp) { shape_as<T>(fp, "slots"); }
};

// Made again from the offers themselves.
template <>
struct Form<NumberMap<OfferSlot>> {
  static void write(Writer&, const NumberMap<OfferSlot>&) {}
  static void read(Reader&, NumberMap<OfferSlot>& value) { value.clear(); }
  static void shape(Fingerprint&) {}
};

}  // namespace image

std::string encode_state(const MasterState& state) {
  std::string out;
  image::Writer writer{ByteWriter(out)};
  image::write(writer, state);
  return out;
}

Result<MasterState> decode_state(std::string_view bytes) {
  image::Reader reader{ByteReader(bytes)};
  MasterState state;
  image::read(reader, state);
  const auto corrupt = [](const char* why) {
    return Error{ErrorCode::corrupt, std::string("the image of a state ") + why};
  };
  if (!reader.bytes.done()) return corrupt("does not parse");
  bool twice = false;
  state.offers.for_each([&](OfferSlot slot, const Offer& offer) {
    const std::uint64_t key = offer.number + 1;
    twice = twice || key == 0 || state.offer_of.find(key) != nullptr;
    if (!twice) state.offer_of.insert(key, slot);
  });
  if (twice) return corrupt("has two offers of one number");
  return state;
}

std::uint64_t state_shape() {
  static const std::uint64_t shape = [] {
    Fingerprint fp;
    image::shape<MasterState>(fp);
    return fp.value();
  }();
  return shape;
}

}  // namespace bourse::master
