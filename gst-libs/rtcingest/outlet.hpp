// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "glue/gstptr.hpp"

namespace onair {

// The way of one stream out of an ingest bin: errorignore ! queue ! source pad of the bin. That of a
// layer of a simulcast has a funnel in front, as it stays when its layer comes with another SSRC.
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
  static constexpr guint kHoldBytes = 10'000'000;  // until its first packet has left

  struct Config {
    GstBin* bin = nullptr;
    std::string pad_name;
    GstPadTemplate* pad_template = nullptr;
    std::string rid;  // of a layer, for the pad's caps; empty otherwise
  };

  // Puts elements and pad into the bin and links them to `source`. On the streaming thread, before
  // the first buffer. Null when an element is missing.
  static std::shared_ptr<Outlet> create(Config config, GstPad* source);
  // Lets another source of the same layer out, from its first buffer on. On its streaming thread.
  void join(GstPad* source);

  [[nodiscard]] const std::string& pad_name() const { return config_.pad_name; }
  [[nodiscard]] const std::string& rid() const { return config_.rid; }

  // Why the consumer takes nothing any more (not-negotiated, error), told once. The guard has hidden
  // it from the session, so somebody has to say it.
  [[nodiscard]] std::optional<GstFlowReturn> take_failure();
  // Lets what is queued go out, and an EOS after it if asked for. The source must have stopped.
  void close(bool send_eos);
  // Whether all of that has gone out since, so that nothing is lost by remove().
  [[nodiscard]] bool is_drained() const;
  // Takes pad and elements away, whatever is still inside.
  void remove();

 private:
  explicit Outlet(Config config) : config_{std::move(config)} {}
  static GstPadProbeReturn on_event(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  [[nodiscard]] GstPtr<GstEvent> with_rid(GstEvent* event) const;

  const Config config_;        // its bin outlives us: it is the element that owns us
  GstPtr<GstElement> funnel_;  // of a layer
  GstPtr<GstElement> guard_;
  GstPtr<GstElement> queue_;
  GstPtr<GstPad> ghost_;
  bool has_told_failure_ = false;
  std::atomic<bool> has_passed_mark_ = false;
};

// Elements in front ask whether new caps (with another SSRC) are fine, and end the session where they are not. For
// whoever has this probe for GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM they are; what the consumer thinks of them
// shows when it gets them.
GstPadProbeReturn accept_all_caps(GstPad* pad, GstPadProbeInfo* info, gpointer);

// Closed outlets, each of which goes when its last packet has gone out.
class DrainingOutlets {
 public:
  void add(std::vector<std::shared_ptr<Outlet>> outlets);
  // Removes those that are drained.
  void tick();
  // Removes all, whatever is still inside.
  void remove_all();

 private:
  std::vector<std::shared_ptr<Outlet>> outlets_;
};

}  // namespace onair
