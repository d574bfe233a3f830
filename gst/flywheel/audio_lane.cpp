// SPDX-License-Identifier: LGPL-2.1-or-later
#include "audio_lane.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>

#include "base/ticks.hpp"
#include "glue/gsttime.hpp"

namespace onair {

namespace {

constexpr std::uint32_t kPiecesPerSecond = 50;  // of filler: 20 ms, as Opus usually sends
constexpr float kFullScale = 32768;

void to_float(std::span<const std::int16_t> from, float* to) {
  std::transform(from.begin(), from.end(), to,
                 [](std::int16_t value) { return static_cast<float>(value) / kFullScale; });
}

void to_s16(std::span<const float> from, std::int16_t* to) {
  std::transform(from.begin(), from.end(), to, [](float value) {
    return static_cast<std::int16_t>(
        std::lround(std::clamp(value * kFullScale, -kFullScale, kFullScale - 1)));
  });
}

template <typename Sample>
std::span<Sample> samples_of(const GstMapInfo& map) {
  return {reinterpret_cast<Sample*>(map.data), map.size / sizeof(Sample)};
}

}  // namespace

AudioLane::AudioLane(GstElement* element, GstPad* src, LaneStats& stats)
    : Lane{element, src, "audio", stats} {
  gst_audio_info_init(&info_);
}

void AudioLane::configure(const FlywheelSettings& settings) {
  if (!line_)
    return;
  line_->set_max_wait(max_wait(settings));
  line_->set_tolerance(to_duration(settings.tolerance).value_or(Duration{0}));
}

bool AudioLane::set_caps(GstCaps* caps) {
  GstAudioInfo info;
  if (!gst_audio_info_from_caps(&info, caps) ||
      GST_AUDIO_INFO_LAYOUT(&info) != GST_AUDIO_LAYOUT_INTERLEAVED ||
      (GST_AUDIO_INFO_FORMAT(&info) != GST_AUDIO_FORMAT_S16 &&
       GST_AUDIO_INFO_FORMAT(&info) != GST_AUDIO_FORMAT_F32))
    return false;
  const auto rate = static_cast<std::uint32_t>(GST_AUDIO_INFO_RATE(&info));
  // What was heard goes on in another format, but not at another rate or in other channels.
  if (!line_ || info.rate != info_.rate || info.channels != info_.channels)
    concealer_.emplace(rate, static_cast<std::size_t>(info.channels));
  if (line_)
    line_->set_rate(rate);
  else
    line_.emplace(rate);
  info_ = info;
  return true;
}

void AudioLane::begin(RunningTime at) {
  line_->begin(at);
}

std::optional<RunningTime> AudioLane::deadline() const {
  return line_ ? line_->deadline() : std::nullopt;
}

Duration AudioLane::length_of(std::size_t frames) const {
  return onair::to_duration(static_cast<std::int64_t>(frames), line_->rate());
}

GstFlowReturn AudioLane::on_buffer(GstPtr<GstBuffer> buffer, std::optional<RunningTime> start,
                                   std::optional<RunningTime> now) {
  if (!line_)
    return GST_FLOW_NOT_NEGOTIATED;
  const auto frame_size = static_cast<std::size_t>(GST_AUDIO_INFO_BPF(&info_));
  const std::size_t size = gst_buffer_get_size(buffer.get());
  const auto frames = static_cast<std::int64_t>(size / frame_size);
  if (frames == 0)
    return GST_FLOW_OK;
  const auto plan = line_->on_input(start, frames, now);
  stats_.lag = line_->lag();
  if (is_dropped(plan.kind, plan.by)) {
    stats_.late_samples += static_cast<std::uint64_t>(frames);
    return GST_FLOW_OK;
  }
  if (const GstFlowReturn flow = fill_frames(plan.fill); flow != GST_FLOW_OK)
    return flow;
  stats_.trimmed_samples += static_cast<std::uint64_t>(plan.trim);
  if (plan.take == 0)
    return GST_FLOW_OK;

  const std::size_t wanted = static_cast<std::size_t>(plan.take) * frame_size;
  if (wanted != size)
    buffer = GstPtr<GstBuffer>::adopt(
        gst_buffer_copy_region(buffer.get(), GST_BUFFER_COPY_ALL,
                               static_cast<std::size_t>(plan.trim) * frame_size, wanted));
  buffer = GstPtr<GstBuffer>::adopt(gst_buffer_make_writable(buffer.release()));
  const bool is_cut = has_begun_ && (plan.trim > 0 || plan.kind == ArrivalKind::Leap);
  if (concealer_->is_concealing() || is_cut)
    join(buffer.get());
  remember(buffer.get());
  const auto span = line_->advance(plan.take);
  GST_BUFFER_PTS(buffer.get()) = to_gst(span.start);
  GST_BUFFER_DTS(buffer.get()) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION(buffer.get()) = to_gst(span.length);
  GST_BUFFER_OFFSET(buffer.get()) = GST_BUFFER_OFFSET_END(buffer.get()) = GST_BUFFER_OFFSET_NONE;
  // Upstream's holes are none any more.
  if (!std::exchange(has_begun_, true) || plan.kind == ArrivalKind::Leap)
    GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
  else
    GST_BUFFER_FLAG_UNSET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
  return push_input(std::move(buffer));
}

GstFlowReturn AudioLane::on_gap(RunningTime start, Duration length,
                                std::optional<RunningTime> now) {
  return line_ ? fill_frames(line_->on_gap(start, length, now)) : GST_FLOW_OK;
}

GstFlowReturn AudioLane::fill() {
  return push_piece(std::max<std::int64_t>(1, line_->rate() / kPiecesPerSecond));
}

GstFlowReturn AudioLane::fill_frames(std::int64_t frames) {
  const std::int64_t piece = std::max<std::int64_t>(1, line_->rate() / kPiecesPerSecond);
  for (; frames > 0; frames -= piece)
    if (const GstFlowReturn flow = push_piece(std::min(frames, piece)); flow != GST_FLOW_OK)
      return flow;
  return GST_FLOW_OK;
}

GstFlowReturn AudioLane::push_piece(std::int64_t frames) {
  const auto count = static_cast<std::size_t>(frames);
  scratch_.resize(count * static_cast<std::size_t>(info_.channels));
  const std::size_t concealed = concealer_->conceal(scratch_);
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(
      nullptr, count * static_cast<std::size_t>(GST_AUDIO_INFO_BPF(&info_)), nullptr));
  GstMapInfo map;
  if (!gst_buffer_map(buffer.get(), &map, GST_MAP_WRITE))
    return GST_FLOW_ERROR;
  if (GST_AUDIO_INFO_FORMAT(&info_) == GST_AUDIO_FORMAT_S16)
    to_s16(scratch_, samples_of<std::int16_t>(map).data());
  else
    std::copy(scratch_.begin(), scratch_.end(), samples_of<float>(map).begin());
  gst_buffer_unmap(buffer.get(), &map);
  const auto span = line_->advance(frames);
  stats_.concealed += length_of(concealed);
  stats_.silence += span.length - length_of(concealed);
  // Stock elements take a gap for silence, so what sounds is none.
  if (concealed == 0)
    GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_GAP);
  if (!std::exchange(has_begun_, true))
    GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
  return push_filler(std::move(buffer), span.start, span.length);
}

