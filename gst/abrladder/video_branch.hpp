// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include <gst/gst.h>

#include "base/time.hpp"
#include "element_chain.hpp"
#include "families.hpp"
#include "frame_gate.hpp"
#include "glue/gstptr.hpp"
#include "rendition.hpp"

namespace onair {

// The way of one rendition from the tee:
//
//   [gate] ! queue ! fallback(scale ! encode) ! h264parse ! queue
class VideoBranch : public std::enable_shared_from_this<VideoBranch> {
 public:
  // Whoever has the tee.
  class Owner {
   public:
    virtual ~Owner() = default;
    // The tee's streaming thread: whether it takes the frame that is on its way.
    virtual bool passes(VideoBranch& branch) = 0;
    // The encoder's streaming thread.
    virtual void on_coded(VideoBranch& branch, std::optional<RunningTime> at) = 0;
  };

  // Null without the elements that it needs; an error message has been posted.
  static std::shared_ptr<VideoBranch> create(GstBin* bin, std::size_t index,
                                             const Rendition& rendition, const Families& encoders,
                                             std::weak_ptr<Owner> owner);

  bool start(GstElement* tee);  // from then on frames come
  void take_away(GstElement* tee);
  // A live source has frames dropped before the first queue is full. Others are held up: an encoder that is
  // far ahead of the writer would be past the frame that is to be a key frame when it hears of it.
  void limit(bool is_live) const;
  [[nodiscard]] GstPtr<GstPad> src() const { return elements_.src(); }
  [[nodiscard]] GstElement* encoder() const { return elements_[1]; }
  // How far the encoder is behind; not at all while it waits for whoever writes. With the owner's lock.
  [[nodiscard]] Duration backlog() const;
  // Frames begin anew.
  void forget();

  const std::size_t index;
  const Rendition rendition;

  // With the owner's lock.
  FrameGate gate;
  std::optional<RunningTime> newest_in;
  std::optional<RunningTime> newest_out;
  guint64 frames_in = 0;
  guint64 frames_out = 0;
  guint64 left_out = 0;  // by the gate
  guint64 dropped = 0;   // as the encoder was too far behind

 private:
  VideoBranch(std::size_t its_index, const Rendition& its_rendition, std::weak_ptr<Owner> owner);
  static GstPadProbeReturn on_raw(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  static GstPadProbeReturn on_encoded(GstPad* pad, GstPadProbeInfo* info, gpointer data);

  const std::weak_ptr<Owner> owner_;
  ElementChain elements_;  // queue, encoder, parser, format, queue
  GstPtr<GstPad> tee_pad_;
  GstSegment segment_out_;  // the encoder's streaming thread
};

}  // namespace onair
