// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include "glue/control_thread.hpp"
#include "glue/gstptr.hpp"

namespace onair {

// The way of one stream out of an ingest bin: errorignore ! queue ! source pad of the bin.
//
// It keeps the two sides apart. A consumer that is not linked, ends or fails does not end the
// session (all streams share one transport, and webrtcbin stops reading it at the first bad flow
// return); a consumer that blocks does not stop the session from being taken down; and what was
// received before the end still goes out.
class Outlet : public std::enable_shared_from_this<Outlet> {
 public:
  // Longest that a consumer may block before the oldest packets are dropped. 8 s cover a muxer that
  // waits for a late camera; memory stays below 10 MB at 10 Mbit/s.
  static constexpr GstClockTime kHold = 8 * GST_SECOND;

  // Puts elements and pad into `bin` and links them to `source`. On the streaming thread, before
  // the first buffer. Null when an element is missing.
  static std::shared_ptr<Outlet> create(GstBin* bin, GstPad* source, const std::string& pad_name,
                                        GstPadTemplate* pad_template, ControlThread& control);

  // Lets what is queued go out, then EOS if asked for, then takes the pad away. The source must
  // have stopped. Control thread.
  void close(bool send_eos);
  // Takes all away now. Control thread, or none running.
  void remove();
  [[nodiscard]] bool is_removed() const { return !queue_; }

 private:
  Outlet(GstBin* bin, ControlThread& control) : bin_{bin}, control_{control} {}
  static GstPadProbeReturn on_event(GstPad* pad, GstPadProbeInfo* info, gpointer data);

  GstBin* bin_;  // outlives us: it is the element that owns us
  ControlThread& control_;
  GstPtr<GstElement> guard_;
  GstPtr<GstElement> queue_;
  GstPtr<GstPad> ghost_;
};

}  // namespace onair
