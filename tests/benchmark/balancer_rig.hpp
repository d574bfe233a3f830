// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace onair::benchmark {

// What passes: 30 pictures a second, each thirtieth of them a key frame, and MP3 at 48 kHz.
enum class Segments {
  None,        // none ends while it is measured: the steady path
  EachSecond,  // one in 72 buffers begins a segment
};
std::string_view name(Segments segments);
std::optional<Segments> find_segments(std::string_view name);

// A picture's and a sound's pad that are pushed into, and two that count, with hlsbalancer or
// two other elements of one pad each ("none": nothing) between them. Buffers are made
// beforehand, and pushed by one thread: the key frame comes before the sound that would wait for it.
class BalancerRig {
 public:
  BalancerRig(const std::string& factory, Segments segments, std::size_t buffers);
  ~BalancerRig();
  BalancerRig(const BalancerRig&) = delete;
  BalancerRig& operator=(const BalancerRig&) = delete;

  // The next `count` buffers.
  void push(std::size_t count);
  [[nodiscard]] std::size_t buffers_out() const { return buffers_out_; }
  [[nodiscard]] std::size_t cuts() const { return cuts_; }

 private:
  static GstFlowReturn on_buffer(GstPad* pad, GstObject* parent, GstBuffer* buffer) noexcept;
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event) noexcept;
  enum Stream : std::size_t { kVideo, kAudio, kStreams };
  struct Item {
    Stream stream;
    GstPtr<GstBuffer> buffer;
  };
  void link(const std::string& factory, Segments segments);
  void push_first();
  void push_one(Item& item);

  std::vector<GstPtr<GstElement>> elements_;
  std::array<GstPtr<GstPad>, kStreams> sources_;
  std::array<GstPtr<GstPad>, kStreams> sinks_;
  std::vector<Item> items_;
  std::size_t next_ = 0;
  std::atomic<std::size_t> buffers_out_ = 0;
  std::atomic<std::size_t> cuts_ = 0;
};

}  // namespace onair::benchmark
