// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>

#include <gst/gst.h>

namespace onair {

// The bytes of a buffer, for as long as this lives; none if it can't be read.
class MappedBuffer {
 public:
  explicit MappedBuffer(GstBuffer* buffer) : buffer_{buffer} {
    if (!gst_buffer_map(buffer, &map_, GST_MAP_READ))
      buffer_ = nullptr;
  }
  ~MappedBuffer() {
    if (buffer_)
      gst_buffer_unmap(buffer_, &map_);
  }
  MappedBuffer(const MappedBuffer&) = delete;
  MappedBuffer& operator=(const MappedBuffer&) = delete;

  [[nodiscard]] std::span<const std::uint8_t> bytes() const {
    return buffer_ ? std::span<const std::uint8_t>{map_.data, map_.size}
                   : std::span<const std::uint8_t>{};
  }

 private:
  GstBuffer* buffer_;
  GstMapInfo map_{};
};

}  // namespace onair
