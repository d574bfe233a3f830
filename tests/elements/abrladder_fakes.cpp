// SPDX-License-Identifier: LGPL-2.1-or-later
#include "abrladder_fakes.hpp"

#include <condition_variable>
#include <mutex>

#include "patience.hpp"

namespace onair::test {
namespace {

struct Hold {
  std::mutex mutex;
  std::condition_variable changed;
  bool holds = false;
  bool is_held = false;
};

Hold& hold() {
  static Hold it;
  return it;
}

void wait_while_held() {
  std::unique_lock lock{hold().mutex};
  hold().is_held = hold().holds;
  hold().changed.notify_all();
  hold().changed.wait(lock, [] { return !hold().holds; });
  hold().is_held = false;
}

void fill(GstBin* bin, FakeCodec& fake, const char* factory, bool can_be_held) {
  ++fake.made;
  GstElement* gate = gst_element_factory_make("identity", "gate");
  g_object_set(gate, "error-after", fake.fails_after, nullptr);
  if (can_be_held) {
    const auto on_handoff = +[](GstElement*, GstBuffer*, gpointer) { wait_while_held(); };
    g_signal_connect(gate, "handoff", G_CALLBACK(on_handoff), nullptr);
    g_object_set(gate, "signal-handoffs", TRUE, nullptr);
  }
  GstElement* real = gst_element_factory_make(factory, "real");
  GstElement* format = gst_element_factory_make("capsfilter", "format");
  if (can_be_held) {
    gst_util_set_object_arg(G_OBJECT(real), "tune", "zerolatency");
    // As nvh264enc from 1.26 on: no I420.
    gst_util_set_object_arg(G_OBJECT(format), "caps", "video/x-raw,format=NV12");
  }
  gst_bin_add_many(bin, gate, format, real, nullptr);
  gst_element_link_many(gate, format, real, nullptr);
  for (const auto& [name, element] : {std::pair{"sink", gate}, std::pair{"src", real}}) {
    GstPad* pad = gst_element_get_static_pad(element, name);
    gst_element_add_pad(GST_ELEMENT(bin), gst_ghost_pad_new(name, pad));
    gst_object_unref(pad);
  }
}

GstStateChangeReturn change_state(GstElementClass* parent, const FakeCodec& fake,
                                  GstElement* element, GstStateChange transition) {
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !fake.starts)
    return GST_STATE_CHANGE_FAILURE;
  return parent->change_state(element, transition);
}

GstStaticPadTemplate raw_sink =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw"));
GstStaticPadTemplate raw_src =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw"));
GstStaticPadTemplate coded_sink =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-h264"));
GstStaticPadTemplate coded_src =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-h264"));

}  // namespace

FakeCodec& fake_encoder() {
  static FakeCodec it;
  return it;
}

FakeCodec& fake_decoder() {
  static FakeCodec it;
  return it;
}

void hold_fake_encoder() {
  const std::lock_guard lock{hold().mutex};
  hold().holds = true;
}

void release_fake_encoder() {
  const std::lock_guard lock{hold().mutex};
  hold().holds = false;
  hold().changed.notify_all();
}

bool wait_until_fake_encoder_is_held() {
  std::unique_lock lock{hold().mutex};
  return hold().changed.wait_for(lock, kPatience, [] { return hold().is_held; });
}

}  // namespace onair::test

using onair::test::fake_decoder;
using onair::test::fake_encoder;

typedef GstBin FakeEncoder;
typedef GstBinClass FakeEncoderClass;
G_DEFINE_TYPE(FakeEncoder, fake_encoder, GST_TYPE_BIN)

static void fake_encoder_init(FakeEncoder* self) {
  onair::test::fill(self, fake_encoder(), "x264enc", true);
}

static void fake_encoder_class_init(FakeEncoderClass* klass) {
  auto* element_class = GST_ELEMENT_CLASS(klass);
  gst_element_class_add_static_pad_template(element_class, &onair::test::raw_sink);
  gst_element_class_add_static_pad_template(element_class, &onair::test::coded_src);
  gst_element_class_set_static_metadata(element_class, "Fake", "Codec/Encoder/Video", "Misbehaves",
                                        "The gst-onair developers");
  element_class->change_state = [](GstElement* element, GstStateChange transition) {
    return onair::test::change_state(GST_ELEMENT_CLASS(fake_encoder_parent_class), fake_encoder(),
                                     element, transition);
  };
}

typedef GstBin FakeDecoder;
typedef GstBinClass FakeDecoderClass;
G_DEFINE_TYPE(FakeDecoder, fake_decoder, GST_TYPE_BIN)

static void fake_decoder_init(FakeDecoder* self) {
  onair::test::fill(self, fake_decoder(), "avdec_h264", false);
}

static void fake_decoder_class_init(FakeDecoderClass* klass) {
  auto* element_class = GST_ELEMENT_CLASS(klass);
  gst_element_class_add_static_pad_template(element_class, &onair::test::coded_sink);
  gst_element_class_add_static_pad_template(element_class, &onair::test::raw_src);
  gst_element_class_set_static_metadata(element_class, "Fake", "Codec/Decoder/Video", "Misbehaves",
                                        "The gst-onair developers");
  element_class->change_state = [](GstElement* element, GstStateChange transition) {
    return onair::test::change_state(GST_ELEMENT_CLASS(fake_decoder_parent_class), fake_decoder(),
                                     element, transition);
  };
}

namespace onair::test {

// A class remembers its first factory, so they stay registered; who does not start is passed over.
FakeCodecs::FakeCodecs() {
  static const bool is_registered = [] {
    gst_element_register(nullptr, "nvh264enc", GST_RANK_NONE, fake_encoder_get_type());
    gst_element_register(nullptr, "nvh264dec", GST_RANK_PRIMARY + 100, fake_decoder_get_type());
    return true;
  }();
  (void)is_registered;
  fake_encoder() = FakeCodec{};
  fake_decoder() = FakeCodec{};
}

FakeCodecs::~FakeCodecs() {
  release_fake_encoder();
  fake_encoder().starts = false;
  fake_decoder().starts = false;
}

}  // namespace onair::test
