// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hlsbalancer_bench.hpp"

#include <gst/video/video.h>
#include <gtest/gtest.h>

namespace onair::test {
namespace {

constexpr const char* kSoundCaps =
    "audio/mpeg, mpegversion=(int)1, layer=(int)3, rate=(int)48000, channels=(int)2";
constexpr const char* kPictureCaps =
    "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au";

std::string ms(GstClockTime time) {
  return std::to_string((time + GST_MSECOND / 2) / GST_MSECOND);
}

std::string name_unit(GstBuffer* buffer) {
  const bool is_delta = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  const bool is_picture = GST_BUFFER_OFFSET(buffer) == 1;
  const char* kind = is_picture ? (is_delta ? "D" : "K") : (is_delta ? "s" : "S");
  if (gst_buffer_get_size(buffer) == 0 && GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP))
    kind = "E";
  return kind + ms(GST_BUFFER_PTS(buffer)) + (GST_BUFFER_IS_DISCONT(buffer) ? "!" : "");
}

std::string name_announcement(GstEvent* event) {
  GstClockTime running_time = GST_CLOCK_TIME_NONE;
  gboolean all_headers = FALSE;
  guint count = 0;
  EXPECT_TRUE(gst_video_event_parse_downstream_force_key_unit(event, nullptr, nullptr,
                                                              &running_time, &all_headers, &count));
  EXPECT_TRUE(all_headers);
  return std::to_string(count) + "@" + ms(running_time);
}

}  // namespace

// ---- a pair of pads

BalancerStream::BalancerStream(BalancerBench& bench, const char* name)
    : PairedStream{bench, name, name_unit} {}

void BalancerStream::open(const std::string& caps) {
  open_stream(caps.empty() ? (is_audio() ? kSoundCaps : kPictureCaps) : caps, name());
}

GstFlowReturn BalancerStream::push(Duration pts, Duration dts, Duration duration, bool is_delta) {
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 20, nullptr));
  GST_BUFFER_PTS(buffer.get()) = ns(pts);
  GST_BUFFER_DTS(buffer.get()) = dts == Duration::min() ? ns(pts) : ns(dts);
  if (duration > 0ns)
    GST_BUFFER_DURATION(buffer.get()) = ns(duration);
  else
    GST_BUFFER_OFFSET(buffer.get()) = 1;  // a picture
  if (is_delta)
    GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  return push_buffer(std::move(buffer));
}

GstFlowReturn BalancerStream::sound(Duration pts, Duration duration) {
  return push(pts, Duration::min(), duration, false);
}

GstFlowReturn BalancerStream::sounds(Duration from, Duration to) {
  auto flow = GST_FLOW_OK;
  for (auto pts = from; pts < to && flow == GST_FLOW_OK; pts += kSoundFrame)
    flow = sound(pts);
  return flow;
}

GstFlowReturn BalancerStream::key(Duration pts, Duration dts) {
  return push(pts, dts, Duration{0}, false);
}

GstFlowReturn BalancerStream::picture(Duration pts, Duration dts) {
  return push(pts, dts, Duration{0}, true);
}

GstFlowReturn BalancerStream::encode(Duration pts) {
  const bool is_asked_for = requests_.answer(*this, pts);
  return is_asked_for || pts == 0ns ? key(pts) : picture(pts);
}

GstFlowReturn BalancerStream::encode(Duration from, Duration to, Duration spacing) {
  auto flow = GST_FLOW_OK;
  for (auto pts = from; pts < to && flow == GST_FLOW_OK; pts += spacing)
    flow = encode(pts);
  return flow;
}

std::string BalancerStream::out_order() {
  std::string order;
  for (const auto& item : items()) {
    if (item.name == "stream-start" || item.name == "caps" || item.name == "segment")
      continue;
    order += order.empty() ? "" : " ";
    order += item.name == "GstForceKeyUnit" ? "|" + name_announcement(item.event.get()) : item.name;
  }
  return order;
}

std::vector<std::string> BalancerStream::cuts() {
  std::vector<std::string> cuts;
  bool is_open = false;
  for (const auto& item : items()) {
    if (item.name == "GstForceKeyUnit") {
      EXPECT_FALSE(is_open) << "nothing behind " << cuts.back();
      cuts.push_back(name_announcement(item.event.get()));
      is_open = true;
    } else if (item.buffer && is_open) {
      cuts.back() += " " + item.name;
      is_open = false;
    }
  }
  return cuts;
}

std::vector<std::string> BalancerStream::requests() {
  std::vector<std::string> times;
  for (const auto& event : upstream("GstForceKeyUnit")) {
    const auto time = time_of_request(event.get());
    times.push_back(time ? ms(*time) : "now");
  }
  return times;
}

// ---- the element

BalancerBench::BalancerBench(const std::string& properties, GstState state)
    : ElementBench{"hlsbalancer " + properties} {
  set_state(state);
}

BalancerBench::~BalancerBench() {
  for (auto& stream : streams_)
    stream->stop();
  set_state(GST_STATE_NULL);
}

BalancerStream& BalancerBench::add(const char* name, const std::string& caps) {
  auto& stream = *streams_.emplace_back(std::make_unique<BalancerStream>(*this, name));
  if (GST_STATE(element()) > GST_STATE_READY)
    stream.open(caps);
  return stream;
}

void BalancerBench::give_back(BalancerStream& stream) {
  gst_element_release_request_pad(element(), stream.in());
}

}  // namespace onair::test
