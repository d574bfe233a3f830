// SPDX-License-Identifier: LGPL-2.1-or-later
#include "first_caps.hpp"

#include <utility>

#include <gst/audio/audio.h>
#include <gst/video/video.h>

namespace onair {

namespace {

// All fields that stock elements ask for.
constexpr const char* kWhole =
    "audio/x-raw, format=(string){ " GST_AUDIO_NE(S16) ", " GST_AUDIO_NE(F32) " }, "
    "layout=(string)interleaved, rate=(int)[1,max], channels=(int)[1,64]; "
    GST_VIDEO_CAPS_MAKE_WITH_FEATURES("ANY", GST_VIDEO_FORMATS_ALL);
// What is taken of them if it is left open, one after the other.
constexpr const char* kPreferred[] = {
    "audio/x-raw, channels=(int)2; video/x-raw(ANY), format=(string)I420",
    "audio/x-raw, rate=(int)48000; video/x-raw(ANY), pixel-aspect-ratio=(fraction)1/1"};

GstPtr<GstCaps> parse(const char* text) {
  return GstPtr<GstCaps>::adopt(gst_caps_from_string(text));
}

GstPtr<GstCaps> intersect(const GstPtr<GstCaps>& first, GstCaps* second) {
  return GstPtr<GstCaps>::adopt(
      gst_caps_intersect_full(first.get(), second, GST_CAPS_INTERSECT_FIRST));
}

// Nothing changes where they have nothing in common.
GstPtr<GstCaps> narrow(GstPtr<GstCaps> caps, GstCaps* to) {
  auto both = intersect(caps, to);
  return gst_caps_is_empty(both.get()) ? caps : both;
}

void fixate_sound(GstStructure* fields) {
  gst_structure_fixate_field_nearest_int(fields, "rate", GST_AUDIO_DEF_RATE);
  gst_structure_fixate_field_nearest_int(fields, "channels", 2);
  gint channels = 0;
  if (gst_structure_get_int(fields, "channels", &channels) && channels > 1 &&
      !gst_structure_has_field(fields, "channel-mask"))
    gst_structure_set(fields, "channel-mask", GST_TYPE_BITMASK,
                      gst_audio_channel_get_fallback_mask(channels), nullptr);
}

void fixate_picture(GstStructure* fields, gint rate_num, gint rate_den) {
  gst_structure_fixate_field_nearest_int(fields, "width", 640);
  gst_structure_fixate_field_nearest_int(fields, "height", 360);
  gst_structure_fixate_field_nearest_fraction(fields, "framerate", rate_num, rate_den);
}

}  // namespace

bool can_begin_with(const GstCaps* wanted) {
  if (gst_caps_is_any(wanted) || gst_caps_is_empty(wanted))
    return false;
  for (guint i = 1; i < gst_caps_get_size(wanted); ++i)
    if (!gst_structure_has_name(gst_caps_get_structure(wanted, i),
                                gst_structure_get_name(gst_caps_get_structure(wanted, 0))))
      return false;
  return gst_caps_can_intersect(wanted, parse(kWhole).get()) != FALSE;
}

GstPtr<GstCaps> choose_first_caps(GstCaps* wanted, GstCaps* accepted, gint rate_num,
                                  gint rate_den) {
  auto caps = narrow(intersect(GstPtr<GstCaps>::share(wanted), parse(kWhole).get()), accepted);
  for (const char* preferred : kPreferred)
    caps = narrow(std::move(caps), parse(preferred).get());
  caps = GstPtr<GstCaps>::adopt(gst_caps_truncate(caps.release()));
  caps = GstPtr<GstCaps>::adopt(gst_caps_make_writable(caps.release()));
  GstStructure* fields = gst_caps_get_structure(caps.get(), 0);
  if (gst_structure_has_name(fields, "audio/x-raw"))
    fixate_sound(fields);
  else
    fixate_picture(fields, rate_num, rate_den);
  return GstPtr<GstCaps>::adopt(gst_caps_fixate(caps.release()));
}

}  // namespace onair
