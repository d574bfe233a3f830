// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include <gst/gst.h>

#include "fragment.hpp"
#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "media_track.hpp"

namespace onair {

// The name of the event behind the last frame of a part.
inline constexpr const char* kPartMarker = "onair-part";

// The streams of a cmafpartmux, from their pads to the source pad. It keeps the frames of one part,
// and has no thread: what a marker completes goes out on the marker's thread.
class PartMux {
 public:
  PartMux(GstElement* element, GstPad* src) : element_{element}, src_{src} {}

  void add(GstPad* sink, bool is_video);
  void remove(GstPad* sink);
  // As new, but for its pads.
  void reset();

  GstFlowReturn on_buffer(GstPad* sink, GstPtr<GstBuffer> buffer);
  bool on_event(GstPad* sink, GstPtr<GstEvent> event);

 private:
  struct Stream {
    GstPad* sink;
    std::uint32_t id;
    bool is_video;
    GstSegment segment;
    std::optional<MediaTrack> track;  // once there are caps
    std::vector<FragmentSample> samples;
    std::vector<GstPtr<GstBuffer>> buffers;  // of samples
    std::optional<RunningTime> last;         // decode time
    Duration pace{0};                        // for buffers that say no duration
    bool is_at_marker = false;
    bool is_at_end = false;
  };
  struct State {
    std::list<Stream> streams;
    std::uint32_t last_id = 0;
    std::uint32_t sequence = 0;         // of the last fragment
    std::vector<MediaTrack> announced;  // by the last init segment
    bool has_begun = false;
    bool needs_segment = true;
    GstPtr<GstEvent> marker;  // of the current part, once a pad has got it
    GstFlowReturn flow = GST_FLOW_OK;
  };
  // What goes out together.
  struct Output {
    bool begins = false;
    bool has_segment = false;
    GstPtr<GstBuffer> init;
    GstPtr<GstBuffer> fragment;
    GstPtr<GstEvent> event;
  };

  static Stream* find(State& state, GstPad* sink);
  static Output take_part(State& state);
  static Output take_fragment(State& state, std::optional<RunningTime> end);
  static GstPtr<GstBuffer> take_samples(State& state, std::optional<RunningTime> end);
  bool push(Output output);

  bool set_caps(GstPad* sink, GstEvent* event);
  bool set_segment(GstPad* sink, GstEvent* event);
  bool on_marker(GstPad* sink, GstPtr<GstEvent> marker);
  bool on_end(GstPad* sink, GstPtr<GstEvent> eos);
  void end_flush(GstPad* sink);

  GstElement* const element_;
  GstPad* const src_;
  Guarded<State> state_;
};

}  // namespace onair