void AudioLane::join(GstBuffer* buffer) {
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READWRITE))
    return;
  const std::size_t most = concealer_->overlap() * static_cast<std::size_t>(info_.channels);
  if (GST_AUDIO_INFO_FORMAT(&info_) == GST_AUDIO_FORMAT_S16) {
    const auto all = samples_of<std::int16_t>(map);
    const auto first = all.first(std::min(most, all.size()));
    scratch_.resize(first.size());
    to_float(first, scratch_.data());
    concealer_->join(scratch_);
    to_s16(scratch_, first.data());
  } else {
    const auto all = samples_of<float>(map);
    concealer_->join(all.first(std::min(most, all.size())));
  }
  gst_buffer_unmap(buffer, &map);
  GST_BUFFER_FLAG_UNSET(buffer, GST_BUFFER_FLAG_GAP);
}

void AudioLane::remember(GstBuffer* buffer) {
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
    return;
  const std::size_t most = concealer_->memory() * static_cast<std::size_t>(info_.channels);
  if (GST_AUDIO_INFO_FORMAT(&info_) == GST_AUDIO_FORMAT_S16) {
    const auto all = samples_of<const std::int16_t>(map);
    const auto last = all.last(std::min(most, all.size()));
    scratch_.resize(last.size());
    to_float(last, scratch_.data());
    concealer_->remember(scratch_);
  } else {
    concealer_->remember(samples_of<const float>(map));
  }
  gst_buffer_unmap(buffer, &map);
}

}  // namespace onair
