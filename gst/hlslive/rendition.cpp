// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rendition.hpp"

#include <algorithm>
#include <iterator>

#include "base/ticks.hpp"
#include "glue/gsttime.hpp"
#include "glue/mapped_buffer.hpp"
#include "parameter_sets.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_hls_live_sink_debug);
#define GST_CAT_DEFAULT gst_hls_live_sink_debug

namespace onair {
namespace {

constexpr std::uint32_t kTransportRate = 90'000;
// Boundaries that are remembered for a rendition that has not begun.
constexpr std::size_t kMostDecided = 64;

PartAssembler::Kind kind_of(const Input& input) {
  return input.kind() == MediaKind::Audio ? PartAssembler::Kind::Audio : PartAssembler::Kind::Video;
}

// With the parameter sets of its caps, if it has none of its own.
GstPtr<GstBuffer> with_parameter_sets(GstPtr<GstBuffer> picture, GstCaps* caps) {
  const auto* value = gst_structure_get_value(gst_caps_get_structure(caps, 0), "codec_data");
  if (!value)
    return picture;
  const auto missing = missing_parameter_sets(MappedBuffer{picture.get()}.bytes(),
                                              MappedBuffer{gst_value_get_buffer(value)}.bytes());
  if (!missing)
    return picture;
  auto* head = gst_buffer_copy_region(picture.get(), GST_BUFFER_COPY_ALL, 0, missing->place);
  auto* sets = gst_buffer_new_memdup(missing->bytes.data(), missing->bytes.size());
  auto* tail = gst_buffer_copy_region(picture.get(), GST_BUFFER_COPY_MEMORY, missing->place,
                                      static_cast<gsize>(-1));
  return GstPtr<GstBuffer>::adopt(gst_buffer_append(gst_buffer_append(head, sets), tail));
}

}  // namespace

Rendition::Rendition(GstBin* bin, Config config, std::shared_ptr<SegmentWriter> writer)
    : bin_{bin}, config_{std::move(config)}, writer_{std::move(writer)} {}

void Rendition::expect(std::shared_ptr<const Input> input) {
  tracks_.push_back({.input = std::move(input)});
}

const Rendition::Track* Rendition::find(const Input& input) const {
  const auto found = std::find_if(tracks_.begin(), tracks_.end(),
                                  [&](const auto& track) { return track.input.get() == &input; });
  return found == tracks_.end() ? nullptr : &*found;
}

Rendition::Track* Rendition::find(const Input& input) {
  return const_cast<Track*>(std::as_const(*this).find(input));
}

Rendition::Track& Rendition::of(PartAssembler::TrackId id) {
  return *std::find_if(tracks_.begin(), tracks_.end(),
                       [&](const auto& track) { return track.id == id; });
}

// Only then is it known what there is to be muxed, and which frames parts are made of.
bool Rendition::can_start() const {
  return !pending_.empty() && std::all_of(tracks_.begin(), tracks_.end(), [](const auto& track) {
    return track.has_spoken || track.has_ended || track.is_absent;
  });
}

std::optional<PartPlan> Rendition::make_plan() const {
  if (!config_.part_target)
    return std::nullopt;
  for (const auto& [input, frame] : pending_) {
    gint rate = 0;
    if (input->kind() == MediaKind::Audio && frame.caps && frame.duration &&
        gst_structure_get_int(gst_caps_get_structure(frame.caps.get(), 0), "rate", &rate))
      return PartPlan{config_.target,
                      *config_.part_target,
                      {.length = to_ticks(*frame.duration, static_cast<std::uint32_t>(rate)),
                       .rate = static_cast<std::uint32_t>(rate)}};
  }
  return PartPlan{config_.target, *config_.part_target};
}

GstFlowReturn Rendition::start() {
  const auto plan = make_plan();
  assembler_.emplace(PartAssembler::Config{.plan = plan});
  if (plan)
    writer_->set_part_target(plan->longest());
  const auto pending = std::exchange(pending_, {});
  // All of them first: a part waits for those that it knows.
  for (const auto& [input, frame] : pending)
    join(*find(*input), frame);
  for (const auto& [input, frame] : pending)
    take_in(*find(*input), frame);
  // Some may have ended already, while others had not begun.
  for (const auto& track : tracks_)
    if (track.id && track.has_ended)
      assembler_->end(*track.id);
  return carry_out();
}

// With the first frame of a stream.
void Rendition::join(Track& track, const MediaFrame& frame) {
  if (track.id || !frame.caps)
    return;
  track.id = assembler_->add_track(kind_of(*track.input));
  track.caps = frame.caps;
}

// Not in the middle of a segment, nor with one that was opened without it.
bool Rendition::begins(const Track& track, const MediaFrame& frame) const {
  return track.has_begun || (frame.boundary && (track.output || frame.boundary->index > opened_));
}

void Rendition::tell(Track& track, const Boundary& boundary) {
  told_ = std::max(told_, boundary.index);
  std::erase_if(decided_, [this](const auto& each) { return each.index <= told_; });
  const auto place = std::find_if(segments_.begin(), segments_.end(), [&](const auto& segment) {
    return segment.index >= boundary.index;
  });
  if (boundary.index > opened_ && (place == segments_.end() || place->index != boundary.index))
    segments_.insert(place, boundary);
  assembler_->begin_segment(
      *track.id, {.index = boundary.index, .at = boundary.at, .is_break = boundary.is_break});
}

// Boundaries in front of that one which no stream has come to. All renditions number their segments alike.
void Rendition::tell_missed(Track& track, std::int64_t end) {
  std::vector<Boundary> missed;
  if (told_ != INT64_MIN)
    std::copy_if(decided_.begin(), decided_.end(), std::back_inserter(missed),
                 [end](const auto& each) { return each.index < end; });
  for (const auto& boundary : missed)
    tell(track, boundary);
}

void Rendition::take_in(Track& track, const MediaFrame& frame) {
  join(track, frame);
  if (!track.id)
    return;
  track.has_begun = begins(track, frame);
  if (!track.has_begun) {
    assembler_->gap(*track.id, frame.pts + frame.duration.value_or(Duration{}));
    return;
  }
  if (frame.boundary) {
    tell_missed(track, frame.boundary->index);
    tell(track, *frame.boundary);
  }
  if (frame.buffer) {
    assembler_->add_frame(*track.id,
                          {.pts = frame.pts, .duration = frame.duration, .is_key = frame.is_key});
    track.frames.push_back(frame);
  } else {
    assembler_->gap(*track.id,
                    frame.duration ? std::optional{frame.pts + *frame.duration} : std::nullopt);
  }
}

GstFlowReturn Rendition::on_frame(const Input& input, const MediaFrame& frame) {
  const std::lock_guard lock{mutex_};
  auto* track = find(input);
  if (!track || is_abandoned_)
    return GST_FLOW_FLUSHING;
  track->has_spoken = true;
  track->has_ended = false;
  track->is_absent = false;
  track->seen = writer_->now();
  if (assembler_) {
    take_in(*track, frame);
    give_up_silent();
    const auto flow = carry_out();
    track->seen = writer_->now();
    return flow;
  }
  pending_.push_back({.input = &input, .frame = frame});
  return can_start() ? start() : GST_FLOW_OK;
}

// A part need not wait for the next boundary to learn that a stream stands still.
void Rendition::give_up_silent() {
  const auto now = writer_->now();
  for (const auto& track : tracks_)
    if (track.id && !track.input->is_busy() && now - track.seen >= config_.patience &&
        assembler_->is_awaited(*track.id))
      assembler_->gap(*track.id, std::nullopt);
}

void Rendition::on_decided(const Boundary& boundary, const std::set<const Input*>& absent) {
  const std::lock_guard lock{mutex_};
  if (is_abandoned_)
    return;
  if (boundary.index > told_)
    decided_.push_back(boundary);
  if (decided_.size() > kMostDecided)
    decided_.pop_front();
  bool is_silent = true;
  for (auto& track : tracks_) {
    track.is_absent = absent.contains(track.input.get());
    is_silent &= track.is_absent || !track.id;
    if (track.is_absent && track.id)
      assembler_->gap(*track.id, std::nullopt);
  }
  if (!assembler_) {
    if (can_start())
      start();
    return;
  }
  // Nobody else here tells of it: the others' segment is a gap in this playlist.
  for (auto& track : tracks_)
    if (is_silent && track.id)
      tell_missed(track, INT64_MAX);
  carry_out();
}

void Rendition::on_end(const Input& input) {
  const std::lock_guard lock{mutex_};
  auto* track = find(input);
  if (!track || is_abandoned_)
    return;
  track->has_ended = true;
  if (!assembler_ && can_start())
    start();
  if (track->id)
    assembler_->end(*track->id);
  if (assembler_)
    carry_out();
  const bool is_last = std::all_of(tracks_.begin(), tracks_.end(),
                                   [](const auto& other) { return other.has_ended || !other.id; });
  if (!is_last)
    return;
  if (muxer_)
    muxer_->drain();
  writer_->finish();
}

void Rendition::abandon() {
  // Whoever drains the muxer has the mutex.
  if (const auto muxer = running_.lock()->lock())
    muxer->abandon();
  const std::lock_guard lock{mutex_};
  is_abandoned_ = true;
  muxer_.reset();
}

GstFlowReturn Rendition::carry_out() {
  auto flow = GST_FLOW_OK;
  auto action = assembler_->take();
  while (action) {
    auto next = assembler_->take();
    if (const auto* drop = std::get_if<PartAssembler::Drop>(&*action)) {
      auto& frames = of(drop->track).frames;
      frames.erase(frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(drop->count));
    } else if (!open_segment()) {
      return GST_FLOW_ERROR;
    } else if (const auto* write = std::get_if<PartAssembler::Write>(&*action)) {
      flow = write_pack(of(write->track), write->count);
    } else {
      SegmentWriter::Mark marker;
      if (const auto* part = std::get_if<PartAssembler::EndPart>(&*action)) {
        marker.part = *part;
        // The playlist that lists the last part lists the segment.
        if (next && std::holds_alternative<PartAssembler::EndSegment>(*next))
          action = std::exchange(next, assembler_->take());
      }
      if (const auto* segment = std::get_if<PartAssembler::EndSegment>(&*action))
        marker.segment = *segment;
      mark(marker);
    }
    if (flow != GST_FLOW_OK)
      return flow;
    action = std::move(next);
  }
  return flow;
}

// In front of whatever belongs to it.
bool Rendition::open_segment() {
  if (is_open_)
    return true;
  const auto& segment = segments_.front();
  opened_ = segment.index;
  const bool has_newcomer = std::any_of(
      tracks_.begin(), tracks_.end(), [](const auto& track) { return track.id && !track.output; });
  if (segment.is_break || !muxer_) {
    line_base_ = std::max(line_base_, newest_);
    line_start_ = segment.at;
  }
  const bool is_discontinuous = muxer_ && (segment.is_break || has_newcomer);
  if (has_newcomer) {
    if (muxer_)
      muxer_->drain();
    if (!begin_muxer())
      return false;
  }
  is_open_ = true;
  for (auto& track : tracks_)
    track.is_described = false;
  writer_->expect(
      {.boundary = segment, .is_discontinuous = is_discontinuous, .has_new_muxer = has_newcomer});
  return true;
}

bool Rendition::begin_muxer() {
  auto element = GstPtr<GstElement>::sink(gst_element_factory_make(config_.muxer.c_str(), nullptr));
  if (!element) {
    GST_ELEMENT_ERROR(
        bin_, CORE, MISSING_PLUGIN,
        ("There is no element %s, which this container needs.", config_.muxer.c_str()), (nullptr));
    return false;
  }
  muxer_ = std::make_shared<Muxer>(bin_, std::move(element), config_.buffering, writer_);
  *running_.lock() = muxer_;
  // Sound first: its clock runs through, and the muxer takes the one that it knows first.
  for (const auto kind : {MediaKind::Audio, MediaKind::Video})
    for (auto& track : tracks_) {
      if (!track.id || track.input->kind() != kind)
        continue;
      const auto* name = kind == MediaKind::Audio ? "audio" : "video";
      if (!track.frames.empty())
        track.caps = track.frames.front().caps;
      track.output = muxer_->add_track(name, track.caps.get());
      if (!track.output) {
        GST_ELEMENT_ERROR(bin_, CORE, NEGOTIATION,
                          ("%s does not take this %s.", config_.muxer.c_str(), name),
                          ("caps %" GST_PTR_FORMAT, static_cast<void*>(track.caps.get())));
        return false;
      }
    }
  return true;
}

// On the next tick of the transport stream's clock: what is shown between two of them is shown on the
// nearest one, and the muxer rounds down.
GstClockTime Rendition::muxer_time(RunningTime time) const {
  const auto ticks = to_ticks(line_base_ + (time - line_start_), kTransportRate);
  return to_gst(to_duration(std::max<std::int64_t>(ticks, 0), kTransportRate, Rounding::Up));
}

// They may be newer than those of the frames in front, which have waited for their part to be whole.
void Rendition::follow_caps(Track& track, MediaFrame& frame) {
  if (frame.caps.get() == track.caps.get())
    return;
  track.caps = frame.caps;
  // A transport stream carries its parameters in band.
  if (config_.packs_sound)
    return;
  muxer_->set_caps(*track.output, track.caps.get());
  // A segment has one init segment: what follows in this one is read with these.
  if (track.input->kind() == MediaKind::Video)
    frame.buffer = with_parameter_sets(std::move(frame.buffer), track.caps.get());
}

GstFlowReturn Rendition::write_pack(Track& track, std::size_t count) {
  // One PES for several frames; a sample is one of them.
  const bool is_pack = track.input->kind() == MediaKind::Audio && config_.packs_sound;
  auto flow = GST_FLOW_OK;
  GstPtr<GstBuffer> pack;
  for (; count > 0 && flow == GST_FLOW_OK; --count) {
    auto frame = std::move(track.frames.front());
    track.frames.pop_front();
    follow_caps(track, frame);
    if (!std::exchange(track.is_described, true))
      writer_->describe(track.input->kind(), track.caps.get(), frame.buffer.get());
    if (pack) {
      pack = GstPtr<GstBuffer>::adopt(gst_buffer_append(pack.release(), frame.buffer.release()));
    } else {
      // The times are this muxer's own; the memory is shared.
      pack = GstPtr<GstBuffer>::adopt(gst_buffer_copy_region(
          frame.buffer.get(),
          static_cast<GstBufferCopyFlags>(GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_MEMORY), 0,
          static_cast<gsize>(-1)));
      GST_BUFFER_PTS(pack.get()) = muxer_time(frame.pts);
      GST_BUFFER_DTS(pack.get()) = frame.dts ? muxer_time(*frame.dts) : GST_CLOCK_TIME_NONE;
      GST_BUFFER_DURATION(pack.get()) = GST_CLOCK_TIME_NONE;
    }
    newest_ = std::max(
        newest_, line_base_ + (frame.pts + frame.duration.value_or(Duration{}) - line_start_));
    if (!is_pack || count == 1)
      flow = muxer_->write(*track.output, std::move(pack));
  }
  return flow;
}

void Rendition::mark(SegmentWriter::Mark marker) {
  const auto end = marker.segment ? marker.segment->end : marker.part->end;
  if (marker.segment) {
    while (!segments_.empty() && segments_.front().index <= marker.segment->segment)
      segments_.pop_front();
    is_open_ = false;
  }
  marker.id = ++marks_;
  marker.complete = writer_->now();
  writer_->expect(marker);
  muxer_->end_part(marker.id, line_base_ + (end - line_start_));
}

}  // namespace onair
