// SPDX-License-Identifier: LGPL-2.1-or-later
#include "balancer_rig.hpp"

#include <algorithm>
#include <cstdint>
#include <thread>

#include "base/ticks.hpp"
#include "glue/gsttime.hpp"

namespace onair::benchmark {

using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t kFrameRate = 30;
constexpr std::uint32_t kSampleRate = 48'000;
constexpr std::int64_t kSamples = 1152;
constexpr gsize kPictureSize = 4000;
constexpr gsize kSoundSize = 384;
// The picture is this much ahead: what is nearest to a boundary may be behind it.
constexpr Duration kLead = 40ms;

GstPtr<GstBuffer> make_buffer(gsize size, Duration time, Duration length, bool is_key) {
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, size, nullptr));
  gst_buffer_memset(buffer.get(), 0, 0x5a, size);
  GST_BUFFER_PTS(buffer.get()) = GST_BUFFER_DTS(buffer.get()) = to_gst(time);
  GST_BUFFER_DURATION(buffer.get()) = to_gst(length);
  if (!is_key)
    GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  return buffer;
}

GstPad* new_pad(const char* name, GstPadDirection direction, gpointer rig) {
  auto* pad = gst_pad_new(name, direction);
  gst_pad_set_element_private(pad, rig);
  return GST_PAD(gst_object_ref_sink(pad));
}

void link_or_abort(GstPad* from, GstPad* to) {
  if (GST_PAD_LINK_FAILED(gst_pad_link(from, to)))
    g_error("the rig's pads cannot be linked");
}

GstPtr<GstPad> pad_of(GstElement* element, const char* name) {
  return GstPtr<GstPad>::adopt(gst_element_get_static_pad(element, name));
}

void send_opening_events(GstPad* source, const char* caps_text) {
  gst_pad_push_event(source, gst_event_new_stream_start(GST_PAD_NAME(source)));
  const auto caps = GstPtr<GstCaps>::adopt(gst_caps_from_string(caps_text));
  gst_pad_push_event(source, gst_event_new_caps(caps.get()));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(source, gst_event_new_segment(&segment));
}

}  // namespace

std::string_view name(Segments segments) {
  return segments == Segments::None ? "steady" : "cuts";
}

std::optional<Segments> find_segments(std::string_view name_of_one) {
  for (const auto segments : {Segments::None, Segments::EachSecond})
    if (name(segments) == name_of_one)
      return segments;
  return std::nullopt;
}

BalancerRig::BalancerRig(const std::string& factory, Segments segments, std::size_t buffers) {
  items_.reserve(buffers);
  for (std::int64_t picture = 0, sound = 0; items_.size() < buffers;) {
    const auto picture_time = to_duration(picture, kFrameRate);
    const auto sound_time = to_duration(sound * kSamples, kSampleRate);
    if (picture_time <= sound_time + kLead) {
      items_.push_back({kVideo, make_buffer(kPictureSize, picture_time, to_duration(1, kFrameRate),
                                            picture % kFrameRate == 0)});
      ++picture;
    } else {
      items_.push_back(
          {kAudio, make_buffer(kSoundSize, sound_time, to_duration(kSamples, kSampleRate), true)});
      ++sound;
    }
  }
  for (const auto stream : {kVideo, kAudio}) {
    sources_[stream] = GstPtr<GstPad>::adopt(new_pad("source", GST_PAD_SRC, this));
    sinks_[stream] = GstPtr<GstPad>::adopt(new_pad("sink", GST_PAD_SINK, this));
    gst_pad_set_chain_function(sinks_[stream].get(), on_buffer);
    gst_pad_set_event_function(sinks_[stream].get(), on_event);
    gst_pad_set_active(sinks_[stream].get(), TRUE);
    gst_pad_set_active(sources_[stream].get(), TRUE);
  }
  link(factory, segments);
  send_opening_events(sources_[kVideo].get(),
                      "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au, "
                      "framerate=(fraction)30/1");
  send_opening_events(sources_[kAudio].get(),
                      "audio/mpeg, mpegversion=(int)1, layer=(int)3, parsed=(boolean)true, "
                      "rate=(int)48000, channels=(int)2");
  push_first();
}

