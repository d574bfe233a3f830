// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/stream_monitor.hpp"

#include <algorithm>

namespace onair {

void StreamMonitor::on_packet(std::uint16_t sequence, std::uint32_t timestamp,
                              std::size_t payload_bytes) {
  const auto unrolled_sequence = sequence_.unroll(sequence);
  const auto unrolled_timestamp = timestamp_.unroll(timestamp);
  if (packets_ == 0) {
    first_sequence_ = last_sequence_ = unrolled_sequence;
    first_timestamp_ = last_timestamp_ = unrolled_timestamp;
  }
  first_sequence_ = std::min(first_sequence_, unrolled_sequence);
  last_sequence_ = std::max(last_sequence_, unrolled_sequence);
  last_timestamp_ = std::max(last_timestamp_, unrolled_timestamp);
  ++packets_;
  bytes_ += payload_bytes;
}

StreamMonitor::Stats StreamMonitor::stats() const {
  if (packets_ == 0)
    return {};
  const auto expected = last_sequence_ - first_sequence_ + 1;
  return {.packets = packets_,
          .bytes = bytes_,
          .lost = std::max<std::int64_t>(0, expected - static_cast<std::int64_t>(packets_)),
          .media_time = clock_rate_ == 0
                            ? Duration::zero()
                            : to_duration(last_timestamp_ - first_timestamp_, clock_rate_)};
}

}  // namespace onair
