// SPDX-License-Identifier: LGPL-2.1-or-later
#include "part_mux.hpp"

#include <algorithm>
#include <utility>

#include "codec_caps.hpp"
#include "glue/gsttime.hpp"
#include "init_segment.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_cmaf_part_mux_debug);
#define GST_CAT_DEFAULT gst_cmaf_part_mux_debug

namespace onair {
namespace {

GstPtr<GstBuffer> buffer_of(const Bytes& bytes) {
  return GstPtr<GstBuffer>::adopt(gst_buffer_new_memdup(bytes.data(), bytes.size()));
}

// The end of its part, if the marker says it.
std::optional<RunningTime> end_said_by(GstEvent* marker) {
  guint64 end = 0;
  if (!gst_structure_get_uint64(gst_event_get_structure(marker), "end", &end) ||
      !GST_CLOCK_TIME_IS_VALID(end))
    return std::nullopt;
  return RunningTime{Duration{static_cast<Duration::rep>(end)}};
}

}  // namespace

void PartMux::add(GstPad* sink, bool is_video) {
  auto state = state_.lock();
  state->streams.push_back({.sink = sink, .id = ++state->last_id, .is_video = is_video});
  gst_segment_init(&state->streams.back().segment, GST_FORMAT_UNDEFINED);
}

void PartMux::remove(GstPad* sink) {
  Output output;
  {
    auto state = state_.lock();
    std::erase_if(state->streams, [sink](const auto& stream) { return stream.sink == sink; });
    output = take_part(*state);
  }
  push(std::move(output));
}

void PartMux::reset() {
  auto state = state_.lock();
  State fresh;
  for (const auto& stream : state->streams) {
    fresh.streams.push_back({.sink = stream.sink, .id = stream.id, .is_video = stream.is_video});
    gst_segment_init(&fresh.streams.back().segment, GST_FORMAT_UNDEFINED);
  }
  fresh.last_id = state->last_id;
  *state = std::move(fresh);
}

PartMux::Stream* PartMux::find(State& state, GstPad* sink) {
  const auto found = std::find_if(state.streams.begin(), state.streams.end(),
                                  [sink](const auto& stream) { return stream.sink == sink; });
  return found == state.streams.end() ? nullptr : &*found;
}

GstFlowReturn PartMux::on_buffer(GstPad* sink, GstPtr<GstBuffer> buffer) {
  bool is_behind_marker = false;
  {
    auto state = state_.lock();
    if (state->flow != GST_FLOW_OK)
      return state->flow;
    auto* stream = find(*state, sink);
    if (!stream)
      return GST_FLOW_FLUSHING;
    if (!stream->track)
      return GST_FLOW_NOT_NEGOTIATED;
    const auto presentation = to_running_time(stream->segment, GST_BUFFER_PTS(buffer.get()));
    const auto decode = to_running_time(stream->segment, GST_BUFFER_DTS(buffer.get()));
    if (!presentation && !decode) {
      GST_WARNING_OBJECT(sink, "dropped a buffer without a timestamp");
      return GST_FLOW_OK;
    }
    is_behind_marker = stream->is_at_marker;
    if (!is_behind_marker) {
      const auto at = decode.value_or(*(presentation ? presentation : decode));
      if (stream->last)
        stream->pace = std::max(at - *stream->last, Duration{0});
      stream->last = at;
      stream->samples.push_back(
          {.decode_time = at,
           .presentation_time = presentation.value_or(at),
           .duration = to_duration(GST_BUFFER_DURATION(buffer.get())).value_or(stream->pace),
           .size = gst_buffer_get_size(buffer.get()),
           .is_key = !GST_BUFFER_FLAG_IS_SET(buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT)});
      stream->buffers.push_back(std::move(buffer));
    }
  }
  if (!is_behind_marker)
    return GST_FLOW_OK;
  GST_ELEMENT_ERROR(
      element_, STREAM, MUX, ("Frames of two parts came at once"),
      ("%s has frames of the next part before each pad had its marker", GST_OBJECT_NAME(sink)));
  return GST_FLOW_ERROR;
}

bool PartMux::on_event(GstPad* sink, GstPtr<GstEvent> event) {
  switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_CAPS:
      return set_caps(sink, event.get());
    case GST_EVENT_SEGMENT:
      return set_segment(sink, event.get());
    case GST_EVENT_EOS:
      return on_end(sink, std::move(event));
    case GST_EVENT_FLUSH_STOP:
      end_flush(sink);
      break;
    default:
      break;
  }
  if (gst_event_has_name(event.get(), kPartMarker))
    return on_marker(sink, std::move(event));
  // Ours go out with the first fragment, and a fragment has no gaps.
  if (GST_EVENT_IS_STICKY(event.get()) || GST_EVENT_TYPE(event.get()) == GST_EVENT_GAP)
    return true;
  return gst_pad_push_event(src_, event.release()) != FALSE;
}

