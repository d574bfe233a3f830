// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lane.hpp"

#include <algorithm>
#include <utility>

#include "glue/gsttime.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_flywheel_debug);
#define GST_CAT_DEFAULT gst_flywheel_debug

namespace onair {

namespace {

guint64 whole_ms(Duration duration) {
  return static_cast<guint64>(
      std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

// Other than an error these may pass. A pad whose element has not been started says that it flushes.
bool may_pass(GstFlowReturn flow) {
  return flow == GST_FLOW_NOT_LINKED || flow == GST_FLOW_NOT_NEGOTIATED ||
         flow == GST_FLOW_FLUSHING;
}

// As long as that something is linked, started or negotiated.
constexpr Duration kRefusedPatience = std::chrono::milliseconds{500};
// Filler keeps the pace that the input had, and what returns may be a little slower than that was.
constexpr Duration kAwayWait = std::chrono::milliseconds{200};

}  // namespace

GstStructure* to_structure(const LaneStats& stats) {
  return gst_structure_new(
      "application/x-flywheel-stats", "filling", G_TYPE_BOOLEAN,
      static_cast<gboolean>(stats.filling_since.has_value()), "filling-since", G_TYPE_UINT64,
      stats.filling_since ? to_gst(*stats.filling_since) : GST_CLOCK_TIME_NONE, "filled-ms",
      G_TYPE_UINT64, whole_ms(stats.filled), "concealed-ms", G_TYPE_UINT64,
      whole_ms(stats.concealed), "silence-ms", G_TYPE_UINT64, whole_ms(stats.silence), "repeated",
      G_TYPE_UINT64, guint64{stats.repeated}, "slates", G_TYPE_UINT64, guint64{stats.slates},
      "late", G_TYPE_UINT64, guint64{stats.late}, "late-samples", G_TYPE_UINT64,
      guint64{stats.late_samples}, "trimmed-samples", G_TYPE_UINT64, guint64{stats.trimmed_samples},
      "leaps", G_TYPE_UINT64, guint64{stats.leaps}, "rebases", G_TYPE_UINT64,
      guint64{stats.rebases}, "refused", G_TYPE_UINT64, guint64{stats.refused}, "lag", G_TYPE_INT64,
      gint64{stats.lag.value_or(Duration{0}).count()}, nullptr);
}

Lane::Lane(GstElement* element, GstPad* src, const char* media, LaneStats& stats)
    : element_{element}, stats_{stats}, src_{src}, media_{media} {}

Duration Lane::max_wait(const FlywheelSettings& settings) const {
  const auto wanted = to_duration(settings.max_wait).value_or(Duration{0});
  return is_away_ ? std::min(wanted, kAwayWait) : wanted;
}

bool Lane::is_dropped(ArrivalKind kind, Duration by) {
  switch (kind) {
    case ArrivalKind::InTime:
      return false;
    case ArrivalKind::Late:
      ++stats_.late;
      GST_DEBUG_OBJECT(element_, "%s came %.1f ms too late", media_, in_ms(by));
      return true;
    case ArrivalKind::Rebased:
      ++stats_.late;
      ++stats_.rebases;
      GST_INFO_OBJECT(
          element_, "%s has been too late for a second, by %.1f ms now: waiting for it to catch up",
          media_, in_ms(by));
      return true;
    case ArrivalKind::Leap:
      ++stats_.leaps;
      GST_INFO_OBJECT(element_, "%s leapt to another time line: %.1f ms are added from now on",
                      media_, in_ms(by));
      gst_element_post_message(
          element_, gst_message_new_element(
                        GST_OBJECT(element_),
                        gst_structure_new("flywheel-leap", "media", G_TYPE_STRING, media_, "by",
                                          G_TYPE_INT64, gint64{by.count()}, nullptr)));
      return false;
  }
  return false;
}

GstFlowReturn Lane::push_input(GstPtr<GstBuffer> buffer) {
  is_away_ = false;
  stats_.filling_since.reset();
  if (const auto ended = diary_.on_input()) {
    GST_INFO_OBJECT(element_, "%s is back after %.1f ms of filler", media_, in_ms(ended->filled));
    gst_element_post_message(
        element_, gst_message_new_element(
                      GST_OBJECT(element_),
                      gst_structure_new("flywheel-joined", "media", G_TYPE_STRING, media_, "since",
                                        G_TYPE_UINT64, to_gst(ended->since), "filled",
                                        G_TYPE_UINT64, to_gst(ended->filled), nullptr)));
  }
  if (refused_)
    GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
  refused_.reset();
  return gst_pad_push(src_, buffer.release());
}

GstFlowReturn Lane::push_filler(GstPtr<GstBuffer> buffer, RunningTime start, Duration length,
                                bool is_told) {
  stats_.filled += length;
  if (const auto began = is_told ? diary_.on_fill(start, length) : std::nullopt) {
    GST_INFO_OBJECT(element_, "no %s since %" GST_TIME_FORMAT ": filling", media_,
                    GST_TIME_ARGS(to_gst(began->since)));
    gst_element_post_message(
        element_, gst_message_new_element(
                      GST_OBJECT(element_),
                      gst_structure_new("flywheel-filling", "media", G_TYPE_STRING, media_, "since",
                                        G_TYPE_UINT64, to_gst(began->since), nullptr)));
  }
  if (const auto& stretch = diary_.stretch())
    stats_.filling_since = stretch->since;
  GST_BUFFER_PTS(buffer.get()) = to_gst(start);
  GST_BUFFER_DTS(buffer.get()) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION(buffer.get()) = to_gst(length);
  if (refused_)
    GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
  const GstFlowReturn flow = gst_pad_push(src_, buffer.release());
  if (may_pass(flow))
    refuse(flow, length);
  else
    refused_.reset();
  return flow;
}

void Lane::refuse(GstFlowReturn flow, Duration length) {
  if (!refused_) {
    refused_.emplace();
    GST_INFO_OBJECT(element_, "downstream does not take filler: %s", gst_flow_get_name(flow));
  }
  ++stats_.refused;
  refused_->length += length;
  if (refused_->length < kRefusedPatience || std::exchange(refused_->is_told, true))
    return;
  GST_ELEMENT_WARNING(
      element_, CORE, NEGOTIATION,
      ("What fills the stream is not taken; it is tried again and again"),
      ("%s: %s for %.0f ms", media_, gst_flow_get_name(flow), in_ms(refused_->length)));
}

}  // namespace onair
