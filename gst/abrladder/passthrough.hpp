// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <memory>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "layers.hpp"

namespace onair {

// The publisher's own H.264, layer for layer: h264parse ! queue.
class Passthrough {
 public:
  explicit Passthrough(GstBin* bin) : bin_{bin} {}
  ~Passthrough();
  Passthrough(const Passthrough&) = delete;
  Passthrough& operator=(const Passthrough&) = delete;

  // The ends of layer `index`, made when it is asked for first. Null without h264parse.
  GstPtr<GstPad> sink(std::size_t index);
  GstPtr<GstPad> src(std::size_t index);
  void remove(std::size_t index);
  // From whoever writes layer `index`. Any thread.
  void ask_for_key_frame(std::size_t index, GstEvent* request);
  void forget() { state_.lock()->requests.reset(); }
  void add_stats(GstStructure* stats);

 private:
  struct Layer {
    GstPtr<GstElement> parser;
    GstPtr<GstElement> format;
    GstPtr<GstElement> queue;
  };
  struct State {
    std::map<std::size_t, Layer> layers;
    LayerRequests requests;
    guint64 sent = 0;
  };
  Layer layer(std::size_t index);

  GstBin* const bin_;
  Guarded<State> state_;
};

}  // namespace onair
