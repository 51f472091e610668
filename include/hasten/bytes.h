// Values as bytes, for worker processes and for the disk: encode(value), decode<T>(bytes).
//
// Numbers, enumerations and other trivially copyable types (but pointers and views, whose memory stays behind), std::string, std::vector,
// std::optional, std::pair, std::tuple, std::map and std::unordered_map of these. Other types get a specialisation of hasten::Codec:
//
//   template <> struct hasten::Codec<Person> {
//     static void write(Writer& to, const Person& person) { to.put(person.name); to.put(person.age); }
//     static Person read(Reader& from) { auto name = from.get<std::string>(); return {name, from.get<int>()}; }
//   };
//
// The bytes are those of this machine and this program: byte order, sizes and layouts are not translated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hasten/base/export.h"
#include "hasten/errors.h"

namespace hasten {

// Bytes that are no value of the type that was asked for.
class HASTEN_API BadBytes : public Error {
public:
  BadBytes() : Error("these bytes are no value of that type: they end too early, or too late") {}
};

template <class T> struct Codec;

class Writer {
public:
  template <class T> void put(const T& value) { Codec<T>::write(*this, value); }
  void put_raw(const void* data, size_t size) { bytes_.append(static_cast<const char*>(data), size); }
  std::string take() { return std::move(bytes_); }

private:
  std::string bytes_;
};

// Reads what a Writer wrote; throws BadBytes where that can't be. The bytes must outlive it.
class Reader {
public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <class T> T get() { return Codec<T>::read(*this); }
  std::string_view get_raw(size_t size) {
    if (size > bytes_.size()) {
      throw BadBytes();
    }
    const std::string_view found = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return found;
  }
  void copy_raw(void* into, size_t size) {
    const std::string_view found = get_raw(size);
    if (size > 0) {
      std::memcpy(into, found.data(), found.size());
    }
  }
  // How many items follow, each of at least so many bytes: never more than there can be.
  size_t get_count(size_t least_bytes) {
    const auto count = get<uint64_t>();
    if (least_bytes > 0 && count > bytes_.size() / least_bytes) {
      throw BadBytes();
    }
    return static_cast<size_t>(count);
  }
  size_t left() const { return bytes_.size(); }

private:
  std::string_view bytes_;
};

template <class T> std::string encode(const T& value) {
  Writer writer;
  writer.put(value);
  return writer.take();
}

template <class T> T decode(std::string_view bytes) {
  Reader reader(bytes);
  T value = reader.get<T>();
  if (reader.left() != 0) {
    throw BadBytes();
  }
  return value;
}

namespace detail {

template <class T> constexpr bool kIsView = std::is_pointer_v<T> || std::is_member_pointer_v<T>;
template <> inline constexpr bool kIsView<std::string_view> = true;
template <class T, size_t N> constexpr bool kIsView<std::span<T, N>> = true;

// Whether the value is its bytes.
template <class T> constexpr bool kIsPlain = std::is_trivially_copyable_v<T> && !kIsView<T>;

template <class Map> struct MapCodec {
  static void write(Writer& to, const Map& map) {
    to.put(uint64_t{map.size()});
    for (const auto& [key, value] : map) {
      to.put(key);
      to.put(value);
    }
  }
  static Map read(Reader& from) {
    Map map;
    for (size_t count = from.get_count(1); count > 0; --count) {
      auto key = from.get<typename Map::key_type>();
      map.emplace(std::move(key), from.get<typename Map::mapped_type>());
    }
    return map;
  }
};

} // namespace detail

template <class T> struct Codec {
  static_assert(detail::kIsPlain<T>, "hasten can't write this type as bytes: specialise hasten::Codec for it (hasten/bytes.h)");

  static void write(Writer& to, const T& value) { to.put_raw(std::addressof(value), sizeof(T)); }
  static T read(Reader& from) {
    alignas(T) char storage[sizeof(T)];
    from.copy_raw(storage, sizeof(T));
    return *std::launder(reinterpret_cast<T*>(storage));
  }
};

template <> struct Codec<std::string> {
  static void write(Writer& to, const std::string& text) {
    to.put(uint64_t{text.size()});
    to.put_raw(text.data(), text.size());
  }
  static std::string read(Reader& from) { return std::string(from.get_raw(from.get_count(1))); }
};

template <class T> struct Codec<std::vector<T>> {
  static constexpr bool kIsBlock = detail::kIsPlain<T> && !std::is_same_v<T, bool>;

  static void write(Writer& to, const std::vector<T>& items) {
    to.put(uint64_t{items.size()});
    if constexpr (kIsBlock) {
      to.put_raw(items.data(), items.size() * sizeof(T));
    } else {
      for (const T& item : items) {
        to.put<T>(item);
      }
    }
  }
  static std::vector<T> read(Reader& from) {
    std::vector<T> items;
    if constexpr (kIsBlock && std::is_default_constructible_v<T>) {
      items.resize(from.get_count(sizeof(T)));
      from.copy_raw(items.data(), items.size() * sizeof(T));
    } else {
      for (size_t count = from.get_count(1); count > 0; --count) {
        items.push_back(from.get<T>());
      }
    }
    return items;
  }
};

template <class T>
  requires(!detail::kIsPlain<std::optional<T>>)
struct Codec<std::optional<T>> {
  static void write(Writer& to, const std::optional<T>& value) {
    to.put(value.has_value());
    if (value) {
      to.put(*value);
    }
  }
  static std::optional<T> read(Reader& from) { return from.get<bool>() ? std::optional<T>(from.get<T>()) : std::nullopt; }
};

template <class A, class B>
  requires(!detail::kIsPlain<std::pair<A, B>>)
struct Codec<std::pair<A, B>> {
  static void write(Writer& to, const std::pair<A, B>& pair) {
    to.put(pair.first);
    to.put(pair.second);
  }
  static std::pair<A, B> read(Reader& from) {
    auto first = from.get<A>();
    return {std::move(first), from.get<B>()};
  }
};

template <class... T>
  requires(!detail::kIsPlain<std::tuple<T...>>)
struct Codec<std::tuple<T...>> {
  static void write(Writer& to, const std::tuple<T...>& items) {
    std::apply([&](const T&... each) { (to.put(each), ...); }, items);
  }
  static std::tuple<T...> read(Reader& from) { return std::tuple<T...>{from.get<T>()...}; }
};

template <class K, class V, class C> struct Codec<std::map<K, V, C>> : detail::MapCodec<std::map<K, V, C>> {};
template <class K, class V, class H, class E>
struct Codec<std::unordered_map<K, V, H, E>> : detail::MapCodec<std::unordered_map<K, V, H, E>> {};

} // namespace hasten
