// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtp_tap.hpp"

#include <optional>
#include <utility>

#include <gst/rtp/gstrtpbuffer.h>

#include "base/ticks.hpp"
#include "base/unroller.hpp"
#include "glue/element_clock.hpp"
#include "glue/gsttime.hpp"
#include "glue/rtp_metas.hpp"

namespace onair {
namespace {

constexpr int kMostElements = 32;  // between the jitter buffer and us

// What the probe remembers of its stream; the streaming thread only.
struct TappedStream {
  GstSegment segment;
  bool has_caught_up = false;
  std::uint32_t clock_rate = 0;
  bool is_rate_of_caps = false;
  std::optional<guint> asked_type;  // whose clock rate the application was asked for
  std::optional<std::uint32_t> ssrc;
  Unroller<32> unroller;
  RtpMetas metas;
};

// So that no RTP time before the first one is negative.
constexpr std::int64_t kRange = std::int64_t{1} << 32;

std::uint32_t rate_of(GstCaps* caps) {
  int rate = 0;
  gst_structure_get_int(gst_caps_get_structure(caps, 0), "clock-rate", &rate);
  return rate > 0 ? static_cast<std::uint32_t>(rate) : 0;
}

// In rtpbin the caps do not tell; the jitter buffer itself asks like this.
void ask_clock_rate(TappedStream& stream, GstPad* pad, guint type) {
  if (stream.is_rate_of_caps || stream.asked_type == type)
    return;
  const auto element = GstPtr<GstElement>::adopt(gst_pad_get_parent_element(pad));
  if (!element)
    return;
  GstCaps* raw = nullptr;
  g_signal_emit_by_name(element.get(), "request-pt-map", type, &raw);
  const auto caps = GstPtr<GstCaps>::adopt(raw);
  stream.asked_type = type;
  stream.clock_rate = caps ? rate_of(caps.get()) : 0;
}

GstPtr<GstBuffer> write_times(TappedStream& stream, GstPad* pad, GstPtr<GstBuffer> buffer) {
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!gst_rtp_buffer_map(buffer.get(), GST_MAP_READ, &rtp))
    return buffer;
  const auto ssrc = gst_rtp_buffer_get_ssrc(&rtp);
  const auto time = gst_rtp_buffer_get_timestamp(&rtp);
  const guint type = gst_rtp_buffer_get_payload_type(&rtp);
  gst_rtp_buffer_unmap(&rtp);
  ask_clock_rate(stream, pad, type);
  if (stream.clock_rate == 0)
    return buffer;
  if (stream.ssrc != ssrc) {
    stream.ssrc = ssrc;
    stream.unroller.reset();
  }
  const auto ticks = stream.unroller.unroll(time) + kRange;
  auto arrival = to_running_time(stream.segment, GST_BUFFER_DTS_OR_PTS(buffer.get()));
  if (!arrival) {
    const auto element = GstPtr<GstElement>::adopt(gst_pad_get_parent_element(pad));
    arrival = element ? running_time_now(element.get()) : std::nullopt;
    if (!arrival)
      return buffer;
  }
  auto writable = GstPtr<GstBuffer>::adopt(gst_buffer_make_writable(buffer.release()));
  stream.metas.add_times(writable.get(), ssrc, stream.clock_rate,
                         MediaTime{to_duration(ticks, stream.clock_rate)}, *arrival);
  return writable;
}

void learn(TappedStream& stream, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT) {
    gst_event_copy_segment(event, &stream.segment);
    if (stream.segment.format != GST_FORMAT_TIME)
      gst_segment_init(&stream.segment, GST_FORMAT_TIME);
  } else if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    const auto rate = rate_of(caps);
    stream.is_rate_of_caps = rate > 0;
    if (rate > 0)
      stream.clock_rate = rate;
  }
}

// What had passed when the probe came; on the streaming thread, so that nothing passes meanwhile.
void catch_up(TappedStream& stream, GstPad* pad) {
  if (std::exchange(stream.has_caught_up, true))
    return;
  gst_pad_sticky_events_foreach(
      pad,
      [](GstPad*, GstEvent** event, gpointer data) -> gboolean {
        learn(*static_cast<TappedStream*>(data), *event);
        return TRUE;
      },
      &stream);
}