bool PartMux::set_caps(GstPad* sink, GstEvent* event) {
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  Output output;
  {
    auto state = state_.lock();
    auto* stream = find(*state, sink);
    if (!stream)
      return false;
    auto track = track_of(caps, stream->id);
    if (!track) {
      GST_WARNING_OBJECT(sink, "no track can be made of %" GST_PTR_FORMAT, caps);
      return false;
    }
    // What came under the old caps cannot be behind the new init segment.
    if (stream->track != track && !stream->samples.empty())
      output = take_fragment(*state, std::nullopt);
    stream->track = std::move(track);
  }
  return push(std::move(output));
}

bool PartMux::set_segment(GstPad* sink, GstEvent* event) {
  const GstSegment* segment = nullptr;
  gst_event_parse_segment(event, &segment);
  auto state = state_.lock();
  auto* stream = find(*state, sink);
  if (!stream || segment->format != GST_FORMAT_TIME)
    return false;
  stream->segment = *segment;
  stream->is_at_end = false;
  return true;
}

bool PartMux::on_marker(GstPad* sink, GstPtr<GstEvent> marker) {
  Output output;
  {
    auto state = state_.lock();
    auto* stream = find(*state, sink);
    if (!stream)
      return false;
    stream->is_at_marker = true;
    state->marker = std::move(marker);
    output = take_part(*state);
  }
  return push(std::move(output));
}

bool PartMux::on_end(GstPad* sink, GstPtr<GstEvent> eos) {
  Output part;
  Output rest;
  {
    auto state = state_.lock();
    auto* stream = find(*state, sink);
    if (!stream)
      return false;
    stream->is_at_end = true;
    part = take_part(*state);
    const bool is_over = std::all_of(state->streams.begin(), state->streams.end(),
                                     [](const auto& other) { return other.is_at_end; });
    if (is_over) {
      rest = take_fragment(*state, std::nullopt);
      // An EOS wants a stream, even with no frame at all.
      rest.begins = !std::exchange(state->has_begun, true) || rest.begins;
      rest.event = std::move(eos);
    }
  }
  return push(std::move(part)) && push(std::move(rest));
}

void PartMux::end_flush(GstPad* sink) {
  auto state = state_.lock();
  state->flow = GST_FLOW_OK;
  state->needs_segment = true;
  auto* stream = find(*state, sink);
  if (!stream)
    return;
  stream->samples.clear();
  stream->buffers.clear();
  stream->last.reset();
  stream->is_at_marker = stream->is_at_end = false;
  gst_segment_init(&stream->segment, GST_FORMAT_UNDEFINED);
  if (std::none_of(state->streams.begin(), state->streams.end(),
                   [](const auto& other) { return other.is_at_marker; }))
    state->marker.reset();
}

// Once each pad has had its marker; nothing until then.
PartMux::Output PartMux::take_part(State& state) {
  const bool is_complete =
      std::all_of(state.streams.begin(), state.streams.end(),
                  [](const auto& stream) { return stream.is_at_marker || stream.is_at_end; });
  if (!state.marker || !is_complete)
    return {};
  auto output = take_fragment(state, end_said_by(state.marker.get()));
  output.event = std::exchange(state.marker, {});
  return output;
}

