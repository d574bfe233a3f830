// SPDX-License-Identifier: LGPL-2.1-or-later
#include "video_ladder.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include <gst/video/video.h>

#include "decoder_choice.hpp"
#include "glue/element_clock.hpp"
#include "glue/gsttime.hpp"
#include "glue/signals.hpp"
#include "gstfallbackbin.h"

GST_DEBUG_CATEGORY_EXTERN(gst_abr_ladder_debug);
#define GST_CAT_DEFAULT gst_abr_ladder_debug

namespace onair {
namespace {

// Of a live source: then frames are dropped.
constexpr Duration kMostBehind = std::chrono::milliseconds{400};

}  // namespace

std::shared_ptr<VideoLadder> VideoLadder::create(GstBin* bin, Config config) {
  std::shared_ptr<VideoLadder> ladder{new VideoLadder{bin, std::move(config)}};
  return ladder->build() ? ladder : nullptr;
}

bool VideoLadder::build() {
  gst_segment_init(&segment_, GST_FORMAT_TIME);
  auto choice = std::make_unique<DecoderChoice>();
  choice->allow(config_.decoders);
  decoding_ = {bin_,
               {GstPtr<GstElement>::sink(make_fallback_bin("video-decoder", std::move(choice))),
                make_tee("video-tee")}};
  if (decoding_.is_empty())
    return false;
  decoding_.start();
  const auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(decoding_.back(), "sink"));
  const auto seen = [](GstPad* tee_sink, GstPadProbeInfo* info,
                       gpointer data) -> GstPadProbeReturn {
    const auto ladder = strong_from<VideoLadder>(data);
    if (!ladder)
      return GST_PAD_PROBE_OK;
    if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER)
      ladder->on_frame(tee_sink, GST_PAD_PROBE_INFO_BUFFER(info));
    else
      ladder->on_event(GST_PAD_PROBE_INFO_EVENT(info));
    return GST_PAD_PROBE_OK;
  };
  add_probe_weak(
      pad.get(),
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
                                   GST_PAD_PROBE_TYPE_EVENT_FLUSH),
      seen, shared_from_this());
  return true;
}

VideoLadder::~VideoLadder() {
  decoding_.take_away();
}

GstPtr<GstPad> VideoLadder::sink() const {
  return decoding_.sink();
}

// The largest comes first.
void VideoLadder::count_steps(State& state) const {
  std::vector<std::pair<double, std::size_t>> loads;
  for (const auto& branch : state.branches) {
    const auto& video = *branch->rendition.video;
    loads.emplace_back(-1.0 * video.width * video.height * video.fps.num / video.fps.den,
                       branch->index);
    branch->gate.thin_out(1);
  }
  std::sort(loads.begin(), loads.end());
  std::vector<std::size_t> order;
  for (const auto& [load, index] : loads)
    order.push_back(index);
  state.overload.emplace(Overload::Config{.patience = config_.overload_time}, std::move(order));
}

GstPtr<GstPad> VideoLadder::add(std::size_t index, const Rendition& rendition) {
  const auto branch =
      VideoBranch::create(bin_, index, rendition, config_.encoders, weak_from_this());
  if (!branch)
    return {};
  branch->limit(is_live_);
  {
    const auto state = state_.lock();
    state->branches.push_back(branch);
    count_steps(*state);
  }
  return branch->start(decoding_.back()) ? branch->src() : GstPtr<GstPad>{};
}

void VideoLadder::remove(std::size_t index) {
  std::shared_ptr<VideoBranch> branch;
  {
    const auto state = state_.lock();
    const auto found = std::find_if(state->branches.begin(), state->branches.end(),
                                    [index](const auto& its) { return its->index == index; });
    if (found == state->branches.end())
      return;
    branch = *found;
    state->branches.erase(found);
    count_steps(*state);
  }
  branch->take_away(decoding_.back());
}

void VideoLadder::ask_for_key_frame(const KeyFrames::Request& request) {
  GST_DEBUG_OBJECT(bin_, "key frame wanted for %u, %.3f s", request.count,
                   request.at ? in_ms(request.at->time_since_epoch()) / 1e3 : -1.0);
  state_.lock()->keys.ask(request);
}

void VideoLadder::forget() {
  const auto state = state_.lock();
  state->keys.reset();
  for (const auto& branch : state->branches)
    branch->forget();
  count_steps(*state);
  knows_source_ = false;
}

// How far the slowest is behind, in a live pipeline: in others, that is how they run at all.
void VideoLadder::watch_load(State& state, std::vector<GstStructure*>& messages) {
  const auto now = running_time_now(GST_ELEMENT(bin_));
  if (!is_live_ || !now || !state.overload)
    return;
  Duration most{0};
  for (const auto& branch : state.branches)
    most = std::max(most, branch->backlog());
  const auto step = state.overload->on_backlog(most, ClockTime{now->time_since_epoch()});
  if (!step)
    return;
  for (const auto& branch : state.branches) {
    if (branch->index != step->rendition)
      continue;
    branch->gate.thin_out(step->thinning);
    const auto& fps = branch->rendition.video->fps;
    GST_INFO_OBJECT(bin_, "rendition %s: at most %d/%d frames a second, as encoders %s",
                    branch->rendition.name.c_str(), fps.num, fps.den * step->thinning,
                    step->is_down ? "can't keep up" : "have room again");
    messages.push_back(gst_structure_new(
        "abrladder-overload", "rendition", G_TYPE_UINT, static_cast<guint>(branch->index), "name",
        G_TYPE_STRING, branch->rendition.name.c_str(), "fps", GST_TYPE_FRACTION, fps.num,
        fps.den * step->thinning, "degraded", G_TYPE_BOOLEAN, step->is_down, "steps", G_TYPE_UINT,
        static_cast<guint>(state.overload->steps()), "behind", G_TYPE_UINT64, to_gst(most),
        nullptr));
  }
}