GstPadProbeReturn on_data(GstPad* pad, GstPadProbeInfo* info, gpointer user_data) {
  auto& stream = *static_cast<TappedStream*>(user_data);
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
    learn(stream, GST_PAD_PROBE_INFO_EVENT(info));
    return GST_PAD_PROBE_OK;
  }
  catch_up(stream, pad);
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) {
    auto buffer = GstPtr<GstBuffer>::adopt(GST_PAD_PROBE_INFO_BUFFER(info));
    GST_PAD_PROBE_INFO_DATA(info) = write_times(stream, pad, std::move(buffer)).release();
  } else if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    auto* list = gst_buffer_list_make_writable(GST_PAD_PROBE_INFO_BUFFER_LIST(info));
    struct Each {
      TappedStream& stream;
      GstPad* pad;
    } each{stream, pad};
    gst_buffer_list_foreach(
        list,
        [](GstBuffer** buffer, guint, gpointer data) -> gboolean {
          auto& to = *static_cast<Each*>(data);
          *buffer = write_times(to.stream, to.pad, GstPtr<GstBuffer>::adopt(*buffer)).release();
          return TRUE;
        },
        &each);
    GST_PAD_PROBE_INFO_DATA(info) = list;
  }
  return GST_PAD_PROBE_OK;
}

bool is_factory(GstElement* element, const char* name) {
  const GstElementFactory* factory = gst_element_get_factory(element);
  return factory && g_strcmp0(GST_OBJECT_NAME(factory), name) == 0;
}

// The pad that feeds `sink`, past ghost pads.
GstPtr<GstPad> feeding_pad(GstPad* sink) {
  auto pad = GstPtr<GstPad>::adopt(gst_pad_get_peer(sink));
  while (pad && GST_IS_PROXY_PAD(pad.get())) {
    // From outside a bin to its inside; or from inside to what is linked outside.
    GstPad* next = nullptr;
    if (GST_IS_GHOST_PAD(pad.get())) {
      next = gst_ghost_pad_get_target(GST_GHOST_PAD(pad.get()));
    } else {
      const auto ghost =
          GstPtr<GstPad>::adopt(GST_PAD(gst_proxy_pad_get_internal(GST_PROXY_PAD(pad.get()))));
      next = ghost ? gst_pad_get_peer(ghost.get()) : nullptr;
    }
    pad = GstPtr<GstPad>::adopt(next);
  }
  return pad;
}

// The only one; of a jitter buffer, which may have one for RTCP too, that for RTP.
GstPtr<GstPad> single_sink(GstElement* element) {
  if (is_factory(element, "rtpjitterbuffer"))
    return GstPtr<GstPad>::adopt(gst_element_get_static_pad(element, "sink"));
  GstPtr<GstPad> found;
  GST_OBJECT_LOCK(element);
  if (element->numsinkpads == 1)
    found = GstPtr<GstPad>::share(element->sinkpads ? GST_PAD(element->sinkpads->data) : nullptr);
  GST_OBJECT_UNLOCK(element);
  return found;
}

gulong add_probe(GstPad* pad) {
  auto* stream = new TappedStream;
  gst_segment_init(&stream->segment, GST_FORMAT_TIME);
  return gst_pad_add_probe(
      pad,
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST |
                                   GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      on_data, stream, [](gpointer data) { delete static_cast<TappedStream*>(data); });
}

}  // namespace

GstPtr<GstPad> RtpTap::find_place(GstPad* sink) {
  auto pad = GstPtr<GstPad>::share(sink);
  for (int i = 0; pad && i < kMostElements; ++i) {
    const auto source = feeding_pad(pad.get());
    const auto element =
        GstPtr<GstElement>::adopt(source ? gst_pad_get_parent_element(source.get()) : nullptr);
    if (!element)
      return {};
    pad = single_sink(element.get());
    if (is_factory(element.get(), "rtpjitterbuffer"))
      return pad;
  }
  return {};
}

RtpTap::RtpTap(GstPtr<GstPad> place) : pad_{std::move(place)}, probe_{add_probe(pad_.get())} {
  // What sender reports say, it writes itself.
  const auto element = GstPtr<GstElement>::adopt(gst_pad_get_parent_element(pad_.get()));
  if (element && g_object_class_find_property(G_OBJECT_GET_CLASS(element.get()),
                                              "add-reference-timestamp-meta"))
    g_object_set(element.get(), "add-reference-timestamp-meta", TRUE, nullptr);
}

RtpTap::~RtpTap() {
  gst_pad_remove_probe(pad_.get(), probe_);
}

}  // namespace onair
