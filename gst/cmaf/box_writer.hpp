// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace onair {

using Bytes = std::vector<std::uint8_t>;

// Boxes of ISO/IEC 14496-12, section 4.2: big-endian, each with its size in front, which is known
// when its body has been written.
class BoxWriter {
 public:
  void u8(unsigned value) { bytes_.push_back(static_cast<std::uint8_t>(value)); }
  void u16(unsigned value) {
    u8(value >> 8);
    u8(value);
  }
  void u32(std::uint32_t value) {
    u16(value >> 16);
    u16(value);
  }
  void u64(std::uint64_t value) {
    u32(static_cast<std::uint32_t>(value >> 32));
    u32(static_cast<std::uint32_t>(value));
  }
  void zeros(std::size_t count) { bytes_.resize(bytes_.size() + count); }
  void text(std::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); }
  void append(std::span<const std::uint8_t> data) {
    bytes_.insert(bytes_.end(), data.begin(), data.end());
  }

  template <typename Body>
  void box(std::string_view type, Body&& body) {
    const auto start = size();
    u32(0);
    text(type);
    std::forward<Body>(body)();
    set_u32(start, static_cast<std::uint32_t>(size() - start));
  }
  template <typename Body>
  void full_box(std::string_view type, unsigned version, std::uint32_t flags, Body&& body) {
    box(type, [&] {
      u32(version << 24 | flags);
      std::forward<Body>(body)();
    });
  }

  // What could not be known when it was written.
  void set_u32(std::size_t at, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes_[at++] = static_cast<std::uint8_t>(value >> shift);
  }

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

}  // namespace onair
