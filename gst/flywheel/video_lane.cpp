// SPDX-License-Identifier: LGPL-2.1-or-later
#include "video_lane.hpp"

#include <utility>

#include "glue/gsttime.hpp"
#include "slate.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_flywheel_debug);
#define GST_CAT_DEFAULT gst_flywheel_debug

namespace onair {

namespace {

// Of the times that a picture was taken, sent and received, none is true of its repetition.
gboolean drop_reference_timestamps(GstBuffer*, GstMeta** meta, gpointer) {
  if ((*meta)->info->api == GST_REFERENCE_TIMESTAMP_META_API_TYPE)
    *meta = nullptr;
  return TRUE;
}

// The same pixels in a buffer of its own.
GstPtr<GstBuffer> repeat(GstBuffer* picture) {
  auto copy = GstPtr<GstBuffer>::adopt(gst_buffer_copy(picture));
  gst_buffer_foreach_meta(copy.get(), drop_reference_timestamps, nullptr);
  GST_BUFFER_FLAG_UNSET(copy.get(), GST_BUFFER_FLAG_DISCONT);
  GST_BUFFER_FLAG_SET(copy.get(), GST_BUFFER_FLAG_GAP);  // as stock videorate marks them
  GST_BUFFER_OFFSET(copy.get()) = GST_BUFFER_OFFSET_END(copy.get()) = GST_BUFFER_OFFSET_NONE;
  return copy;
}

}  // namespace

VideoLane::VideoLane(GstElement* element, GstPad* src, LaneStats& stats, GstPtr<GstSample> picture)
    : Lane{element, src, "video", stats}, picture_{std::move(picture)} {}

void VideoLane::configure(const FlywheelSettings& settings) {
  line_.set_max_wait(max_wait(settings));
  line_.set_slate_after(to_duration(settings.slate_after).value_or(Duration{0}));
  line_.set_rate(caps_rate_.num > 0
                     ? caps_rate_
                     : VideoLine::FrameRate{.num = static_cast<std::uint32_t>(settings.fill_num),
                                            .den = static_cast<std::uint32_t>(settings.fill_den)});
}

bool VideoLane::set_caps(GstCaps* caps) {
  last_.reset();
  slate_.reset();
  info_.reset();
  gint num = 0;
  gint den = 1;
  gst_structure_get_fraction(gst_caps_get_structure(caps, 0), "framerate", &num, &den);
  caps_rate_ = {.num = static_cast<std::uint32_t>(std::max(0, num)),
                .den = static_cast<std::uint32_t>(std::max(1, den))};
  const GstCapsFeatures* features = gst_caps_get_features(caps, 0);
  const bool is_in_memory =
      !features || gst_caps_features_get_size(features) == 0 ||
      gst_caps_features_contains(features, GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY);
  GstVideoInfo info;
  if (is_in_memory && gst_video_info_from_caps(&info, caps))
    info_ = info;
  else
    GST_INFO_OBJECT(element_,
                    "no slate can be painted in %" GST_PTR_FORMAT
                    ": the last picture is "
                    "repeated instead",
                    caps);
  return true;
}

void VideoLane::begin(RunningTime at) {
  line_.begin(at);
}

std::optional<RunningTime> VideoLane::deadline() const {
  return line_.deadline();
}

GstFlowReturn VideoLane::on_buffer(GstPtr<GstBuffer> buffer, std::optional<RunningTime> start,
                                   std::optional<RunningTime> now) {
  const auto plan = line_.on_input(start, now);
  stats_.lag = line_.lag();
  if (is_dropped(plan.kind, plan.by))
    return GST_FLOW_OK;
  if (plan.fill_until)
    if (const GstFlowReturn flow = fill_until(*plan.fill_until, plan.is_hole); flow != GST_FLOW_OK)
      return flow;
  line_.advance(plan.start);
  buffer = GstPtr<GstBuffer>::adopt(gst_buffer_make_writable(buffer.release()));
  GST_BUFFER_PTS(buffer.get()) = to_gst(plan.start);
  GST_BUFFER_DTS(buffer.get()) = GST_CLOCK_TIME_NONE;
  if (plan.kind == ArrivalKind::Leap)
    GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
  last_ = buffer;
  return push_input(std::move(buffer));
}

GstFlowReturn VideoLane::on_gap(RunningTime start, Duration length,
                                std::optional<RunningTime> now) {
  const auto until = line_.on_gap(start, length, now);
  return until ? fill_until(*until, false) : GST_FLOW_OK;
}

GstFlowReturn VideoLane::fill() {
  return push_fill(line_.fill(), false);
}

GstFlowReturn VideoLane::fill_until(RunningTime until, bool is_hole) {
  while (const auto fill = line_.fill_before(until, is_hole))
    if (const GstFlowReturn flow = push_fill(*fill, is_hole); flow != GST_FLOW_OK)
      return flow;
  return GST_FLOW_OK;
}

GstFlowReturn VideoLane::push_fill(const VideoLine::Fill& fill, bool is_hole) {
  const bool is_slate = fill.picture == VideoLine::Picture::Slate && !is_hole;
  auto picture = is_slate || !last_ ? slate() : GstPtr<GstBuffer>{};
  if (picture) {
    ++stats_.slates;
  } else if (last_) {
    picture = repeat(last_.get());
    ++stats_.repeated;
  } else {
    return GST_FLOW_OK;  // nothing there to show
  }
  return push_filler(std::move(picture), fill.start, fill.length, !is_hole);
}

GstPtr<GstBuffer> VideoLane::slate() {
  if (slate_)
    return repeat(slate_.get());
  if (info_)
    slate_ = paint_slate(*info_, picture_.get());
  // The first one is news.
  auto first = slate_ ? repeat(slate_.get()) : GstPtr<GstBuffer>{};
  if (first)
    GST_BUFFER_FLAG_UNSET(first.get(), GST_BUFFER_FLAG_GAP);
  return first;
}

}  // namespace onair
