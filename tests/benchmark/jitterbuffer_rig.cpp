// SPDX-License-Identifier: LGPL-2.1-or-later
#include "jitterbuffer_rig.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <gst/rtp/gstrtpbuffer.h>

#include "stepped_clock.hpp"

namespace onair::benchmark {

using namespace std::chrono_literals;

namespace {

constexpr guint32 kSsrc = 0x0badcafe;
constexpr guint8 kPayloadType = 96;
constexpr guint kHeaderSize = 12;  // RFC 3550 section 5.1, without contributing sources
// An element that forgot a packet would hang the benchmark. Real time, and generous: valgrind is
// fifty times slower.
constexpr auto kPatience = 60s;

GstPtr<GstBuffer> make_buffer(const Workload& workload, const Arrival& arrival) {
  auto* buffer =
      gst_rtp_buffer_new_allocate(static_cast<guint>(workload.packet_size()) - kHeaderSize, 0, 0);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  gst_rtp_buffer_map(buffer, GST_MAP_WRITE, &rtp);
  gst_rtp_buffer_set_ssrc(&rtp, kSsrc);
  gst_rtp_buffer_set_payload_type(&rtp, kPayloadType);
  gst_rtp_buffer_set_seq(&rtp, arrival.sequence);
  gst_rtp_buffer_set_marker(&rtp, arrival.marker);
  gst_rtp_buffer_set_timestamp(
      &rtp, static_cast<guint32>(gst_util_uint64_scale_round(
                static_cast<guint64>(arrival.media.count()), workload.clock_rate(), GST_SECOND)));
  auto* payload = static_cast<guint8*>(gst_rtp_buffer_get_payload(&rtp));
  std::memset(payload, 0x5a, gst_rtp_buffer_get_payload_len(&rtp));
  gst_rtp_buffer_unmap(&rtp);
  // As udpsrc does: both say when it arrived.
  GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(arrival.arrival.count());
  GST_BUFFER_DTS(buffer) = GST_BUFFER_PTS(buffer);
  if (arrival.retransmitted)
    GST_BUFFER_FLAG_SET(buffer, GST_RTP_BUFFER_FLAG_RETRANSMISSION);
  return GstPtr<GstBuffer>::adopt(buffer);
}

GstPad* new_pad(const char* name, GstPadDirection direction, gpointer rig) {
  auto* pad = gst_pad_new(name, direction);
  gst_pad_set_element_private(pad, rig);
  return GST_PAD(gst_object_ref_sink(pad));
}

void link_or_abort(GstPad* from, GstPad* to) {
  if (GST_PAD_LINK_FAILED(gst_pad_link(from, to)))
    g_error("the rig's pads cannot be linked");
}

GstPtr<GstElement> make_element(const JitterBufferRig::Config& config) {
  if (config.factory == kNoElement)
    return {};
  auto element =
      GstPtr<GstElement>::sink(gst_element_factory_make(config.factory.c_str(), nullptr));
  if (!element)
    g_error("there is no element %s", config.factory.c_str());
  auto* object = G_OBJECT(element.get());
  const auto set = [object](const Property& property) {
    if (g_object_class_find_property(G_OBJECT_GET_CLASS(object), property.name.c_str()))
      gst_util_set_object_arg(object, property.name.c_str(), property.value.c_str());
  };
  const auto latency = std::to_string(kLatency / 1ms);
  set({"latency", latency});
  set({"max-latency", latency});  // the model holds for what adapts below it
  for (const auto& property : config.properties)
    set(property);
  return element;
}

// By the property "release"; stock has none.
Release release_of(GstElement* element) {
  if (!element || !g_object_class_find_property(G_OBJECT_GET_CLASS(element), "release"))
    return Release::Eager;
  GValue value = G_VALUE_INIT;
  g_object_get_property(G_OBJECT(element), "release", &value);
  const GMemory<> nick{gst_value_serialize(&value)};
  g_value_unset(&value);
  return std::string_view{nick.get()} == "paced" ? Release::Paced : Release::Eager;
}

}  // namespace

JitterBufferRig::JitterBufferRig(const Config& config, const Workload& workload,
                                 std::size_t packets)
    : stride_{config.stride},
      patience_{config.patience},
      element_{make_element(config)},
      arrivals_{workload.arrivals(packets, release_of(element_.get()))},
      clock_{GstPtr<GstClock>::adopt(stepped_clock_new())},
      source_{GstPtr<GstPad>::adopt(new_pad("source", GST_PAD_SRC, this))},
      sink_{GstPtr<GstPad>::adopt(new_pad("sink", GST_PAD_SINK, this))} {
  if (!element_) {
    // The model is an element's. This is none: packets leave in the order of their arrival.
    for (std::size_t i = 0; i < arrivals_.size(); ++i) {
      arrivals_[i].out_before = i;
      arrivals_[i].out_after = i + 1;
    }
  }
  buffers_.reserve(packets);
  for (const auto& arrival : arrivals_)
    buffers_.push_back(make_buffer(workload, arrival));

  gst_pad_set_event_function(source_.get(), on_upstream_event);
  gst_pad_set_chain_function(sink_.get(), on_buffer);
  gst_pad_set_event_function(sink_.get(), on_event);
  gst_pad_set_active(sink_.get(), TRUE);
  gst_pad_set_active(source_.get(), TRUE);
  if (!element_) {
    link_or_abort(source_.get(), sink_.get());
  } else {
    const auto sink = GstPtr<GstPad>::adopt(gst_element_get_static_pad(element_.get(), "sink"));
    const auto src = GstPtr<GstPad>::adopt(gst_element_get_static_pad(element_.get(), "src"));
    link_or_abort(source_.get(), sink.get());
    link_or_abort(src.get(), sink_.get());
    gst_element_set_clock(element_.get(), clock_.get());
    gst_element_set_base_time(element_.get(), 0);
    gst_element_set_start_time(element_.get(), GST_CLOCK_TIME_NONE);
    if (gst_element_set_state(element_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
      g_error("%s does not start", config.factory.c_str());
  }
  send_opening_events(workload);
}

JitterBufferRig::~JitterBufferRig() {
  gst_pad_set_active(source_.get(), FALSE);
  gst_pad_set_active(sink_.get(), FALSE);
  if (element_)
    gst_element_set_state(element_.get(), GST_STATE_NULL);
}

void JitterBufferRig::send_opening_events(const Workload& workload) {
  const bool is_audio = workload.medium == Medium::Audio;
  gst_pad_push_event(source_.get(), gst_event_new_stream_start("benchmark"));
  const auto caps = GstPtr<GstCaps>::adopt(
      gst_caps_new_simple("application/x-rtp", "media", G_TYPE_STRING, is_audio ? "audio" : "video",
                          "payload", G_TYPE_INT, static_cast<gint>(kPayloadType), "clock-rate",
                          G_TYPE_INT, static_cast<gint>(workload.clock_rate()), "encoding-name",
                          G_TYPE_STRING, is_audio ? "OPUS" : "H264", nullptr));
  gst_pad_push_event(source_.get(), gst_event_new_caps(caps.get()));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(source_.get(), gst_event_new_segment(&segment));
}

void JitterBufferRig::push(std::size_t count) {
  for (const auto end = std::min(next_ + count, arrivals_.size()); next_ < end; ++next_) {
    const auto& arrival = arrivals_[next_];
    const bool is_step = next_ % stride_ == 0;
    stepped_clock_advance(clock_.get(), static_cast<GstClockTime>(arrival.arrival.count()),
                          patience_);
    if (is_step)
      wait_for(arrival.out_before);
    if (gst_pad_push(source_.get(), buffers_[next_].release()) != GST_FLOW_OK)
      g_error("packet %zu was refused", next_);
    if (is_step)
      wait_for(arrival.out_after);
  }
}

void JitterBufferRig::drain() {
  if (next_ == 0)
    return;
  const auto end = arrivals_[next_ - 1].arrival + 10 * kLatency;
  stepped_clock_advance(clock_.get(), static_cast<GstClockTime>(end.count()), patience_);
  wait_for(next_);
}

std::size_t JitterBufferRig::buffers_out() {
  const std::lock_guard lock{mutex_};
  return buffers_out_;
}

void JitterBufferRig::wait_for(std::size_t buffers) {
  std::unique_lock lock{mutex_};
  if (buffers_out_ >= buffers)
    return;
  waited_for_ = buffers;
  if (!changed_.wait_for(lock, kPatience, [&] { return buffers_out_ >= buffers; })) {
    g_error("%zu of %zu packets came out after %zu were pushed", buffers_out_, buffers, next_);
  }
}

GstFlowReturn JitterBufferRig::on_buffer(GstPad* pad, GstObject*, GstBuffer* buffer) noexcept {
  auto* self = static_cast<JitterBufferRig*>(gst_pad_get_element_private(pad));
  gst_buffer_unref(buffer);
  const std::lock_guard lock{self->mutex_};
  if (++self->buffers_out_ == self->waited_for_)
    self->changed_.notify_one();
  return GST_FLOW_OK;
}

gboolean JitterBufferRig::on_event(GstPad* pad, GstObject*, GstEvent* event) noexcept {
  auto* self = static_cast<JitterBufferRig*>(gst_pad_get_element_private(pad));
  if (gst_event_has_name(event, "GstRTPPacketLost"))
    ++self->lost_events_;
  gst_event_unref(event);
  return TRUE;
}

gboolean JitterBufferRig::on_upstream_event(GstPad* pad, GstObject*, GstEvent* event) noexcept {
  auto* self = static_cast<JitterBufferRig*>(gst_pad_get_element_private(pad));
  if (gst_event_has_name(event, "GstRTPRetransmissionRequest"))
    ++self->requests_;
  gst_event_unref(event);
  return TRUE;
}

}  // namespace onair::benchmark
