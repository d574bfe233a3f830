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
#include "video_choice.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_abr_ladder_debug);
#define GST_CAT_DEFAULT gst_abr_ladder_debug

namespace onair {
namespace {

// Frames that wait for a slow encoder, and what waits while whoever writes it waits for something else. A live
// source has frames dropped before the first queue is full. Others are held up: an encoder that is far ahead
// of the writer would be past the frame that is to be a key frame when it hears of it.
struct Limits {
  guint frames;
  guint64 written;
};
constexpr Limits kLive{32, 10 * GST_SECOND};
constexpr Limits kOther{4, 200 * GST_MSECOND};
constexpr Duration kMostBehind = std::chrono::milliseconds{400};

bool link(const std::vector<GstPtr<GstElement>>& elements) {
  for (std::size_t i = 1; i < elements.size(); ++i)
    if (!gst_element_link(elements[i - 1].get(), elements[i].get()))
      return false;
  return true;
}

}  // namespace

struct VideoLadder::Branch {
  Branch(std::size_t its_index, Rendition its_rendition)
      : index{its_index}, rendition{std::move(its_rendition)}, gate{rendition.video->fps} {}

  const std::size_t index;
  const Rendition rendition;
  std::vector<GstPtr<GstElement>> elements;  // in their order
  GstPtr<GstElement> encoder;
  GstPtr<GstElement> written;  // the queue behind the encoder
  GstPtr<GstPad> tee_pad;
  std::weak_ptr<VideoLadder> ladder;

  // With the ladder's lock.
  FrameGate gate;
  std::optional<RunningTime> newest_in;
  std::optional<RunningTime> newest_out;
  guint64 frames_in = 0;
  guint64 frames_out = 0;
  guint64 left_out = 0;  // by the gate
  guint64 dropped = 0;   // as the encoder was too far behind

  // The encoder's streaming thread.
  GstSegment segment_out;

  void limit(const Limits& limits) const {
    g_object_set(elements.front().get(), "max-size-buffers", limits.frames, "max-size-bytes", 0,
                 "max-size-time", guint64{0}, nullptr);
    g_object_set(written.get(), "max-size-buffers", 0, "max-size-bytes", 0, "max-size-time",
                 limits.written, nullptr);
  }
  // How far the encoder is behind; not at all while it waits for whoever writes.
  [[nodiscard]] Duration backlog() const {
    if (!newest_in || (newest_out && *newest_out >= *newest_in))
      return Duration{0};
    guint64 waiting = 0;
    g_object_get(written.get(), "current-level-time", &waiting, nullptr);
    if (waiting >= kLive.written)
      return Duration{0};
    return newest_out ? *newest_in - *newest_out : Duration{0};
  }
};

std::shared_ptr<VideoLadder> VideoLadder::create(GstBin* bin, Config config) {
  std::shared_ptr<VideoLadder> ladder{new VideoLadder{bin, std::move(config)}};
  return ladder->build() ? ladder : nullptr;
}

bool VideoLadder::build() {
  gst_segment_init(&segment_, GST_FORMAT_TIME);
  auto choice = std::make_unique<DecoderChoice>();
  choice->allow(config_.decoders);
  decoder_ = GstPtr<GstElement>::sink(make_fallback_bin("video-decoder", std::move(choice)));
  tee_ = GstPtr<GstElement>::sink(gst_element_factory_make("tee", "video-tee"));
  g_object_set(tee_.get(), "allow-not-linked", TRUE, nullptr);
  gst_bin_add_many(bin_, decoder_.get(), tee_.get(), nullptr);
  if (!gst_element_link(decoder_.get(), tee_.get()))
    return false;
  gst_element_sync_state_with_parent(tee_.get());
  gst_element_sync_state_with_parent(decoder_.get());
  const auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(tee_.get(), "sink"));
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
  for (const auto& element : {decoder_, tee_})
    take_away(bin_, element);
}

