// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "timer.hpp"

namespace live {

// A small picture of what is on the air, for people who look after many channels: a JPEG file, replaced every
// few seconds, and removed with the broadcast. Made by whichever JPEG encoder GStreamer has; without one there
// is none. Main thread.
class Snapshots {
 public:
  static constexpr const char* kName = "thumbnail.jpg";
  static constexpr guint kEveryMs = 4'000;
  static constexpr int kWidth = 320;

  // Of the pictures that pass `pad`, into `folder`.
  Snapshots(const onair::GstPtr<GstPad>& pad, const std::string& folder);
  ~Snapshots();
  Snapshots(const Snapshots&) = delete;
  Snapshots& operator=(const Snapshots&) = delete;

 private:
  struct Shared;
  void look();

  onair::GstPtr<GstPad> pad_;
  std::shared_ptr<Shared> shared_;  // with the pad's thread, and with a picture that is being made
  gulong probe_ = 0;
  Timer timer_;
};

}  // namespace live
