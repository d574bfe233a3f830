// SPDX-License-Identifier: LGPL-2.1-or-later
#include "video_branch.hpp"

#include <string>
#include <utility>

#include "glue/gsttime.hpp"
#include "glue/signals.hpp"
#include "gstfallbackbin.h"
#include "video_choice.hpp"

namespace onair {
namespace {

// Frames that wait for a slow encoder, and what waits while whoever writes it waits for something else.
struct Limits {
  guint frames;
  guint64 written;
};
constexpr Limits kLive{32, 10 * GST_SECOND};
constexpr Limits kOther{4, 200 * GST_MSECOND};

constexpr auto kDownstream =
    static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM);

}  // namespace

VideoBranch::VideoBranch(std::size_t its_index, const Rendition& its_rendition,
                         std::weak_ptr<Owner> owner)
    : index{its_index},
      rendition{its_rendition},
      gate{rendition.video->fps},
      owner_{std::move(owner)} {
  gst_segment_init(&segment_out_, GST_FORMAT_TIME);
}

std::shared_ptr<VideoBranch> VideoBranch::create(GstBin* bin, std::size_t index,
                                                 const Rendition& rendition,
                                                 const Families& encoders,
                                                 std::weak_ptr<Owner> owner) {
  std::shared_ptr<VideoBranch> branch{new VideoBranch{index, rendition, std::move(owner)}};
  const auto number = "-" + std::to_string(index);
  std::vector<GstPtr<GstElement>> elements{
      make_queue("video-waiting" + number, 0),
      GstPtr<GstElement>::sink(
          make_fallback_bin(("video-encoder" + number).c_str(),
                            std::make_unique<VideoChoice>(*rendition.video, encoders)))};
  for (auto& element : make_h264_parser(bin, "video-parser" + number))
    elements.push_back(std::move(element));
  elements.push_back(make_queue("video-written" + number, 0));
  branch->elements_ = {bin, std::move(elements)};
  if (branch->elements_.is_empty())
    return nullptr;
  const auto out = GstPtr<GstPad>::adopt(gst_element_get_static_pad(branch->encoder(), "src"));
  add_probe_weak(out.get(), kDownstream, on_encoded, branch);
  return branch;
}

bool VideoBranch::start(GstElement* tee) {
  tee_pad_ = GstPtr<GstPad>::adopt(gst_element_request_pad_simple(tee, "src_%u"));
  add_probe_weak(tee_pad_.get(), kDownstream, on_raw, shared_from_this());
  elements_.start();
  return gst_pad_link(tee_pad_.get(), elements_.sink().get()) == GST_PAD_LINK_OK;
}

void VideoBranch::take_away(GstElement* tee) {
  gst_element_release_request_pad(tee, tee_pad_.get());
  elements_.take_away();
}

void VideoBranch::limit(bool is_live) const {
  const auto& limits = is_live ? kLive : kOther;
  g_object_set(elements_.front(), "max-size-buffers", limits.frames, nullptr);
  g_object_set(elements_.back(), "max-size-time", limits.written, nullptr);
}

Duration VideoBranch::backlog() const {
  if (!newest_in || (newest_out && *newest_out >= *newest_in))
    return Duration{0};
  guint64 waiting = 0;
  g_object_get(elements_.back(), "current-level-time", &waiting, nullptr);
  if (waiting >= kLive.written)
    return Duration{0};
  return newest_out ? *newest_in - *newest_out : Duration{0};
}

void VideoBranch::forget() {
  gate.reset();
  newest_in.reset();
  newest_out.reset();
}

GstPadProbeReturn VideoBranch::on_encoded(GstPad*, GstPadProbeInfo* info, gpointer data) {
  const auto self = strong_from<VideoBranch>(data);
  if (!self)
    return GST_PAD_PROBE_OK;
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
    auto* event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
      gst_event_copy_segment(event, &self->segment_out_);
  } else if (const auto owner = self->owner_.lock()) {
    owner->on_coded(*self, to_running_time(self->segment_out_,
                                           GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info))));
  }
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn VideoBranch::on_raw(GstPad*, GstPadProbeInfo* info, gpointer data) {
  const auto self = strong_from<VideoBranch>(data);
  const auto owner = self ? self->owner_.lock() : nullptr;
  if (!owner)
    return GST_PAD_PROBE_OK;
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER)
    return owner->passes(*self) ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
  auto* event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  // What caps say of the rate is often not so, and changes: the encoder is told the most there can be.
  GstCaps* told = nullptr;
  gst_event_parse_caps(event, &told);
  const auto constant = GstPtr<GstCaps>::adopt(gst_caps_copy(told));
  const auto& rate = self->rendition.video->fps;
  gst_caps_set_simple(constant.get(), "framerate", GST_TYPE_FRACTION, rate.num, rate.den,
                      "interlace-mode", G_TYPE_STRING, "progressive", nullptr);
  gst_structure_remove_field(gst_caps_get_structure(constant.get(), 0), "max-framerate");
  info->data = gst_event_new_caps(constant.get());
  gst_event_unref(event);
  return GST_PAD_PROBE_OK;
}

}  // namespace onair
