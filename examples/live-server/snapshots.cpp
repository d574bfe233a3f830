// SPDX-License-Identifier: LGPL-2.1-or-later
#include "snapshots.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include <glib/gstdio.h>
#include <gst/video/video.h>

#include "glue/guarded.hpp"
#include "log.hpp"

namespace live {
namespace {

using onair::ErrorPtr;
using onair::GstPtr;

constexpr GstClockTime kPatience = 2 * GST_SECOND;  // with the encoder

// As wide as kWidth, and upright: pictures of a broadcast have square pixels.
GstPtr<GstCaps> jpeg_like(GstCaps* caps) {
  int width = 0;
  int height = 0;
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  gst_structure_get(structure, "width", G_TYPE_INT, &width, "height", G_TYPE_INT, &height, nullptr);
  if (width <= 0 || height <= 0)
    return {};
  return GstPtr<GstCaps>::adopt(
      gst_caps_new_simple("image/jpeg", "width", G_TYPE_INT, Snapshots::kWidth, "height",
                          G_TYPE_INT, std::max(2, Snapshots::kWidth * height / width),
                          "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, nullptr));
}

}  // namespace

struct Snapshots::Shared {
  const std::string file;
  std::atomic<bool> is_wanted = true;  // a picture, by the next look
  onair::Guarded<GstPtr<GstSample>> newest;
  bool is_over = false;  // main thread
  bool has_failed = false;

  void write(GstSample* picture, const GError* error);
};

// Viewers of a page get a whole file, the former one or this.
void Snapshots::Shared::write(GstSample* picture, const GError* error) {
  if (is_over)
    return;
  ErrorPtr failure{error ? g_error_copy(error) : nullptr};
  if (picture) {
    GstMapInfo map;
    GstBuffer* buffer = gst_sample_get_buffer(picture);
    if (gst_buffer_map(buffer, &map, GST_MAP_READ)) {
      GError* raw = nullptr;
      g_file_set_contents(file.c_str(), reinterpret_cast<const char*>(map.data),
                          static_cast<gssize>(map.size), &raw);
      failure.reset(raw);
      gst_buffer_unmap(buffer, &map);
    }
  }
  if (failure && !std::exchange(has_failed, true))
    log_line("no thumbnail: %s", failure->message);
}

Snapshots::Snapshots(const GstPtr<GstPad>& pad, const std::string& folder)
    : pad_{pad}, shared_{new Shared{.file = folder + "/" + kName}} {
  const auto on_picture = [](GstPad* from, GstPadProbeInfo* info, gpointer data) {
    auto& shared = *static_cast<std::shared_ptr<Shared>*>(data);
    if (shared->is_wanted.exchange(false)) {
      const auto caps = GstPtr<GstCaps>::adopt(gst_pad_get_current_caps(from));
      shared->newest.set(GstPtr<GstSample>::adopt(
          gst_sample_new(gst_pad_probe_info_get_buffer(info), caps.get(), nullptr, nullptr)));
    }
    return GST_PAD_PROBE_OK;
  };
  probe_ = gst_pad_add_probe(
      pad_.get(), GST_PAD_PROBE_TYPE_BUFFER, on_picture, new std::shared_ptr<Shared>{shared_},
      [](gpointer data) { delete static_cast<std::shared_ptr<Shared>*>(data); });
  timer_.start(kEveryMs / 4, [this] { look(); });
}

Snapshots::~Snapshots() {
  gst_pad_remove_probe(pad_.get(), probe_);
  shared_->is_over = true;
  g_unlink(shared_->file.c_str());
}

void Snapshots::look() {
  timer_.start(kEveryMs, [this] { look(); });
  const auto picture = std::exchange(*shared_->newest.lock(), {});
  shared_->is_wanted = true;
  const auto caps = picture ? jpeg_like(gst_sample_get_caps(picture.get())) : GstPtr<GstCaps>{};
  if (!caps)
    return;
  const auto on_made = [](GstSample* made, GError* error, gpointer data) {
    const auto jpeg = GstPtr<GstSample>::adopt(made);
    const ErrorPtr failure{error};
    (*static_cast<std::shared_ptr<Shared>*>(data))->write(jpeg.get(), failure.get());
  };
  gst_video_convert_sample_async(
      picture.get(), caps.get(), kPatience, on_made, new std::shared_ptr<Shared>{shared_},
      [](gpointer data) { delete static_cast<std::shared_ptr<Shared>*>(data); });
}

}  // namespace live
