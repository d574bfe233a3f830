// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "base/time.hpp"
#include "glue/gstptr.hpp"

namespace onair {

enum class MediaKind { Audio, Video };

// Where a segment begins, as hlsbalancer says it.
struct Boundary {
  std::int64_t index = 0;
  RunningTime at;
  bool is_break = false;  // the time line is a new one
};

// A frame, or the absence of one.
struct MediaFrame {
  GstPtr<GstBuffer> buffer;  // empty: nothing up to `pts` + `duration`
  GstPtr<GstCaps> caps;      // of the buffer
  RunningTime pts;
  std::optional<RunningTime> dts;
  std::optional<Duration> duration;
  bool is_key = true;
  std::optional<Boundary> boundary;  // of the segment that begins with it
};

// One stream, as it comes from the balancer. Upstream's thread.
class Input {
 public:
  // Who wants it.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual GstFlowReturn on_frame(const Input& input, MediaFrame frame) = 0;
    virtual void on_end(const Input& input) = 0;
    // What the muxer takes.
    [[nodiscard]] virtual GstPtr<GstCaps> takes(MediaKind kind) = 0;
    // The time line's event `onair-timeline`.
    virtual void on_timeline(const GstStructure* mapping) = 0;
  };

  // Links itself to the balancer's source pad. The pad holds it weakly: threads may be in its functions
  // when it goes.
  [[nodiscard]] static std::shared_ptr<Input> make(MediaKind kind, unsigned number, GstPad* source,
                                                   const std::shared_ptr<Listener>& listener);
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  [[nodiscard]] MediaKind kind() const { return kind_; }
  [[nodiscard]] unsigned number() const { return number_; }
  // Of the sink pad.
  [[nodiscard]] std::string name() const;
  // Its thread is on the way with something, perhaps held up by a disk.
  [[nodiscard]] bool is_busy() const { return is_busy_; }
  void set_active(bool is_active) { gst_pad_set_active(pad_.get(), is_active); }

 private:
  Input(MediaKind kind, unsigned number, const std::shared_ptr<Listener>& listener)
      : kind_{kind}, number_{number}, listener_{listener} {}
  static std::shared_ptr<Input> of(GstPad* pad);
  GstFlowReturn on_buffer(GstPtr<GstBuffer> buffer, Listener& listener);
  bool on_event(GstEvent* event, Listener& listener);
  bool on_query(GstQuery* query, Listener& listener);
  void on_gap(GstEvent* event, Listener& listener);
  void on_announcement(GstEvent* event);

  const MediaKind kind_;
  const unsigned number_;
  const std::weak_ptr<Listener> listener_;
  std::atomic<bool> is_busy_{false};
  GstPtr<GstPad> pad_;
  GstSegment segment_;
  GstPtr<GstCaps> caps_;
  std::optional<Boundary> announced_;
};

}  // namespace onair
