// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

namespace onair {

// Turns a counter that wraps after `Bits` bits (RTP sequence number: 16, RTP timestamp: 32, MPEG-TS
// time: 33) into a 64-bit one that does not. Each value is taken to be the one nearest to its
// predecessor, so reordering across a wrap is harmless; a distance of exactly half the range counts
// as backwards. The first value unrolls to itself. Values above the range are cut to it.
template <unsigned Bits>
class Unroller {
  static_assert(Bits > 1 && Bits < 63);

 public:
  std::int64_t unroll(std::uint64_t wrapped) {
    wrapped &= kRange - 1;
    if (!last_) {
      last_ = static_cast<std::int64_t>(wrapped);
      return *last_;
    }
    const std::uint64_t forward = (wrapped - static_cast<std::uint64_t>(*last_)) & (kRange - 1);
    const auto step = static_cast<std::int64_t>(forward);
    *last_ += forward < kRange / 2 ? step : step - static_cast<std::int64_t>(kRange);
    return *last_;
  }

  void reset() { last_.reset(); }

 private:
  static constexpr std::uint64_t kRange = std::uint64_t{1} << Bits;
  std::optional<std::int64_t> last_;
};

}  // namespace onair
