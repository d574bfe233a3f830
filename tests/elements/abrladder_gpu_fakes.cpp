// SPDX-License-Identifier: LGPL-2.1-or-later
#include "abrladder_gpu_fakes.hpp"

#include <mutex>
#include <string_view>
#include <utility>

#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>
#include <gst/video/video.h>

namespace {

constexpr const char* kCuda = "memory:CUDAMemory";

struct Fetched {
  std::mutex mutex;
  std::vector<onair::test::FetchedSize> sizes;
};

Fetched& fetched() {
  static Fetched it;
  return it;
}

// The same pictures, said to be elsewhere.
GstCaps* moved(const GstCaps* caps, const char* to, GstCaps* filter) {
  GstCaps* result = gst_caps_copy(caps);
  for (guint i = 0; i < gst_caps_get_size(result); ++i)
    gst_caps_set_features(result, i, gst_caps_features_new(to, nullptr));
  if (!filter)
    return result;
  GstCaps* filtered = gst_caps_intersect_full(filter, result, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref(result);
  return filtered;
}

GstStaticPadTemplate cuda_sink =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS("video/x-raw(memory:CUDAMemory),format={I420,NV12}"));
GstStaticPadTemplate cuda_src =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS("video/x-raw(memory:CUDAMemory),format={I420,NV12}"));
GstStaticPadTemplate system_sink = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw,format={I420,NV12}"));
GstStaticPadTemplate system_src = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw,format={I420,NV12}"));

}  // namespace

typedef GstBaseTransform FakeDownload;
typedef GstBaseTransformClass FakeDownloadClass;
G_DEFINE_TYPE(FakeDownload, fake_download, GST_TYPE_BASE_TRANSFORM)

static void fake_download_init(FakeDownload* self) {
  gst_base_transform_set_passthrough(self, TRUE);
}

static void fake_download_class_init(FakeDownloadClass* klass) {
  auto* element_class = GST_ELEMENT_CLASS(klass);
  gst_element_class_add_static_pad_template(element_class, &cuda_sink);
  gst_element_class_add_static_pad_template(element_class, &system_src);
  gst_element_class_set_static_metadata(element_class, "Fake", "Filter/Video", "Downloads nothing",
                                        "The gst-onair developers");
  klass->transform_caps = [](GstBaseTransform*, GstPadDirection from, GstCaps* caps,
                             GstCaps* filter) {
    return moved(caps, from == GST_PAD_SINK ? GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY : kCuda,
                 filter);
  };
  klass->set_caps = [](GstBaseTransform* self, GstCaps* in, GstCaps*) -> gboolean {
    GstVideoInfo info;
    const bool is_within_scaler = GST_OBJECT_NAME(self) == std::string_view{"within"};
    if (!is_within_scaler && gst_video_info_from_caps(&info, in)) {
      const std::lock_guard lock{fetched().mutex};
      fetched().sizes.push_back({GST_VIDEO_INFO_WIDTH(&info), GST_VIDEO_INFO_HEIGHT(&info)});
    }
    return TRUE;
  };
}

typedef GstBaseTransform FakeUpload;
typedef GstBaseTransformClass FakeUploadClass;
G_DEFINE_TYPE(FakeUpload, fake_upload, GST_TYPE_BASE_TRANSFORM)

static void fake_upload_init(FakeUpload* self) {
  gst_base_transform_set_passthrough(self, TRUE);
}

static void fake_upload_class_init(FakeUploadClass* klass) {
  auto* element_class = GST_ELEMENT_CLASS(klass);
  gst_element_class_add_static_pad_template(element_class, &system_sink);
  gst_element_class_add_static_pad_template(element_class, &cuda_src);
  gst_element_class_set_static_metadata(element_class, "Fake", "Filter/Video", "Uploads nothing",
                                        "The gst-onair developers");
  klass->transform_caps = [](GstBaseTransform*, GstPadDirection from, GstCaps* caps,
                             GstCaps* filter) {
    return moved(caps, from == GST_PAD_SINK ? kCuda : GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY,
                 filter);
  };
}

typedef GstBin FakeScale;
typedef GstBinClass FakeScaleClass;
G_DEFINE_TYPE(FakeScale, fake_scale, GST_TYPE_BIN)

static void fake_scale_init(FakeScale* self) {
  GstElement* in = GST_ELEMENT(g_object_new(fake_download_get_type(), "name", "within", nullptr));
  GstElement* real = gst_element_factory_make("videoconvertscale", "real");
  GstElement* out = GST_ELEMENT(g_object_new(fake_upload_get_type(), nullptr));
  gst_bin_add_many(self, in, real, out, nullptr);
  gst_element_link_many(in, real, out, nullptr);
  for (const auto& [name, element] : {std::pair{"sink", in}, std::pair{"src", out}}) {
    GstPad* pad = gst_element_get_static_pad(element, name);
    gst_element_add_pad(GST_ELEMENT(self), gst_ghost_pad_new(name, pad));
    gst_object_unref(pad);
  }
}

static void fake_scale_class_init(FakeScaleClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = [](GObject* object, guint, const GValue* value, GParamSpec*) {
    GstElement* real = gst_bin_get_by_name(GST_BIN(object), "real");
    g_object_set_property(G_OBJECT(real), "add-borders", value);
    gst_object_unref(real);
  };
  g_object_class_install_property(
      object_class, 1,
      g_param_spec_boolean("add-borders", "Add borders", "Keep proportions", FALSE,
                           G_PARAM_WRITABLE));
  gst_element_class_add_static_pad_template(element_class, &cuda_sink);
  gst_element_class_add_static_pad_template(element_class, &cuda_src);
  gst_element_class_set_static_metadata(element_class, "Fake", "Filter/Video", "Scales on the CPU",
                                        "The gst-onair developers");
}

namespace onair::test {

void register_fake_gpu() {
  static const bool is_registered = [] {
    gst_element_register(nullptr, "cudadownload", GST_RANK_NONE, fake_download_get_type());
    gst_element_register(nullptr, "cudaconvertscale", GST_RANK_NONE, fake_scale_get_type());
    return true;
  }();
  (void)is_registered;
  take_fetched_sizes();
}

std::vector<FetchedSize> take_fetched_sizes() {
  const std::lock_guard lock{fetched().mutex};
  return std::exchange(fetched().sizes, {});
}

}  // namespace onair::test
