// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include <gst/gst.h>

#include "element_chain.hpp"
#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "rendition.hpp"

namespace onair {

// One sound in; each distinct encoding of it once, for all renditions that have it:
//
//   fallback(decoder) ! audioconvert ! audioresample ! tee ┬ queue ! fallback(encoder) ! tee ┬ queue
//                                                          └ …                                └ …
class AudioLadder {
 public:
  static std::unique_ptr<AudioLadder> create(GstBin* bin);
  ~AudioLadder();
  AudioLadder(const AudioLadder&) = delete;
  AudioLadder& operator=(const AudioLadder&) = delete;

  [[nodiscard]] GstPtr<GstPad> sink() const;
  GstPtr<GstPad> add(std::size_t index, const Rendition& rendition);
  void remove(std::size_t index);
  void add_stats(GstStructure* stats);

 private:
  struct Encoding {
    AudioRendition rendition;
    ElementChain elements;   // queue, encoder, tee
    GstPtr<GstPad> tee_pad;  // of the raw tee
    std::size_t users = 0;
  };
  struct Outlet {
    std::size_t index;
    std::shared_ptr<Encoding> encoding;
    ElementChain queue;
    GstPtr<GstPad> tee_pad;  // of the encoding's tee
  };
  struct State {
    std::vector<std::shared_ptr<Encoding>> encodings;
    std::vector<Outlet> outlets;
  };

  explicit AudioLadder(GstBin* bin) : bin_{bin} {}
  bool build();
  std::shared_ptr<Encoding> make_encoding(const AudioRendition& rendition);

  GstBin* const bin_;
  ElementChain decoding_;  // decoder … tee
  Guarded<State> state_;
};

}  // namespace onair