BalancerRig::~BalancerRig() {
  for (const auto& source : sources_)
    gst_pad_set_active(source.get(), FALSE);
  for (const auto& element : elements_)
    gst_element_set_state(element.get(), GST_STATE_NULL);
}

void BalancerRig::link(const std::string& factory, Segments segments) {
  const auto make = [this, &factory] {
    elements_.push_back(
        GstPtr<GstElement>::sink(gst_element_factory_make(factory.c_str(), nullptr)));
    if (!elements_.back())
      g_error("there is no element %s", factory.c_str());
    return elements_.back().get();
  };
  if (factory == "none") {
    for (const auto stream : {kVideo, kAudio})
      link_or_abort(sources_[stream].get(), sinks_[stream].get());
    return;
  }
  if (factory == "hlsbalancer") {
    auto* element = make();
    const Duration target = segments == Segments::None ? Duration{1h} : Duration{1s};
    g_object_set(element, "target-duration", static_cast<guint64>(to_gst(target)), nullptr);
    for (const auto& [stream, sink, src] :
         {std::tuple{kVideo, "video_0", "video_src_0"}, {kAudio, "audio_0", "audio_src_0"}}) {
      const auto requested = GstPtr<GstPad>::adopt(gst_element_request_pad_simple(element, sink));
      link_or_abort(sources_[stream].get(), requested.get());
      link_or_abort(pad_of(element, src).get(), sinks_[stream].get());
    }
  } else {
    for (const auto stream : {kVideo, kAudio}) {
      auto* element = make();
      link_or_abort(sources_[stream].get(), pad_of(element, "sink").get());
      link_or_abort(pad_of(element, "src").get(), sinks_[stream].get());
    }
  }
  const auto clock = GstPtr<GstClock>::adopt(gst_system_clock_obtain());
  for (const auto& element : elements_) {
    gst_element_set_clock(element.get(), clock.get());
    gst_element_set_base_time(element.get(), gst_clock_get_time(clock.get()));
    if (gst_element_set_state(element.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
      g_error("%s does not start", factory.c_str());
  }
}

// The first of each stream wait for each other.
void BalancerRig::push_first() {
  const auto sound = std::find_if(items_.begin(), items_.end(),
                                  [](const Item& item) { return item.stream == kAudio; });
  std::thread picture{[this, sound] {
    for (auto item = items_.begin(); item != sound; ++item)
      push_one(*item);
  }};
  push_one(*sound);
  picture.join();
  next_ = static_cast<std::size_t>(sound - items_.begin()) + 1;
}

void BalancerRig::push_one(Item& item) {
  if (gst_pad_push(sources_[item.stream].get(), item.buffer.release()) != GST_FLOW_OK)
    g_error("a buffer was refused");
}

void BalancerRig::push(std::size_t count) {
  for (const auto end = std::min(next_ + count, items_.size()); next_ < end; ++next_)
    push_one(items_[next_]);
}

GstFlowReturn BalancerRig::on_buffer(GstPad* pad, GstObject*, GstBuffer* buffer) noexcept {
  ++static_cast<BalancerRig*>(gst_pad_get_element_private(pad))->buffers_out_;
  gst_buffer_unref(buffer);
  return GST_FLOW_OK;
}

gboolean BalancerRig::on_event(GstPad* pad, GstObject*, GstEvent* event) noexcept {
  if (gst_event_has_name(event, "GstForceKeyUnit"))
    ++static_cast<BalancerRig*>(gst_pad_get_element_private(pad))->cuts_;
  gst_event_unref(event);
  return TRUE;
}

}  // namespace onair::benchmark
