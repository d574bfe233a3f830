// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flywheel_bench.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include <gtest/gtest.h>

namespace onair::test {
FlywheelBench::FlywheelBench(const Options& options)
    : ElementBench{"flywheel " + options.properties, options.now}, PadRecorder{clock()} {
  is_live = options.is_live;
  feed(static_pad("sink").get());
  record(static_pad("src").get());
  if (!options.accepts.empty())
    accept(options.accepts);
  set_state(options.state);
  if (options.is_open)
    open_stream(options.caps);
}

FlywheelBench::~FlywheelBench() {
  unblock();
  stop_feeding();
  set_state(GST_STATE_NULL);
}

GstFlowReturn FlywheelBench::push_sound(Duration start, Duration length, guint rate) {
  set_time(std::max(now(), start + length + kLag));
  const auto frames = static_cast<gsize>(length.count() * rate / 1'000'000'000);
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 2 * frames, nullptr));
  GstMapInfo map;
  gst_buffer_map(buffer.get(), &map, GST_MAP_WRITE);
  auto* samples = reinterpret_cast<std::int16_t*>(map.data);
  const double first = static_cast<double>(start.count()) * 1e-9 * rate;
  for (gsize i = 0; i < frames; ++i)
    samples[i] = static_cast<std::int16_t>(
        10'000 * std::sin(2 * std::numbers::pi * 200 * (first + static_cast<double>(i)) / rate));
  gst_buffer_unmap(buffer.get(), &map);
  GST_BUFFER_PTS(buffer.get()) = ns(start);
  GST_BUFFER_DURATION(buffer.get()) = ns(length);
  return push_buffer(std::move(buffer));
}

void FlywheelBench::push_sounds(Duration from, Duration to) {
  for (Duration start = from; start < to; start += 20ms)
    ASSERT_EQ(push_sound(start), GST_FLOW_OK);
}

GstFlowReturn FlywheelBench::push_picture(Duration start, guint8 shade) {
  set_time(std::max(now(), start + kLag));
  constexpr gsize kSize = 64 * 48 * 3 / 2;
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, kSize, nullptr));
  gst_buffer_memset(buffer.get(), 0, shade, kSize);
  GST_BUFFER_PTS(buffer.get()) = ns(start);
  return push_buffer(std::move(buffer));
}

void FlywheelBench::crank_until(Duration until) {
  while (wait_for_deadline() <= until)
    crank();
  set_time(until);
}

// A query takes its turn behind all that came before.
bool FlywheelBench::wait_until_idle() {
  GstQuery* query = gst_query_new_allocation(nullptr, FALSE);
  const bool answered = gst_pad_peer_query(feeder(), query) != FALSE;
  gst_query_unref(query);
  return answered;
}

std::vector<GstBuffer*> FlywheelBench::media() {
  std::vector<GstBuffer*> media;
  for (const auto& item : buffers())
    media.push_back(item.buffer.get());
  return media;
}

std::string FlywheelBench::last_caps() {
  std::string text;
  for (const auto& event : events("caps")) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event.get(), &caps);
    text = GMemory<char>{gst_caps_to_string(caps)}.get();
  }
  return text;
}

void FlywheelBench::expect_contiguous(guint rate, guint frame_size) {
  GstClockTime end = GST_CLOCK_TIME_NONE;
  for (GstBuffer* buffer : media()) {
    if (end != GST_CLOCK_TIME_NONE) {
      EXPECT_EQ(GST_BUFFER_PTS(buffer), end);
    }
    end = GST_BUFFER_PTS(buffer) + GST_BUFFER_DURATION(buffer);
    const auto frames = gst_buffer_get_size(buffer) / frame_size;
    EXPECT_NEAR(static_cast<double>(GST_BUFFER_DURATION(buffer)),
                static_cast<double>(frames) * 1e9 / rate, 1.0);
  }
}

std::vector<guint8> FlywheelBench::bytes_of(GstBuffer* buffer) {
  std::vector<guint8> bytes(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  return bytes;
}

std::vector<std::int16_t> FlywheelBench::samples_of(GstBuffer* buffer) {
  std::vector<std::int16_t> samples(gst_buffer_get_size(buffer) / 2);
  gst_buffer_extract(buffer, 0, samples.data(), 2 * samples.size());
  return samples;
}

}  // namespace onair::test
