// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-fallbackdecoder
 * @title: fallbackdecoder
 * @short_description: Decodes with the best decoder that works on this machine, and goes on with the next
 *
 * Takes encoded picture or sound of any kind that some installed decoder takes, and decodes it with the one of
 * the highest rank, NVIDIA's before others of a GPU before those on the CPU. One that does not start, or that
 * fails while data flows, is replaced by the next one, with a warning message; upstream is asked for a key frame
 * then. When all have failed they are tried again each second; only when none has ever worked that is an error. What
 * is raw already passes.
 *
 * Pictures that NVIDIA's decoder makes stay in the GPU's memory where downstream takes them there, as `flywheel`
 * and `abrladder` do.
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=90 ! video/x-raw,format=I420,width=320,height=240 ! x264enc tune=zerolatency \
 *   ! fallbackdecoder ! fakesink
 * ]| Encodes three seconds and decodes them with what there is.
 *
 * Since: 0.1
 */

#include "gstfallbackdecoder.h"

#include <memory>
#include <string>

#include "decoder_choice.hpp"

struct _GstFallbackDecoder {
  GstFallbackBin parent;
};

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw(ANY); audio/x-raw"));

enum : guint { kFamilies = 1, kDecoder };

#define gst_fallback_decoder_parent_class parent_class
G_DEFINE_FINAL_TYPE(GstFallbackDecoder, gst_fallback_decoder, GST_TYPE_FALLBACK_BIN)
GST_ELEMENT_REGISTER_DEFINE(fallbackdecoder, "fallbackdecoder", GST_RANK_NONE,
                            GST_TYPE_FALLBACK_DECODER)

static onair::DecoderChoice& choice_of(gpointer decoder) {
  return static_cast<onair::DecoderChoice&>(
      onair::fallback_of(GST_ELEMENT(decoder)).alternatives());
}

static void gst_fallback_decoder_set_property(GObject* object, guint, const GValue* value,
                                              GParamSpec*) noexcept {
  const char* text = g_value_get_string(value);
  if (!choice_of(object).allow(text ? text : ""))
    g_critical("fallbackdecoder: families either allows or forbids, not both: %s", text);
}

static void gst_fallback_decoder_get_property(GObject* object, guint id, GValue* value,
                                              GParamSpec*) noexcept {
  const auto text = id == kFamilies ? choice_of(object).allowed()
                                    : onair::fallback_of(GST_ELEMENT(object)).name();
  g_value_set_string(value, text.empty() ? nullptr : text.c_str());
}

static void gst_fallback_decoder_init(GstFallbackDecoder* self) {
  auto* klass = GST_ELEMENT_GET_CLASS(self);
  onair::fill_fallback_bin(
      GST_FALLBACK_BIN(self), gst_element_class_get_pad_template(klass, "sink"),
      gst_element_class_get_pad_template(klass, "src"), std::make_unique<onair::DecoderChoice>());
}

static void gst_fallback_decoder_class_init(GstFallbackDecoderClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_fallback_decoder_set_property;
  object_class->get_property = gst_fallback_decoder_get_property;
  /**
   * GstFallbackDecoder:families:
   *
   * Names of plugins, with `nvidia` for NVIDIA's: `libav,openh264` allows these two, in this order;
   * `-nvidia` forbids it. Counts from the next caps on.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, kFamilies,
      g_param_spec_string(
          "families", "Families",
          "Whose decoders may be used, in this order, as in libav,openh264; or whose may "
          "not, as in -nvidia. None: all",
          nullptr,
          static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                   GST_PARAM_MUTABLE_READY)));
  /**
   * GstFallbackDecoder:decoder:
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, kDecoder,
      g_param_spec_string("decoder", "Decoder",
                          "The element that decodes now; none before data flows", nullptr,
                          static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "Fallback decoder",
                                        "Codec/Decoder/Audio/Video",
                                        "Decodes with the best decoder that works on this machine, "
                                        "and goes on with the next when it fails",
                                        "The gst-onair developers");
}