PartMux::Output PartMux::take_fragment(State& state, std::optional<RunningTime> end) {
  for (auto& stream : state.streams)
    stream.is_at_marker = false;
  Output output{.init = {}, .fragment = take_samples(state, end), .event = {}};
  if (!output.fragment)
    return output;
  std::vector<MediaTrack> tracks;
  for (const auto& stream : state.streams)
    if (stream.track)
      tracks.push_back(*stream.track);
  if (tracks != state.announced) {
    output.init = buffer_of(init_segment(tracks));
    GST_BUFFER_FLAG_SET(output.init.get(), GST_BUFFER_FLAG_HEADER);
    GST_BUFFER_PTS(output.init.get()) = GST_BUFFER_PTS(output.fragment.get());
    state.announced = std::move(tracks);
  }
  output.begins = !std::exchange(state.has_begun, true);
  output.has_segment = std::exchange(state.needs_segment, false);
  return output;
}

// The fragment, and no more samples; nothing where there were none.
GstPtr<GstBuffer> PartMux::take_samples(State& state, std::optional<RunningTime> end) {
  std::vector<TrackRun> runs;
  std::vector<GstPtr<GstBuffer>> buffers;
  std::optional<RunningTime> start;
  bool has_picture = false;
  bool begins_with_key = false;
  for (auto& stream : state.streams) {
    has_picture = has_picture || (stream.is_video && stream.track);
    if (stream.samples.empty())
      continue;
    const auto& first = stream.samples.front();
    start = start ? std::min(*start, first.presentation_time) : first.presentation_time;
    begins_with_key = begins_with_key || (stream.is_video && first.is_key);
    runs.push_back({.track_id = stream.id,
                    .is_video = stream.is_video,
                    .timescale = stream.track->timescale(),
                    .samples = std::exchange(stream.samples, {})});
    for (auto& buffer : std::exchange(stream.buffers, {}))
      buffers.push_back(std::move(buffer));
  }
  if (runs.empty())
    return {};
  const auto header = fragment_header(++state.sequence, runs, end);
  auto size = header.size();
  for (const auto& buffer : buffers)
    size += gst_buffer_get_size(buffer.get());
  auto fragment = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, size, nullptr));
  gst_buffer_fill(fragment.get(), 0, header.data(), header.size());
  GstMapInfo map;
  gst_buffer_map(fragment.get(), &map, GST_MAP_WRITE);
  auto at = header.size();
  for (const auto& buffer : buffers)
    at += gst_buffer_extract(buffer.get(), 0, map.data + at, map.size - at);
  gst_buffer_unmap(fragment.get(), &map);
  GST_BUFFER_PTS(fragment.get()) = to_gst(*start);
  if (has_picture && !begins_with_key)
    GST_BUFFER_FLAG_SET(fragment.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  return fragment;
}

bool PartMux::push(Output output) {
  if (output.begins) {
    const GMemory<char> id{g_strdup_printf("%s-%08x", GST_OBJECT_NAME(element_), g_random_int())};
    gst_pad_push_event(src_, gst_event_new_stream_start(id.get()));
  }
  if (output.init) {
    GstCaps* caps = gst_pad_get_pad_template_caps(src_);
    caps = gst_caps_make_writable(caps);
    GValue headers = G_VALUE_INIT;
    GValue header = G_VALUE_INIT;
    g_value_init(&headers, GST_TYPE_ARRAY);
    g_value_init(&header, GST_TYPE_BUFFER);
    gst_value_set_buffer(&header, output.init.get());
    gst_value_array_append_and_take_value(&headers, &header);
    gst_caps_set_value(caps, "streamheader", &headers);
    g_value_unset(&headers);
    gst_pad_push_event(src_, gst_event_new_caps(caps));
    gst_caps_unref(caps);
  }
  if (output.has_segment) {
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(src_, gst_event_new_segment(&segment));
  }
  for (auto* buffer : {&output.init, &output.fragment}) {
    if (!*buffer)
      continue;
    const auto flow = gst_pad_push(src_, buffer->release());
    if (flow == GST_FLOW_OK)
      continue;
    GST_INFO_OBJECT(element_, "downstream says %s", gst_flow_get_name(flow));
    state_.lock()->flow = flow;
    return false;
  }
  return !output.event || gst_pad_push_event(src_, output.event.release()) != FALSE;
}

}  // namespace onair
