// SPDX-License-Identifier: LGPL-2.1-or-later
#include "video_choice.hpp"

#include <utility>

#include <gst/video/video.h>

#include "chains.hpp"
#include "placement.hpp"

namespace onair {
namespace {

constexpr const char* kCuda = "memory:CUDAMemory";

bool is_cuda(const GstCaps* caps) {
  const auto* features = gst_caps_get_features(caps, 0);
  return features && gst_caps_features_contains(features, kCuda);
}

bool is_installed(const char* factory) {
  return static_cast<bool>(GstPtr<GstElementFactory>::adopt(gst_element_factory_find(factory)));
}

// Whether there is such a property, and it has another value. nvh264enc of 1.22 makes a key frame whenever it is
// told something, be it what it knows.
bool differs(GObject* codec, const char* property, const std::string& value) {
  if (!g_object_class_find_property(G_OBJECT_GET_CLASS(codec), property))
    return false;
  GValue now = G_VALUE_INIT;
  g_object_get_property(codec, property, &now);
  const GMemory<char> text{gst_value_serialize(&now)};
  g_value_unset(&now);
  return !text || value != text.get();
}

// Of a picture in YUV its own, so that scaling is all that is to be done.
std::string colorimetry_of(const GstVideoInfo& picture, const VideoRendition& rendition) {
  GstVideoInfo frame;
  gst_video_info_init(&frame);
  gst_video_info_set_format(&frame, GST_VIDEO_FORMAT_I420, static_cast<guint>(rendition.width),
                            static_cast<guint>(rendition.height));
  const bool is_yuv = GST_VIDEO_INFO_IS_YUV(&picture) &&
                      picture.colorimetry.matrix != GST_VIDEO_COLOR_MATRIX_UNKNOWN &&
                      picture.colorimetry.matrix != GST_VIDEO_COLOR_MATRIX_RGB;
  const GMemory<char> text{
      gst_video_colorimetry_to_string(is_yuv ? &picture.colorimetry : &frame.colorimetry)};
  return text ? text.get() : GST_VIDEO_COLORIMETRY_BT709;
}

}  // namespace

VideoChoice::VideoChoice(VideoRendition rendition, Families families)
    : rendition_{rendition},
      families_{std::move(families)},
      budget_{rendition.bps, rendition.fps} {}

GstPtr<GstCaps> VideoChoice::takes() const {
  return GstPtr<GstCaps>::adopt(gst_caps_from_string(
      is_installed("cudadownload") ? "video/x-raw(memory:CUDAMemory); video/x-raw"
                                   : "video/x-raw"));
}

std::string VideoChoice::kind_of(const GstCaps* caps) const {
  return is_cuda(caps) ? "pictures in the GPU's memory" : "pictures in memory";
}

std::vector<Alternatives::Candidate> VideoChoice::candidates(const GstCaps* caps) const {
  std::vector<Candidate> candidates;
  for (auto& chain :
       video_chains(rendition_, is_cuda(caps) ? Memory::Cuda : Memory::System, families_)) {
    Candidate candidate{
        .name = std::move(chain.name), .description = std::move(chain.description), .settings = {}};
    for (auto& [property, value] : chain.settings)
      candidate.settings.push_back({std::move(property), std::move(value)});
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

GstPtr<GstCaps> VideoChoice::frame_caps(int width, int height, bool is_on_gpu) const {
  auto caps = GstPtr<GstCaps>::adopt(gst_caps_new_simple(
      "video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT, width, "height",
      G_TYPE_INT, height, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, "colorimetry",
      G_TYPE_STRING, colorimetry_->c_str(), nullptr));
  if (is_on_gpu)
    gst_caps_set_features(caps.get(), 0, gst_caps_features_new(kCuda, nullptr));
  return caps;
}

void VideoChoice::prepare(GstElement* chain, const GstCaps* caps) {
  tell(chain, budget_.rate());
  GstVideoInfo info;
  const auto inner = child(chain, "inner");
  if (!inner || !gst_video_info_from_caps(&info, caps))
    return;
  if (!colorimetry_)
    colorimetry_ = colorimetry_of(info, rendition_);
  const auto placed = place({.width = GST_VIDEO_INFO_WIDTH(&info),
                             .height = GST_VIDEO_INFO_HEIGHT(&info),
                             .par_num = GST_VIDEO_INFO_PAR_N(&info),
                             .par_den = GST_VIDEO_INFO_PAR_D(&info)},
                            rendition_);
  // The GPU has no element that crops: chains that scale there are for pictures that are not.
  const auto crop = child(chain, "crop");
  if (crop)
    g_object_set(crop.get(), "left", placed.crop_left, "right", placed.crop_right, "top",
                 placed.crop_top, "bottom", placed.crop_bottom, nullptr);
  // Where the picture reaches two edges of the frame the scaler makes the borders, which saves a copy.
  const bool reaches_edges = placed.width == rendition_.width || placed.height == rendition_.height;
  const bool scaler_makes_borders = rendition_.fit == Fit::Letterbox && reaches_edges;
  const auto border = [&](int pixels) { return scaler_makes_borders ? 0 : -pixels; };
  const auto size = scaler_makes_borders ? std::pair{rendition_.width, rendition_.height}
                                         : std::pair{placed.width, placed.height};
  g_object_set(child(chain, "box").get(), "left", border(placed.border_left), "right",
               border(placed.border_right), "top", border(placed.border_top), "bottom",
               border(placed.border_bottom), nullptr);
  g_object_set(inner.get(), "caps", frame_caps(size.first, size.second, !crop).get(), nullptr);
  g_object_set(child(chain, "scale").get(), "add-borders", scaler_makes_borders, nullptr);
  g_object_set(child(chain, "frame").get(), "caps",
               frame_caps(rendition_.width, rendition_.height, false).get(), nullptr);
}

void VideoChoice::on_buffer(GstElement* chain, RunningTime at) {
  if (const auto rate = budget_.on_frame(at))
    tell(chain, *rate);
}

void VideoChoice::tell(GstElement* chain, const RateBudget::Rate& rate) const {
  const auto codec = child(chain, "codec");
  if (!codec)
    return;
  for (const auto& [property, value] :
       rate_settings(GST_OBJECT_NAME(gst_element_get_factory(codec.get())), rate))
    if (differs(G_OBJECT(codec.get()), property.c_str(), value))
      gst_util_set_object_arg(G_OBJECT(codec.get()), property.c_str(), value.c_str());
}

}  // namespace onair