void VideoLadder::on_event(GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT) {
    gst_event_copy_segment(event, &segment_);
  } else if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) {
    gst_segment_init(&segment_, GST_FORMAT_TIME);
    forget();
  }
}

void VideoLadder::meet_source() {
  gboolean is_live = FALSE;
  const auto query = GstPtr<GstQuery>::adopt(gst_query_new_latency());
  if (gst_pad_peer_query(sink().get(), query.get()))
    gst_query_parse_latency(query.get(), &is_live, nullptr, nullptr);
  const auto state = state_.lock();
  is_live_ = is_live == TRUE;
  for (const auto& branch : state->branches)
    branch->limit(is_live_);
}

void VideoLadder::on_frame(GstPad* pad, GstBuffer* buffer) {
  const auto at = to_running_time(segment_, GST_BUFFER_PTS(buffer));
  frame_.has_time = at.has_value();
  frame_.is_key = false;
  if (!at)
    return;
  if (!std::exchange(knows_source_, true))
    meet_source();
  std::vector<GstStructure*> messages;
  guint count = 0;
  {
    const auto state = state_.lock();
    if (*at < frame_.at) {
      // Another time line: what was asked for belongs to the former.
      state->keys.reset();
      for (const auto& branch : state->branches)
        branch->forget();
    }
    frame_.at = *at;
    frame_.is_key = state->keys.on_frame(*at);
    if (frame_.is_key)
      count = static_cast<guint>(state->key_frames++);
    watch_load(*state, messages);
  }
  for (auto* structure : messages)
    gst_element_post_message(GST_ELEMENT(bin_),
                             gst_message_new_element(GST_OBJECT(bin_), structure));
  if (frame_.is_key)
    GST_DEBUG_OBJECT(bin_, "the frame at %.3f s becomes a key frame",
                     in_ms(at->time_since_epoch()) / 1e3);
  if (frame_.is_key)
    gst_pad_send_event(
        pad, gst_video_event_new_downstream_force_key_unit(
                 GST_BUFFER_PTS(buffer),
                 gst_segment_to_stream_time(&segment_, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer)),
                 to_gst(*at), TRUE, count));
}

bool VideoLadder::passes(VideoBranch& branch) {
  if (!frame_.has_time)
    return true;
  const auto state = state_.lock();
  const auto need = frame_.is_key                                     ? FrameGate::Need::Pass
                    : state->keys.holds_back(branch.index, frame_.at) ? FrameGate::Need::Stay
                                                                      : FrameGate::Need::None;
  if (!branch.gate.take(frame_.at, need)) {
    ++branch.left_out;
    return false;
  }
  // Rather than hold up the other renditions. A key frame is needed.
  if (is_live_ && !frame_.is_key && branch.backlog() > kMostBehind) {
    ++branch.dropped;
    return false;
  }
  ++branch.frames_in;
  branch.newest_in = frame_.at;
  // Until the first one has come out, it is the one that is waited for.
  if (!branch.newest_out)
    branch.newest_out = frame_.at;
  return true;
}

void VideoLadder::on_coded(VideoBranch& branch, std::optional<RunningTime> at) {
  const auto state = state_.lock();
  ++branch.frames_out;
  if (at)
    branch.newest_out = at;
}

void VideoLadder::add_stats(GstStructure* stats) {
  const auto state = state_.lock();
  gst_structure_set(stats, "video-decoder", G_TYPE_STRING,
                    fallback_of(decoding_.front()).name().c_str(), "key-frames", G_TYPE_UINT64,
                    state->key_frames, "steps-down", G_TYPE_UINT,
                    static_cast<guint>(state->overload ? state->overload->steps() : 0), nullptr);
  for (const auto& branch : state->branches) {
    auto& fallback = fallback_of(branch->encoder());
    const auto& fps = branch->rendition.video->fps;
    const StructurePtr its{gst_structure_new(
        "rendition", "name", G_TYPE_STRING, branch->rendition.name.c_str(), "encoder",
        G_TYPE_STRING, fallback.name().c_str(), "replacements", G_TYPE_UINT64,
        fallback.replacements(), "fps", GST_TYPE_FRACTION, fps.num,
        fps.den * branch->gate.thinning(), "frames-in", G_TYPE_UINT64, branch->frames_in,
        "frames-out", G_TYPE_UINT64, branch->frames_out, "left-out", G_TYPE_UINT64,
        branch->left_out, "dropped", G_TYPE_UINT64, branch->dropped, "behind", G_TYPE_UINT64,
        to_gst(branch->backlog()), nullptr)};
    gst_structure_set(stats, ("rendition-" + std::to_string(branch->index)).c_str(),
                      GST_TYPE_STRUCTURE, its.get(), nullptr);
  }
}

}  // namespace onair
