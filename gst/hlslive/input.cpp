// SPDX-License-Identifier: LGPL-2.1-or-later
#include "input.hpp"

#include <string>

#include <gst/video/video.h>

#include "glue/gsttime.hpp"
#include "glue/signals.hpp"

namespace onair {

std::shared_ptr<Input> Input::of(GstPad* pad) {
  return static_cast<std::weak_ptr<Input>*>(gst_pad_get_element_private(pad))->lock();
}

std::shared_ptr<Input> Input::make(MediaKind kind, unsigned number, GstPad* source,
                                   const std::shared_ptr<Listener>& listener) {
  const std::shared_ptr<Input> input{new Input{kind, number, listener}};
  gst_segment_init(&input->segment_, GST_FORMAT_TIME);
  auto* pad = gst_pad_new(GST_PAD_NAME(source), GST_PAD_SINK);
  input->pad_ = GstPtr<GstPad>::sink(pad);
  auto* link = new std::weak_ptr<Input>{input};
  gst_pad_set_element_private(pad, link);
  g_object_set_data_full(G_OBJECT(pad), "onair-input", link, delete_weak<Input>);
  gst_pad_set_chain_function(
      pad, +[](GstPad* its, GstObject*, GstBuffer* raw) {
        auto buffer = GstPtr<GstBuffer>::adopt(raw);
        const auto self = of(its);
        const auto receiver = self ? self->listener_.lock() : nullptr;
        return receiver ? self->on_buffer(std::move(buffer), *receiver) : GST_FLOW_FLUSHING;
      });
  gst_pad_set_event_function(
      pad, +[](GstPad* its, GstObject*, GstEvent* raw) -> gboolean {
        const auto event = GstPtr<GstEvent>::adopt(raw);
        const auto self = of(its);
        const auto receiver = self ? self->listener_.lock() : nullptr;
        return receiver && self->on_event(raw, *receiver);
      });
  gst_pad_set_query_function(
      pad, +[](GstPad* its, GstObject* parent, GstQuery* query) -> gboolean {
        const auto self = of(its);
        const auto receiver = self ? self->listener_.lock() : nullptr;
        return (receiver && self->on_query(query, *receiver)) ||
               gst_pad_query_default(its, parent, query);
      });
  gst_pad_link(source, pad);
  return input;
}

std::string Input::name() const {
  return (kind_ == MediaKind::Audio ? "audio_" : "video_") + std::to_string(number_);
}

Input::~Input() {
  gst_pad_set_active(pad_.get(), FALSE);
}

GstFlowReturn Input::on_buffer(GstPtr<GstBuffer> buffer, Listener& listener) {
  auto* raw = buffer.get();
  const auto pts = to_running_time(segment_, GST_BUFFER_PTS(raw));
  if (!pts)
    return GST_FLOW_OK;  // hlsbalancer lets through what has no time
  // What hlsbalancer makes of a stream that does not come.
  const bool is_empty =
      GST_BUFFER_FLAG_IS_SET(raw, GST_BUFFER_FLAG_GAP) && gst_buffer_get_size(raw) == 0;
  MediaFrame frame{.pts = *pts,
                   .dts = to_running_time(segment_, GST_BUFFER_DTS(raw)),
                   .duration = to_duration(GST_BUFFER_DURATION(raw)),
                   .is_key = !GST_BUFFER_FLAG_IS_SET(raw, GST_BUFFER_FLAG_DELTA_UNIT),
                   .boundary = std::exchange(announced_, std::nullopt)};
  if (!is_empty) {
    frame.buffer = std::move(buffer);
    frame.caps = caps_;
  }
  is_busy_ = true;
  const auto flow = listener.on_frame(*this, std::move(frame));
  is_busy_ = false;
  return flow;
}

bool Input::on_query(GstQuery* query, Listener& listener) {
  if (GST_QUERY_TYPE(query) == GST_QUERY_CAPS) {
    GstCaps* filter = nullptr;
    gst_query_parse_caps(query, &filter);
    auto caps = listener.takes(kind_);
    if (filter)
      caps = GstPtr<GstCaps>::adopt(
          gst_caps_intersect_full(filter, caps.get(), GST_CAPS_INTERSECT_FIRST));
    gst_query_set_caps_result(query, caps.get());
    return true;
  }
  if (GST_QUERY_TYPE(query) == GST_QUERY_ACCEPT_CAPS) {
    GstCaps* caps = nullptr;
    gst_query_parse_accept_caps(query, &caps);
    gst_query_set_accept_caps_result(query,
                                     gst_caps_can_intersect(caps, listener.takes(kind_).get()));
    return true;
  }
  return false;
}

void Input::on_gap(GstEvent* event, Listener& listener) {
  GstClockTime start = GST_CLOCK_TIME_NONE;
  GstClockTime duration = GST_CLOCK_TIME_NONE;
  gst_event_parse_gap(event, &start, &duration);
  if (const auto from = to_running_time(segment_, start))
    listener.on_frame(*this, {.pts = *from, .duration = to_duration(duration)});
}

void Input::on_announcement(GstEvent* event) {
  GstClockTime running_time = GST_CLOCK_TIME_NONE;
  guint count = 0;
  gboolean is_break = FALSE;
  if (!gst_video_event_parse_downstream_force_key_unit(event, nullptr, nullptr, &running_time,
                                                       nullptr, &count))
    return;
  const auto* structure = gst_event_get_structure(event);
  gst_structure_get_boolean(structure, "break", &is_break);
  // Not where this stream's late key frame is.
  guint64 boundary = 0;
  if (gst_structure_get_uint64(structure, "boundary", &boundary))
    running_time = boundary;
  announced_ = {.index = static_cast<gint>(count),
                .at = RunningTime{Duration{static_cast<Duration::rep>(running_time)}},
                .is_break = is_break == TRUE};
}

bool Input::on_event(GstEvent* event, Listener& listener) {
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CAPS: {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event, &caps);
      caps_ = GstPtr<GstCaps>::share(caps);
      break;
    }
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment(event, &segment_);
      return segment_.format == GST_FORMAT_TIME;
    case GST_EVENT_GAP:
      on_gap(event, listener);
      break;
    case GST_EVENT_EOS:
      listener.on_end(*this);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_segment_init(&segment_, GST_FORMAT_TIME);
      announced_.reset();
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      if (gst_video_event_is_force_key_unit(event))
        on_announcement(event);
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM_STICKY:
      if (gst_event_has_name(event, "onair-timeline"))
        listener.on_timeline(gst_event_get_structure(event));
      break;
    default:
      break;
  }
  return true;
}

}  // namespace onair
