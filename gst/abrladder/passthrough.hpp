// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <memory>
#include <vector>

#include <gst/gst.h>

#include "element_chain.hpp"
#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "layer_switch.hpp"
#include "layers.hpp"

namespace onair {

// The publisher's own H.264, layer for layer; a rendition whose layer is not sent repeats another one:
//
//   h264parse ! tee ┬ [switch] ! funnel ! queue
//                   └ [switch] ! funnel of another rendition
class Passthrough : public std::enable_shared_from_this<Passthrough> {
 public:
  static std::shared_ptr<Passthrough> create(GstBin* bin) {
    return std::shared_ptr<Passthrough>{new Passthrough{bin}};
  }
  ~Passthrough();
  Passthrough(const Passthrough&) = delete;
  Passthrough& operator=(const Passthrough&) = delete;

  // The ends of layer `index`, made when it is asked for first. Null without h264parse.
  GstPtr<GstPad> sink(std::size_t index);
  GstPtr<GstPad> src(std::size_t index);
  void remove(std::size_t index);
  // From whoever writes layer `index`. Any thread.
  void ask_for_key_frame(std::size_t index, GstEvent* request);
  void forget();
  void add_stats(GstStructure* stats);

 private:
  struct Layer {
    ElementChain in;   // parser, format, tee
    ElementChain out;  // funnel, queue
  };
  // A layer's frame on its way through the tee; its streaming thread only.
  struct Feed {
    GstSegment segment;
    RunningTime at{};
    std::vector<LayerSwitch::Taker> takers;
  };
  struct State {
    std::map<std::size_t, Layer> layers;
    LayerRequests requests;
    LayerSwitch source;
    RunningTime newest{};  // frame of any layer
    guint64 sent = 0;
  };
  explicit Passthrough(GstBin* bin) : bin_{bin} {}
  Layer layer(std::size_t index);
  bool watch(std::size_t index, const Layer& its);
  bool connect(std::size_t from, const Layer& layer, std::size_t to, const Layer& rendition);
  void on_frame(std::size_t index, Feed& feed, GstBuffer* buffer);
  void on_event(std::size_t index, Feed& feed, GstEvent* event);

  GstBin* const bin_;
  Guarded<State> state_;
  Guarded<std::map<std::size_t, std::shared_ptr<Feed>>> feeds_;
};

}  // namespace onair