GstPtr<GstPad> VideoLadder::sink() const {
  return GstPtr<GstPad>::adopt(gst_element_get_static_pad(decoder_.get(), "sink"));
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
  auto branch = std::make_shared<Branch>(index, rendition);
  gst_segment_init(&branch->segment_out, GST_FORMAT_TIME);
  branch->ladder = weak_from_this();
  const auto name = [&](const char* what) { return what + ("-" + std::to_string(index)); };
  const auto make = [&](const char* factory, const char* what) {
    return GstPtr<GstElement>::sink(gst_element_factory_make(factory, name(what).c_str()));
  };
  branch->encoder = GstPtr<GstElement>::sink(
      make_fallback_bin(name("video-encoder").c_str(),
                        std::make_unique<VideoChoice>(*rendition.video, config_.encoders)));
  const auto waiting = make("queue", "video-waiting");
  const auto parser = make("h264parse", "video-parser");
  const auto format = make("capsfilter", "video-format");
  branch->written = make("queue", "video-written");
  branch->elements = {waiting, branch->encoder, parser, format, branch->written};
  for (const auto& element : branch->elements) {
    if (!element) {
      GST_ELEMENT_ERROR(bin_, CORE, MISSING_PLUGIN,
                        ("The element h264parse is not installed (gstreamer1.0-plugins-bad)."),
                        (nullptr));
      return {};
    }
  }
  g_object_set(parser.get(), "config-interval", -1, nullptr);
  const auto caps = GstPtr<GstCaps>::adopt(
      gst_caps_from_string("video/x-h264,stream-format=byte-stream,alignment=au"));
  g_object_set(format.get(), "caps", caps.get(), nullptr);
  branch->limit(is_live_.load() ? kLive : kOther);
  for (const auto& element : branch->elements)
    gst_bin_add(bin_, element.get());
  if (!link(branch->elements))
    return {};

  const auto coded = [](GstPad*, GstPadProbeInfo* info, gpointer data) -> GstPadProbeReturn {
    const auto its = strong_from<Branch>(data);
    const auto ladder = its ? its->ladder.lock() : nullptr;
    if (!ladder)
      return GST_PAD_PROBE_OK;
    if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
      auto* event = GST_PAD_PROBE_INFO_EVENT(info);
      if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
        gst_event_copy_segment(event, &its->segment_out);
      return GST_PAD_PROBE_OK;
    }
    const auto at =
        to_running_time(its->segment_out, GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info)));
    const auto state = ladder->state_.lock();
    ++its->frames_out;
    if (at)
      its->newest_out = at;
    return GST_PAD_PROBE_OK;
  };
  const auto out = GstPtr<GstPad>::adopt(gst_element_get_static_pad(branch->encoder.get(), "src"));
  add_probe_weak(
      out.get(),
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      coded, branch);

  const auto gate = [](GstPad*, GstPadProbeInfo* info, gpointer data) -> GstPadProbeReturn {
    const auto its = strong_from<Branch>(data);
    const auto ladder = its ? its->ladder.lock() : nullptr;
    if (!ladder)
      return GST_PAD_PROBE_OK;
    if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER)
      return ladder->passes(*its) ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
    auto* event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
      return GST_PAD_PROBE_OK;
    // What caps say of the rate is often not so, and changes: the encoder is told the most there can be.
    GstCaps* told = nullptr;
    gst_event_parse_caps(event, &told);
    const auto constant = GstPtr<GstCaps>::adopt(gst_caps_copy(told));
    const auto& rate = its->rendition.video->fps;
    gst_caps_set_simple(constant.get(), "framerate", GST_TYPE_FRACTION, rate.num, rate.den,
                        "interlace-mode", G_TYPE_STRING, "progressive", nullptr);
    gst_structure_remove_field(gst_caps_get_structure(constant.get(), 0), "max-framerate");
    info->data = gst_event_new_caps(constant.get());
    gst_event_unref(event);
    return GST_PAD_PROBE_OK;
  };
  branch->tee_pad = GstPtr<GstPad>::adopt(gst_element_request_pad_simple(tee_.get(), "src_%u"));
  add_probe_weak(
      branch->tee_pad.get(),
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      gate, branch);
  {
    const auto state = state_.lock();
    state->branches.push_back(branch);
    count_steps(*state);
  }
  // From the end on: what comes must have a way out.
  for (auto element = branch->elements.rbegin(); element != branch->elements.rend(); ++element)
    gst_element_sync_state_with_parent(element->get());
  const auto in = GstPtr<GstPad>::adopt(gst_element_get_static_pad(waiting.get(), "sink"));
  if (gst_pad_link(branch->tee_pad.get(), in.get()) != GST_PAD_LINK_OK)
    return {};
  return GstPtr<GstPad>::adopt(gst_element_get_static_pad(branch->written.get(), "src"));
}

void VideoLadder::remove(std::size_t index) {
  std::shared_ptr<Branch> branch;
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
  gst_element_release_request_pad(tee_.get(), branch->tee_pad.get());
  for (const auto& element : branch->elements)
    take_away(bin_, element);
}

void VideoLadder::ask_for_key_frame(const KeyFrames::Request& request) {
  GST_DEBUG_OBJECT(bin_, "key frame wanted for %u, %.3f s", request.count,
                   request.at ? in_ms(request.at->time_since_epoch()) / 1e3 : -1.0);
  state_.lock()->keys.ask(request);
}

void VideoLadder::forget() {
  const auto state = state_.lock();
  state->keys.reset();
  for (const auto& branch : state->branches) {
    branch->gate.reset();
    branch->newest_in.reset();
    branch->newest_out.reset();
  }
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
    branch->limit(is_live_ ? kLive : kOther);
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
      for (const auto& branch : state->branches) {
        branch->gate.reset();
        branch->newest_in.reset();
        branch->newest_out.reset();
      }
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

bool VideoLadder::passes(Branch& branch) {
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

void VideoLadder::add_stats(GstStructure* stats) {
  const auto state = state_.lock();
  gst_structure_set(stats, "video-decoder", G_TYPE_STRING,
                    fallback_of(decoder_.get()).name().c_str(), "key-frames", G_TYPE_UINT64,
                    state->key_frames, "steps-down", G_TYPE_UINT,
                    static_cast<guint>(state->overload ? state->overload->steps() : 0), nullptr);
  for (const auto& branch : state->branches) {
    auto& fallback = fallback_of(branch->encoder.get());
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
