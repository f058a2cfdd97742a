// A value as bytes, field by field, for every type that a core's state is made of: aggregates
// through Boost.PFR, so that no field can be forgotten; classes that keep their fields to
// themselves through their members(); the rest by name, below. Private to the room.
//
// What is shared stays shared: descriptions and lists of resources are written once and then named
// by their number.
#pragma once

#include <algorithm>
#include <array>
#include <boost/pfr.hpp>
#include <concepts>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/fingerprint.hpp"
#include "master/record/bytes.hpp"

namespace bourse::master::image {

// The address of one of these stands for a type.
template <typename T>
inline constexpr char kTag = 0;

struct Writer {
  ByteWriter bytes;
  std::unordered_map<const void*, std::unordered_map<const void*, std::uint64_t>> numbers{};

  // The number of a shared thing, from 1, and whether it is new.
  template <typename T>
  std::pair<std::uint64_t, bool> number_of(const void* thing) {
    auto& known = numbers[&kTag<T>];
    const auto [it, inserted] = known.try_emplace(thing, known.size() + 1);
    return {it->second, inserted};
  }
};

struct Reader {
  ByteReader bytes;
  std::unordered_map<const void*, std::vector<std::shared_ptr<const void>>> things{};

  // The thing that is written next: known already, or read by `make`. Null: number 0, or damage.
  template <typename T, typename Make>
  std::shared_ptr<const T> thing(Make make) {
    const std::uint64_t number = bytes.number();
    if (number == 0) return nullptr;
    const std::size_t known = things[&kTag<T>].size();
    if (number > known + 1) bytes.fail();
    if (!bytes.ok()) return nullptr;
    if (number <= known) {
      return std::static_pointer_cast<const T>(things[&kTag<T>][number - 1]);
    }
    // Its number is taken before it is read: it may hold others of its kind.
    things[&kTag<T>].push_back(nullptr);
    auto made = std::make_shared<T>();
    make(*made);
    things[&kTag<T>][known] = made;
    return made;
  }
};

// How a T is written: write, read and shape, which says how it would be.
template <typename T>
struct Form;

template <typename T>
void write(Writer& to, const T& value) {
  Form<T>::write(to, value);
}
template <typename T>
void read(Reader& from, T& value) {
  Form<T>::read(from, value);
}
template <typename T>
void shape(Fingerprint& fp) {
  Form<T>::shape(fp);
}

// A class names its fields as pointers to them.
template <typename T>
concept NamesMembers = requires {
  T::members();
};

template <typename T>
struct Form {
  static void write(Writer& to, const T& value) {
    if constexpr (std::is_enum_v<T>) {
      to.bytes.number(static_cast<std::uint64_t>(value));
    } else if constexpr (std::same_as<T, bool>) {
      to.bytes.flag(value);
    } else if constexpr (std::signed_integral<T>) {
      to.bytes.signed_number(value);
    } else if constexpr (std::unsigned_integral<T>) {
      to.bytes.number(value);
    } else if constexpr (NamesMembers<T>) {
      std::apply([&](auto... member) { (image::write(to, value.*member), ...); }, T::members());
    } else {
      static_assert(std::is_aggregate_v<T>, "say how this type is written");
      boost::pfr::for_each_field(value, [&](const auto& field) { image::write(to, field); });
    }
  }
  static void read(Reader& from, T& value) {
    if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(from.bytes.number());
    } else if constexpr (std::same_as<T, bool>) {
      value = from.bytes.flag();
    } else if constexpr (std::signed_integral<T>) {
      value = static_cast<T>(from.bytes.signed_number());
    } else if constexpr (std::unsigned_integral<T>) {
      value = static_cast<T>(from.bytes.number());
    } else if constexpr (NamesMembers<T>) {
      std::apply([&](auto... member) { (image::read(from, value.*member), ...); }, T::members());
    } else {
      boost::pfr::for_each_field(value, [&](auto& field) { image::read(from, field); });
    }
  }
  static void shape(Fingerprint& fp) {
    if constexpr (std::is_enum_v<T> || std::integral<T>) {
      fp.add(static_cast<std::uint64_t>(sizeof(T) * 2 + (std::is_signed_v<T> ? 1 : 0)));
    } else if constexpr (NamesMembers<T>) {
      std::apply(
          [&](auto... member) {
            fp.add(static_cast<std::uint64_t>(sizeof...(member)));
            (image::shape<std::remove_cvref_t<decltype(std::declval<T&>().*member)>>(fp), ...);
          },
          T::members());
    } else {
      fp.add(static_cast<std::uint64_t>(boost::pfr::tuple_size_v<T>));
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        (image::shape<boost::pfr::tuple_element_t<I, T>>(fp), ...);
      }
      (std::make_index_sequence<boost::pfr::tuple_size_v<T>>{});
    }
  }
};

template <typename... Inner>
void shape_as(Fingerprint& fp, std::string_view name) {
  fp.add(name);
  (image::shape<std::remove_cv_t<Inner>>(fp), ...);
}

template <>
struct Form<std::string> {
  static void write(Writer& to, const std::string& value) { to.bytes.text(value); }
  static void read(Reader& from, std::string& value) { value = from.bytes.text(); }
  static void shape(Fingerprint& fp) { shape_as<>(fp, "text"); }
};

template <>
struct Form<unsigned __int128> {
  static void write(Writer& to, unsigned __int128 value) {
    to.bytes.number(static_cast<std::uint64_t>(value));
    to.bytes.number(static_cast<std::uint64_t>(value >> 64));
  }
  static void read(Reader& from, unsigned __int128& value) {
    value = from.bytes.number();
    value |= static_cast<unsigned __int128>(from.bytes.number()) << 64;
  }
  static void shape(Fingerprint& fp) { shape_as<>(fp, "sum"); }
};

