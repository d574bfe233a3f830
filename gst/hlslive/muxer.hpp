// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <gst/gst.h>

#include "base/time.hpp"
#include "glue/gstptr.hpp"

namespace onair {

// A muxer element that runs for as long as its rendition does, and says where in its output the
// parts end. It is fed by one thread at a time and writes on its own; behind the frames of a part
// goes a serialized event on each of its pads, which comes out behind their last byte, and a gap, so
// that the muxer waits for nothing (GstAggregator otherwise holds a frame back until each pad has
// another one).
class Muxer {
 public:
  // What comes out. The muxer's thread.
  class Reader {
   public:
    virtual ~Reader() = default;
    virtual GstFlowReturn on_bytes(std::vector<std::uint8_t> bytes) = 0;
    // What makes a stream readable (an init segment), in front of it.
    virtual GstFlowReturn on_header(std::vector<std::uint8_t> bytes) = 0;
    virtual void on_part_end(std::uint64_t part) = 0;
  };

  // Adds the element to the bin; it goes when the muxer does. `buffering`: how much may wait for the
  // reader before write() does.
  Muxer(GstBin* bin, GstPtr<GstElement> element, Duration buffering,
        const std::shared_ptr<Reader>& reader);
  ~Muxer();
  Muxer(const Muxer&) = delete;
  Muxer& operator=(const Muxer&) = delete;

  using TrackId = std::size_t;
  // Nothing: the element takes no such stream.
  [[nodiscard]] std::optional<TrackId> add_track(const char* name, GstCaps* caps);
  void set_caps(TrackId track, GstCaps* caps);
  // Timestamps are the muxer's time, which never goes back.
  GstFlowReturn write(TrackId track, GstPtr<GstBuffer> buffer);
  // `at`: where the part ends, in the muxer's time.
  void end_part(std::uint64_t part, Duration at);
  // Returns when the reader has all of it, or abandon() was called.
  void drain();
  // The bin stops: nothing more comes out. Any thread.
  void abandon();

 private:
  struct Link;
  static Link* link_of(GstPad* pad);
  static void on_marker(Link& link, Reader& reader, const GstStructure* marker);
  static GstFlowReturn on_buffer(GstPad* pad, GstObject*, GstBuffer* buffer);
  static GstFlowReturn on_list(GstPad* pad, GstObject*, GstBufferList* list);
  static gboolean on_event(GstPad* pad, GstObject*, GstEvent* event);
  static gboolean on_activate(GstPad* pad, GstObject*, GstPadMode mode, gboolean active);

  const GstPtr<GstElement> bin_;
  const GstPtr<GstElement> element_;
  const bool waits_;  // for each pad to have a frame: a GstAggregator
  std::vector<GstPtr<GstPad>> tracks_;
  GstPtr<GstPad> output_;
  GstClockTime newest_ = 0;  // DTS of any track
  GstClockTime gap_ = 0;     // behind the newest part
};

}  // namespace onair
