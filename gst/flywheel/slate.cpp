// SPDX-License-Identifier: LGPL-2.1-or-later
#include "slate.hpp"

#include <algorithm>
#include <array>
#include <memory>

namespace onair {

namespace {

constexpr GstClockTime kPatience = 5 * GST_SECOND;
constexpr guint kBlack = 0xff000000;  // ARGB
// What pictures are decoded to.
constexpr GstVideoFormat kFormat = GST_VIDEO_FORMAT_BGRA;

struct ConverterFree {
  void operator()(GstVideoConverter* converter) const { gst_video_converter_free(converter); }
};

// In the target's own colours and size: a matrix from RGB leaves some of its rounding in the chroma, a
// scaler too.
GstPtr<GstSample> make_black(const GstVideoInfo& target) {
  const auto width = static_cast<guint>(target.width);
  const auto height = static_cast<guint>(target.height);
  GstVideoInfo info;
  std::array<guint8, 4> pixel{0, 0, 0, 0xff};  // BGRA
  if (GST_VIDEO_INFO_IS_RGB(&target)) {
    gst_video_info_set_format(&info, kFormat, width, height);
  } else {
    gst_video_info_set_format(&info, GST_VIDEO_FORMAT_AYUV, width, height);
    info.colorimetry = target.colorimetry;
    gint offset[GST_VIDEO_MAX_COMPONENTS];
    gint scale[GST_VIDEO_MAX_COMPONENTS];
    gst_video_color_range_offsets(target.colorimetry.range, info.finfo, offset, scale);
    pixel = {0xff, static_cast<guint8>(offset[0]), static_cast<guint8>(offset[1]),
             static_cast<guint8>(offset[2])};
  }
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, info.size, nullptr));
  GstMapInfo map;
  if (!gst_buffer_map(buffer.get(), &map, GST_MAP_WRITE))
    return {};
  for (gsize i = 0; i < map.size; ++i)
    map.data[i] = pixel[i % pixel.size()];
  gst_buffer_unmap(buffer.get(), &map);
  const auto caps = GstPtr<GstCaps>::adopt(gst_video_info_to_caps(&info));
  return GstPtr<GstSample>::adopt(gst_sample_new(buffer.get(), caps.get(), nullptr, nullptr));
}

// Where a picture with square pixels goes, on even lines and columns for the sake of chroma.
GstVideoRectangle place(const GstVideoInfo& picture, const GstVideoInfo& info) {
  const GstVideoRectangle source{.x = 0,
                                 .y = 0,
                                 .w = picture.width * std::max(1, info.par_d),
                                 .h = picture.height * std::max(1, info.par_n)};
  const GstVideoRectangle frame{.x = 0, .y = 0, .w = info.width, .h = info.height};
  GstVideoRectangle placed;
  gst_video_center_rect(&source, &frame, &placed, TRUE);
  placed.x &= ~1;
  placed.y &= ~1;
  return placed;
}

}  // namespace

Picture load_picture(const std::string& location) {
  GError* raw_error = nullptr;
  const auto pipeline = GstPtr<GstElement>::sink(gst_parse_launch(
      "filesrc name=file ! decodebin ! videoconvert ! video/x-raw,format=BGRA ! fakesink name=sink",
      &raw_error));
  const ErrorPtr parse_error{raw_error};
  if (!pipeline || parse_error)
    return {.error = parse_error ? parse_error->message : "no pipeline"};
  const auto child = [&](const char* name) {
    return GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), name));
  };
  g_object_set(child("file").get(), "location", location.c_str(), nullptr);

  Picture picture;
  gst_element_set_state(pipeline.get(), GST_STATE_PAUSED);
  const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(pipeline.get()));
  const auto message = GstPtr<GstMessage>::adopt(gst_bus_timed_pop_filtered(
      bus.get(), kPatience,
      static_cast<GstMessageType>(GST_MESSAGE_ASYNC_DONE | GST_MESSAGE_ERROR | GST_MESSAGE_EOS)));
  if (message && GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR) {
    gst_message_parse_error(message.get(), &raw_error, nullptr);
    const ErrorPtr error{raw_error};
    picture.error = error->message;
  } else {
    GstSample* sample = nullptr;
    g_object_get(child("sink").get(), "last-sample", &sample, nullptr);
    picture.sample = GstPtr<GstSample>::adopt(sample);
    if (!sample)
      picture.error = message ? "there is no picture in it" : "it took too long";
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return picture;
}

GstPtr<GstBuffer> paint_slate(const GstVideoInfo& info, GstSample* picture) {
  if (!info.finfo->pack_func)
    return {};
  const auto source = picture ? GstPtr<GstSample>::share(picture) : make_black(info);
  GstVideoInfo source_info;
  if (!source || !gst_video_info_from_caps(&source_info, gst_sample_get_caps(source.get())))
    return {};
  const GstVideoRectangle to =
      picture ? place(source_info, info) : GstVideoRectangle{0, 0, info.width, info.height};
  // The converter wants both at the same rate.
  source_info.fps_n = info.fps_n;
  source_info.fps_d = info.fps_d;
  source_info.interlace_mode = info.interlace_mode;
  GstVideoInfo target_info = info;
  const std::unique_ptr<GstVideoConverter, ConverterFree> converter{gst_video_converter_new(
      &source_info, &target_info,
      gst_structure_new("slate", GST_VIDEO_CONVERTER_OPT_DEST_X, G_TYPE_INT, to.x,
                        GST_VIDEO_CONVERTER_OPT_DEST_Y, G_TYPE_INT, to.y,
                        GST_VIDEO_CONVERTER_OPT_DEST_WIDTH, G_TYPE_INT, to.w,
                        GST_VIDEO_CONVERTER_OPT_DEST_HEIGHT, G_TYPE_INT, to.h,
                        GST_VIDEO_CONVERTER_OPT_FILL_BORDER, G_TYPE_BOOLEAN, TRUE,
                        GST_VIDEO_CONVERTER_OPT_BORDER_ARGB, G_TYPE_UINT, kBlack, nullptr))};
  if (!converter)
    return {};
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, info.size, nullptr));
  gst_buffer_memset(buffer.get(), 0, 0, info.size);  // what no pixel covers
  GstVideoFrame from;
  GstVideoFrame onto;
  if (!gst_video_frame_map(&from, &source_info, gst_sample_get_buffer(source.get()), GST_MAP_READ))
    return {};
  if (!gst_video_frame_map(&onto, &target_info, buffer.get(), GST_MAP_WRITE)) {
    gst_video_frame_unmap(&from);
    return {};
  }
  gst_video_converter_frame(converter.get(), &from, &onto);
  gst_video_frame_unmap(&onto);
  gst_video_frame_unmap(&from);
  return buffer;
}

}  // namespace onair
