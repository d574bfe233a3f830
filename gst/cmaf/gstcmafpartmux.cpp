// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-cmafpartmux
 * @title: cmafpartmux
 * @short_description: Fragmented MP4 whose fragments end where they are told to
 *
 * Writes H.264 and AAC or MP3 as fragmented MP4, as CMAF, DASH and HLS use it: an init segment
 * (ftyp and moov; a buffer with the flag HEADER), then fragments (moof and mdat; a buffer each).
 *
 * A fragment is what came in front of a serialized custom event `onair-part`, which is pushed on
 * every pad behind the last frame of a part. When the last pad has got it, one fragment with all
 * tracks goes out, and the event behind it. A part may be anything: without picture, or begun by a
 * picture that is no key frame (its buffer has the flag DELTA_UNIT). A part without any frame is no
 * fragment, and its event goes out alone. A field `end` of the event (guint64: the running time at
 * which the part ends) makes the part's last picture last until there, whatever duration its
 * buffer says.
 *
 * The decode time of a fragment (tfdt) is the running time of its first sample in the track's
 * timescale: for sound the sample rate, for picture 90000. There is no edit list, and times of one
 * fragment do not depend on any other, so holes stay where they are.
 *
 * When caps change, or come for a pad that had none, a new init segment goes out in front of the
 * next fragment. If that pad has frames of the current part, these go out first, as a fragment of
 * their own. Change caps between two parts.
 *
 * It has no queue and no thread: one thread feeds all pads, and a part's event is on every pad
 * before the next part's first frame is on any. Without events there is one fragment, at the end.
 *
 * Stock `mp4mux` ends fragments by duration or at key frames, each track by itself.
 *
 * MP3 is for players that are no browser: Chromium (156) takes MP3 in MP4 under none of its names
 * (mp3, mp4a.6B, mp4a.69, mp4a.40.34) for Media Source Extensions.
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 -e videotestsrc num-buffers=150 ! video/x-raw,format=I420,framerate=30/1 \
 *   ! x264enc tune=zerolatency ! h264parse ! video/x-h264,stream-format=avc ! cmafpartmux \
 *   ! filesink location=one-fragment.mp4
 * ]| Writes an init segment and one fragment of 5 s.
 *
 * Since: 0.1
 */

#include "gstcmafpartmux.h"

#include <string>

#include "glue/paired_pads.hpp"
#include "part_mux.hpp"

GST_DEBUG_CATEGORY(gst_cmaf_part_mux_debug);
#define GST_CAT_DEFAULT gst_cmaf_part_mux_debug

using onair::GstPtr;
using onair::PadNames;
using onair::PartMux;

struct _GstCmafPartMux {
  GstElement parent;
  PartMux* mux;
  PadNames* names;
};

static GstStaticPadTemplate audio_template = GST_STATIC_PAD_TEMPLATE(
    "audio_%u", GST_PAD_SINK, GST_PAD_REQUEST,
    GST_STATIC_CAPS("audio/mpeg, mpegversion=(int)4, stream-format=(string)raw, "
                    "framed=(boolean)true; audio/mpeg, mpegversion=(int)1, "
                    "layer=(int)3, parsed=(boolean)true"));
static GstStaticPadTemplate video_template = GST_STATIC_PAD_TEMPLATE(
    "video_%u", GST_PAD_SINK, GST_PAD_REQUEST,
    GST_STATIC_CAPS("video/x-h264, stream-format=(string){ avc, avc3 }, alignment=(string)au"));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS("video/quicktime, variant=(string)iso-fragmented"));

#define gst_cmaf_part_mux_parent_class parent_class
G_DEFINE_FINAL_TYPE(GstCmafPartMux, gst_cmaf_part_mux, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(cmafpartmux, "cmafpartmux", GST_RANK_NONE,
                                      GST_TYPE_CMAF_PART_MUX,
                                      GST_DEBUG_CATEGORY_INIT(gst_cmaf_part_mux_debug,
                                                              "cmafpartmux", 0,
                                                              "fragments that end when told"))

static GstFlowReturn gst_cmaf_part_mux_chain(GstPad* pad, GstObject* parent,
                                             GstBuffer* raw) noexcept {
  return GST_CMAF_PART_MUX(parent)->mux->on_buffer(pad, GstPtr<GstBuffer>::adopt(raw));
}

static gboolean gst_cmaf_part_mux_sink_event(GstPad* pad, GstObject* parent,
                                             GstEvent* raw) noexcept {
  return GST_CMAF_PART_MUX(parent)->mux->on_event(pad, GstPtr<GstEvent>::adopt(raw));
}

static GstPad* gst_cmaf_part_mux_request_new_pad(GstElement* element, GstPadTemplate* templ,
                                                 const gchar* name, const GstCaps*) noexcept {
  auto* self = GST_CMAF_PART_MUX(element);
  const bool is_audio = g_strcmp0(GST_PAD_TEMPLATE_NAME_TEMPLATE(templ), "audio_%u") == 0;
  const std::string kind = is_audio ? "audio" : "video";
  const auto index = self->names->take(kind, name);
  if (index.empty()) {
    GST_WARNING_OBJECT(element, "no pad %s: it exists, or its number is none", name);
    return nullptr;
  }
  GstPad* pad = gst_pad_new_from_static_template(is_audio ? &audio_template : &video_template,
                                                 (kind + "_" + index).c_str());
  gst_pad_set_chain_function(pad, gst_cmaf_part_mux_chain);
  gst_pad_set_event_function(pad, gst_cmaf_part_mux_sink_event);
  self->mux->add(pad, !is_audio);
  if (GST_STATE_TARGET(element) > GST_STATE_READY)
    gst_pad_set_active(pad, TRUE);
  gst_element_add_pad(element, pad);
  return pad;
}

static void gst_cmaf_part_mux_release_pad(GstElement* element, GstPad* pad) noexcept {
  auto* self = GST_CMAF_PART_MUX(element);
  gst_pad_set_active(pad, FALSE);
  self->mux->remove(pad);
  const std::string name{GST_OBJECT_NAME(pad)};
  gst_element_remove_pad(element, pad);
  self->names->give_back(name);
}

static GstStateChangeReturn gst_cmaf_part_mux_change_state(GstElement* element,
                                                           GstStateChange transition) noexcept {
  const auto result = GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    GST_CMAF_PART_MUX(element)->mux->reset();
  return result;
}

static void gst_cmaf_part_mux_finalize(GObject* object) noexcept {
  auto* self = GST_CMAF_PART_MUX(object);
  delete self->mux;
  delete self->names;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_cmaf_part_mux_init(GstCmafPartMux* self) {
  GstPad* src = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_use_fixed_caps(src);
  gst_element_add_pad(GST_ELEMENT(self), src);
  self->mux = new PartMux{GST_ELEMENT(self), src};
  self->names = new PadNames;
}

static void gst_cmaf_part_mux_class_init(GstCmafPartMuxClass* klass) {
  auto* element_class = GST_ELEMENT_CLASS(klass);
  G_OBJECT_CLASS(klass)->finalize = gst_cmaf_part_mux_finalize;
  for (auto* templ : {&audio_template, &video_template, &src_template})
    gst_element_class_add_static_pad_template(element_class, templ);
  gst_element_class_set_static_metadata(element_class, "CMAF part muxer", "Codec/Muxer",
                                        "Fragmented MP4 whose fragments end where they are told to",
                                        "The gst-onair developers");
  element_class->change_state = gst_cmaf_part_mux_change_state;
  element_class->request_new_pad = gst_cmaf_part_mux_request_new_pad;
  element_class->release_pad = gst_cmaf_part_mux_release_pad;
}