template <typename T>
struct Form<std::optional<T>> {
  static void write(Writer& to, const std::optional<T>& value) {
    to.bytes.flag(value.has_value());
    if (value) image::write(to, *value);
  }
  static void read(Reader& from, std::optional<T>& value) {
    value.reset();
    if (from.bytes.flag()) image::read(from, value.emplace());
  }
  static void shape(Fingerprint& fp) { shape_as<T>(fp, "optional"); }
};

template <typename A, typename B>
struct Form<std::pair<A, B>> {
  static void write(Writer& to, const std::pair<A, B>& value) {
    image::write(to, value.first);
    image::write(to, value.second);
  }
  static void read(Reader& from, std::pair<A, B>& value) {
    image::read(from, value.first);
    image::read(from, value.second);
  }
  static void shape(Fingerprint& fp) { shape_as<A, B>(fp, "pair"); }
};

template <typename... Ts>
struct Form<std::variant<Ts...>> {
  static void write(Writer& to, const std::variant<Ts...>& value) {
    to.bytes.number(value.index());
    std::visit([&](const auto& one) { image::write(to, one); }, value);
  }
  static void read(Reader& from, std::variant<Ts...>& value) {
    const std::uint64_t index = from.bytes.number();
    if (index >= sizeof...(Ts)) return from.bytes.fail();
    std::uint64_t at = 0;
    ((at++ == index ? image::read(from, value.template emplace<Ts>()) : void()), ...);
  }
  static void shape(Fingerprint& fp) { shape_as<Ts...>(fp, "variant"); }
};

template <typename T, std::size_t N>
struct Form<std::array<T, N>> {
  static void write(Writer& to, const std::array<T, N>& value) {
    for (const T& one : value) image::write(to, one);
  }
  static void read(Reader& from, std::array<T, N>& value) {
    for (T& one : value) image::read(from, one);
  }
  static void shape(Fingerprint& fp) {
    fp.add(static_cast<std::uint64_t>(N));
    shape_as<T>(fp, "array");
  }
};

// What stands in a row: vector and deque.
template <typename Row>
struct RowForm {
  using T = typename Row::value_type;
  static void write(Writer& to, const Row& value) {
    to.bytes.number(value.size());
    for (const T& one : value) image::write(to, one);
  }
  static void read(Reader& from, Row& value) {
    value.clear();
    for (std::size_t left = from.bytes.count(); left > 0 && from.bytes.ok(); --left) {
      image::read(from, value.emplace_back());
    }
  }
  static void shape(Fingerprint& fp) { shape_as<T>(fp, "row"); }
};
template <typename T>
struct Form<std::vector<T>> : RowForm<std::vector<T>> {};
template <typename T>
struct Form<std::deque<T>> : RowForm<std::deque<T>> {};

template <>
struct Form<std::vector<bool>> {
  static void write(Writer& to, const std::vector<bool>& value) {
    to.bytes.number(value.size());
    for (const bool one : value) to.bytes.flag(one);
  }
  static void read(Reader& from, std::vector<bool>& value) {
    value.clear();
    for (std::size_t left = from.bytes.count(); left > 0; --left) {
      value.push_back(from.bytes.flag());
    }
  }
  static void shape(Fingerprint& fp) { shape_as<>(fp, "flags"); }
};

template <typename T>
struct Form<std::set<T>> {
  static void write(Writer& to, const std::set<T>& value) {
    to.bytes.number(value.size());
    for (const T& one : value) image::write(to, one);
  }
  static void read(Reader& from, std::set<T>& value) {
    value.clear();
    for (std::size_t left = from.bytes.count(); left > 0 && from.bytes.ok(); --left) {
      T one{};
      image::read(from, one);
      value.insert(std::move(one));
    }
  }
  static void shape(Fingerprint& fp) { shape_as<T>(fp, "set"); }
};

// In the order of the keys, which a hash table does not have: equal tables give equal bytes.
template <typename Table>
struct TableForm {
  using Key = typename Table::key_type;
  using Value = typename Table::mapped_type;
  static void write(Writer& to, const Table& value) {
    std::vector<const typename Table::value_type*> rows;
    rows.reserve(value.size());
    for (const auto& row : value) rows.push_back(&row);
    std::sort(rows.begin(), rows.end(),
              [](const auto* a, const auto* b) { return a->first < b->first; });
    to.bytes.number(rows.size());
    for (const auto* row : rows) {
      image::write(to, row->first);
      image::write(to, row->second);
    }
  }
  static void read(Reader& from, Table& value) {
    value.clear();
    for (std::size_t left = from.bytes.count(); left > 0 && from.bytes.ok(); --left) {
      Key key{};
      image::read(from, key);
      image::read(from, value[std::move(key)]);
    }
  }
  static void shape(Fingerprint& fp) { shape_as<Key, Value>(fp, "table"); }
};
template <typename K, typename V, typename... More>
struct Form<std::map<K, V, More...>> : TableForm<std::map<K, V, More...>> {};
template <typename K, typename V, typename... More>
struct Form<std::unordered_map<K, V, More...>> : TableForm<std::unordered_map<K, V, More...>> {};

template <typename T>
struct Form<std::shared_ptr<const T>> {
  static void write(Writer& to, const std::shared_ptr<const T>& value) {
    if (value == nullptr) return to.bytes.number(0);
    const auto [number, fresh] = to.number_of<T>(value.get());
    to.bytes.number(number);
    if (fresh) image::write(to, *value);
  }
  static void read(Reader& from, std::shared_ptr<const T>& value) {
    value = from.thing<T>([&](T& made) { image::read(from, made); });
  }
  static void shape(Fingerprint& fp) { shape_as<T>(fp, "shared"); }
};

}  // namespace bourse::master::image
