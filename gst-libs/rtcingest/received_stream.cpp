// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/received_stream.hpp"

#include <span>
#include <utility>

#include <gst/rtp/rtp.h>
#include <gst/video/video.h>

namespace onair {
namespace {

constexpr std::uint32_t kAudioClockRate = 48'000;
constexpr std::uint32_t kVideoClockRate = 90'000;

StreamMonitor::Stats sum(const StreamMonitor::Stats& one, const StreamMonitor::Stats& other) {
  return {.packets = one.packets + other.packets,
          .bytes = one.bytes + other.bytes,
          .lost = one.lost + other.lost,
          .media_time = one.media_time + other.media_time};
}

}  // namespace

ReceivedStream::ReceivedStream(Config config)
    : config_{std::move(config)},
      jitterbuffer_{std::exchange(config_.jitterbuffer, {})},
      shared_{fresh()} {}

ReceivedStream::Shared ReceivedStream::fresh() const {
  return {.ssrc = std::nullopt,
          .former = {},
          .monitor =
              StreamMonitor{config_.kind == MediaKind::Audio ? kAudioClockRate : kVideoClockRate},
          .requester = KeyframeRequester{config_.keyframe_interval}};
}

std::shared_ptr<ReceivedStream> ReceivedStream::create(Config config, GstPad* source) {
  std::shared_ptr<ReceivedStream> stream{new ReceivedStream{std::move(config)}};
  constexpr auto kData =
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST);
  gst_pad_add_probe(
      source, kData, &ReceivedStream::on_data, new std::shared_ptr{stream},
      [](gpointer data) { delete static_cast<std::shared_ptr<ReceivedStream>*>(data); });
  return stream;
}

ReceivedStream::Stats ReceivedStream::stats() {
  std::shared_ptr<GstStructure> jitterbuffer;
  const auto from = jitterbuffer_.get();
  if (GstElement* element = from.get();
      element && g_object_class_find_property(G_OBJECT_GET_CLASS(element), "stats")) {
    GstStructure* structure = nullptr;
    g_object_get(element, "stats", &structure, nullptr);
    jitterbuffer.reset(structure, GstStructureFree{});
  }
  const auto shared = shared_.lock();
  return {.kind = config_.kind,
          .pad_name = config_.outlet->pad_name(),
          .rid = config_.outlet->rid(),
          .received = sum(shared->former, shared->monitor.stats()),
          .keyframe_requests = shared->keyframe_requests,
          .jitterbuffer = std::move(jitterbuffer)};
}

GstPadProbeReturn ReceivedStream::on_data(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  const auto& self = *static_cast<std::shared_ptr<ReceivedStream>*>(data);
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) != 0) {
    GstBufferList* list = gst_pad_probe_info_get_buffer_list(info);
    for (guint i = 0; i < gst_buffer_list_length(list); ++i)
      self->on_packet(pad, gst_buffer_list_get(list, i));
  } else {
    self->on_packet(pad, gst_pad_probe_info_get_buffer(info));
  }
  return GST_PAD_PROBE_OK;
}

void ReceivedStream::on_packet(GstPad* pad, GstBuffer* buffer) {
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!gst_rtp_buffer_map(buffer, GST_MAP_READ, &rtp))
    return;
  const auto* data = static_cast<const std::uint8_t*>(gst_rtp_buffer_get_payload(&rtp));
  const std::span payload{data, gst_rtp_buffer_get_payload_len(&rtp)};
  bool is_request = false;
  {
    const auto shared = shared_.lock();
    const auto ssrc = gst_rtp_buffer_get_ssrc(&rtp);
    if (shared->ssrc && *shared->ssrc != ssrc) {
      auto anew = fresh();
      anew.former = sum(shared->former, shared->monitor.stats());
      anew.keyframe_requests = shared->keyframe_requests;
      *shared = std::move(anew);
    }
    shared->ssrc = ssrc;
    shared->monitor.on_packet(gst_rtp_buffer_get_seq(&rtp), gst_rtp_buffer_get_timestamp(&rtp),
                              payload.size());
    is_request =
        config_.kind == MediaKind::Video && shared->requester.on_packet(config_.now(), payload);
  }
  gst_rtp_buffer_unmap(&rtp);
  // Without all-headers rtpsession makes a PLI of it, with them a FIR. Who gets no RTCP has nobody to ask.
  if (is_request && gst_pad_send_event(pad, gst_video_event_new_upstream_force_key_unit(
                                                GST_CLOCK_TIME_NONE, FALSE, 0)))
    shared_.lock()->keyframe_requests++;
}

}  // namespace onair
