// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "element_chain.hpp"
#include "families.hpp"
#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "key_frames.hpp"
#include "overload.hpp"
#include "rendition.hpp"
#include "video_branch.hpp"

namespace onair {

// One picture in, N encoded renditions out:
//
//   fallback(decoder) ! tee ┬ a branch
//                           └ …
//
// In front of the tee it is decided which frames become key frames, in all branches at once; each gate lets
// through what its rendition takes of the rest.
class VideoLadder : public VideoBranch::Owner, public std::enable_shared_from_this<VideoLadder> {
 public:
  struct Config {
    std::string decoders;  // families
    Families encoders;
    Duration overload_time;
  };
  // Without the stock elements that it needs: null, and an error message has been posted.
  static std::shared_ptr<VideoLadder> create(GstBin* bin, Config config);
  ~VideoLadder() override;
  VideoLadder(const VideoLadder&) = delete;
  VideoLadder& operator=(const VideoLadder&) = delete;

  [[nodiscard]] GstPtr<GstPad> sink() const;
  // Where rendition `index` comes out. Any state.
  GstPtr<GstPad> add(std::size_t index, const Rendition& rendition);
  void remove(std::size_t index);
  // From whoever writes a rendition. Any thread.
  void ask_for_key_frame(const KeyFrames::Request& request);
  void forget();  // READY
  // A structure for each rendition, `rendition-N`.
  void add_stats(GstStructure* stats);

 private:
  struct State {
    KeyFrames keys;
    std::optional<Overload> overload;
    std::vector<std::shared_ptr<VideoBranch>> branches;
    guint64 key_frames = 0;
  };
  // What is decided for the frame that is on its way through the tee.
  struct Frame {
    RunningTime at{};
    bool is_key = false;
    bool has_time = false;
  };

  VideoLadder(GstBin* bin, Config config) : bin_{bin}, config_{std::move(config)} {}
  bool build();
  void count_steps(State& state) const;
  // Streaming thread.
  void on_frame(GstPad* pad, GstBuffer* buffer);
  void on_event(GstEvent* event);
  void meet_source();
  void watch_load(State& state, std::vector<GstStructure*>& messages);
  bool passes(VideoBranch& branch) override;
  void on_coded(VideoBranch& branch, std::optional<RunningTime> at) override;

  GstBin* const bin_;
  const Config config_;
  ElementChain decoding_;  // decoder, tee
  Guarded<State> state_;
  std::atomic<bool> is_live_{false};

  // Streaming thread only.
  GstSegment segment_;
  bool knows_source_ = false;
  Frame frame_;
};

}  // namespace onair
