// SPDX-License-Identifier: LGPL-2.1-or-later
#include "age_meter.hpp"

namespace live {

using onair::GstPtr;

AgeMeter::AgeMeter(GstElement* element, const GstPtr<GstPad>& pad)
    : pad_{pad}, sum_{new Sum{.element = GstPtr<GstElement>::share(element)}} {
  probe_ = gst_pad_add_probe(
      pad_.get(), GST_PAD_PROBE_TYPE_BUFFER, &AgeMeter::on_buffer, new std::shared_ptr<Sum>{sum_},
      [](gpointer data) { delete static_cast<std::shared_ptr<Sum>*>(data); });
}

AgeMeter::~AgeMeter() {
  gst_pad_remove_probe(pad_.get(), probe_);
}

GstPadProbeReturn AgeMeter::on_buffer(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  auto& sum = **static_cast<std::shared_ptr<Sum>*>(data);
  const auto event = GstPtr<GstEvent>::adopt(gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0));
  const auto now = gst_element_get_current_running_time(sum.element.get());
  const auto pts = GST_BUFFER_PTS(gst_pad_probe_info_get_buffer(info));
  if (!event || !GST_CLOCK_TIME_IS_VALID(now))
    return GST_PAD_PROBE_OK;
  const GstSegment* segment = nullptr;
  gst_event_parse_segment(event.get(), &segment);
  const auto time = gst_segment_to_running_time(segment, GST_FORMAT_TIME, pts);
  if (GST_CLOCK_TIME_IS_VALID(time)) {
    sum.ages += GST_CLOCK_DIFF(time, now);
    ++sum.count;
  }
  return GST_PAD_PROBE_OK;
}

std::optional<GstClockTimeDiff> AgeMeter::mean() {
  const auto count = sum_->count.exchange(0);
  const auto ages = sum_->ages.exchange(0);
  if (count > 0)
    last_ = ages / count;
  return last_;
}

}  // namespace live
