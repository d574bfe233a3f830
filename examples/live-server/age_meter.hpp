// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace live {

// How old media is where it passes a pad: the pipeline's running time there less that of the buffer.
class AgeMeter {
 public:
  AgeMeter(GstElement* element, const onair::GstPtr<GstPad>& pad);
  ~AgeMeter();
  AgeMeter(const AgeMeter&) = delete;
  AgeMeter& operator=(const AgeMeter&) = delete;

  // Mean of what has passed since it was asked last; the former one if nothing has, nothing before the first.
  [[nodiscard]] std::optional<GstClockTimeDiff> mean();

 private:
  struct Sum {
    const onair::GstPtr<GstElement> element;
    std::atomic<gint64> ages = 0;  // ns
    std::atomic<gint64> count = 0;
  };
  static GstPadProbeReturn on_buffer(GstPad* pad, GstPadProbeInfo* info, gpointer data);

  onair::GstPtr<GstPad> pad_;
  std::shared_ptr<Sum> sum_;  // with the pad's thread
  gulong probe_ = 0;
  std::optional<GstClockTimeDiff> last_;
};

}  // namespace live
