// SPDX-License-Identifier: LGPL-2.1-or-later
#include "abrladder_bench.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "glue/gsttime.hpp"

namespace onair::test {
namespace {

GstPtr<GstBuffer> to_buffer(const Luma& picture, Duration at) {
  const auto pixels = static_cast<gsize>(picture.width) * static_cast<gsize>(picture.height);
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, pixels * 3 / 2, nullptr));
  gst_buffer_fill(buffer.get(), 0, picture.pixels.data(), pixels);
  gst_buffer_memset(buffer.get(), pixels, 128, pixels / 2);
  GST_BUFFER_PTS(buffer.get()) = ns(at);
  return buffer;
}

// Runs to its end, and calls `each` with what comes out of `out`.
void run(const std::string& line, const std::function<void(GstElement* in)>& feed,
         const std::function<void(GstSample*)>& each) {
  const auto pipeline = GstPtr<GstElement>::sink(gst_parse_launch(line.c_str(), nullptr));
  ASSERT_TRUE(pipeline) << line;
  const auto in = GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "in"));
  const auto out = GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  feed(in.get());
  GstFlowReturn ended = GST_FLOW_OK;
  g_signal_emit_by_name(in.get(), "end-of-stream", &ended);
  while (true) {
    GstSample* raw = nullptr;
    g_signal_emit_by_name(out.get(), "pull-sample", &raw);
    const auto sample = GstPtr<GstSample>::adopt(raw);
    if (!sample)
      break;
    each(sample.get());
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
}

void push_sample(GstElement* in, GstCaps* caps, GstBuffer* buffer) {
  const auto sample = GstPtr<GstSample>::adopt(gst_sample_new(buffer, caps, nullptr, nullptr));
  GstFlowReturn flow = GST_FLOW_OK;
  g_signal_emit_by_name(in, "push-sample", sample.get(), &flow);
}

}  // namespace

Luma Luma::part(int x, int y, int its_width, int its_height) const {
  Luma cut{.width = its_width, .height = its_height, .pixels = {}};
  for (int row = y; row < y + its_height; ++row)
    for (int column = x; column < x + its_width; ++column)
      cut.pixels.push_back(static_cast<std::uint8_t>(at(column, row)));
  return cut;
}

Luma Luma::scaled(int to_width, int to_height) const {
  Luma to{.width = to_width, .height = to_height, .pixels = {}};
  const double across = static_cast<double>(width) / to_width;
  const double down = static_cast<double>(height) / to_height;
  for (int y = 0; y < to_height; ++y) {
    for (int x = 0; x < to_width; ++x) {
      double sum = 0;
      double weight = 0;
      for (int row = static_cast<int>(y * down); row < height && row < (y + 1) * down; ++row) {
        const double tall = std::min(row + 1.0, (y + 1) * down) - std::max<double>(row, y * down);
        for (int column = static_cast<int>(x * across); column < width && column < (x + 1) * across;
             ++column) {
          const double wide =
              std::min(column + 1.0, (x + 1) * across) - std::max<double>(column, x * across);
          sum += tall * wide * at(column, row);
          weight += tall * wide;
        }
      }
      to.pixels.push_back(static_cast<std::uint8_t>(std::lround(sum / weight)));
    }
  }
  return to;
}

double ssim(const Luma& a, const Luma& b) {
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.height, b.height);
  constexpr int kBlock = 8;
  constexpr double kOne = 6.5025;   // (0.01 * 255)^2
  constexpr double kTwo = 58.5225;  // (0.03 * 255)^2
  double total = 0;
  int blocks = 0;
  for (int top = 0; top + kBlock <= a.height; top += kBlock) {
    for (int left = 0; left + kBlock <= a.width; left += kBlock) {
      double sum_a = 0, sum_b = 0, sum_aa = 0, sum_bb = 0, sum_ab = 0;
      for (int y = top; y < top + kBlock; ++y) {
        for (int x = left; x < left + kBlock; ++x) {
          const double one = a.at(x, y);
          const double two = b.at(x, y);
          sum_a += one;
          sum_b += two;
          sum_aa += one * one;
          sum_bb += two * two;
          sum_ab += one * two;
        }
      }
      constexpr double kPixels = kBlock * kBlock;
      const double mean_a = sum_a / kPixels;
      const double mean_b = sum_b / kPixels;
      const double spread_a = sum_aa / kPixels - mean_a * mean_a;
      const double spread_b = sum_bb / kPixels - mean_b * mean_b;
      const double both = sum_ab / kPixels - mean_a * mean_b;
      total += (2 * mean_a * mean_b + kOne) * (2 * both + kTwo) /
               ((mean_a * mean_a + mean_b * mean_b + kOne) * (spread_a + spread_b + kTwo));
      ++blocks;
    }
  }
  return total / blocks;
}

Luma scene(int width, int height, Duration at) {
  Luma picture{.width = width, .height = height, .pixels = {}};
  const double seconds = in_ms(at) / 1e3;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double across = static_cast<double>(x) / width;
      const double down = static_cast<double>(y) / height;
      const double value = 128 + 60 * std::sin(12 * across + 3 * seconds) * std::cos(9 * down) +
                           40 * std::sin(5 * down - 2 * seconds + 7 * across);
      picture.pixels.push_back(static_cast<std::uint8_t>(std::clamp(value, 16.0, 235.0)));
    }
  }
  return picture;
}

std::vector<int> Coded::nal_types() const {
  std::vector<int> types;
  for (std::size_t i = 0; i + 3 < bytes.size(); ++i)
    if (bytes[i] == 0 && bytes[i + 1] == 0 && bytes[i + 2] == 1)
      types.push_back(bytes[i + 3] & 0x1f);
  return types;
}

std::vector<std::uint8_t> Coded::parameter_set() const {
  for (std::size_t i = 0; i + 3 < bytes.size(); ++i) {
    if (bytes[i] != 0 || bytes[i + 1] != 0 || bytes[i + 2] != 1 || (bytes[i + 3] & 0x1f) != 7)
      continue;
    std::size_t end = i + 3;
    while (end + 2 < bytes.size() &&
           !(bytes[end] == 0 && bytes[end + 1] == 0 && bytes[end + 2] <= 1))
      ++end;
    return {bytes.begin() + static_cast<std::ptrdiff_t>(i) + 3,
            bytes.begin() + static_cast<std::ptrdiff_t>(end)};
  }
  return {};
}

std::vector<GstPtr<GstSample>> encode(const std::vector<std::pair<Duration, Luma>>& pictures,
                                      int key_interval) {
  std::vector<GstPtr<GstSample>> samples;
  run(
      "appsrc name=in format=time ! x264enc tune=zerolatency speed-preset=ultrafast threads=1 "
      "key-int-max=" +
          std::to_string(key_interval) +
          " ! video/x-h264,profile=constrained-baseline,stream-format=byte-stream,alignment=au "
          "! appsink name=out sync=false",
      [&](GstElement* in) {
        for (const auto& [at, picture] : pictures) {
          const auto caps = GstPtr<GstCaps>::adopt(gst_caps_from_string(
              LadderBench::picture_caps(picture.width, picture.height).c_str()));
          push_sample(in, caps.get(), to_buffer(picture, at).get());
        }
      },
      [&](GstSample* sample) {
        // x264enc's times begin after a thousand hours.
        auto* segment = gst_sample_get_segment(sample);
        auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_copy(gst_sample_get_buffer(sample)));
        const auto time = to_running_time(*segment, GST_BUFFER_PTS(buffer.get()));
        GST_BUFFER_PTS(buffer.get()) = to_gst(*time);
        GST_BUFFER_DTS(buffer.get()) = GST_CLOCK_TIME_NONE;
        samples.push_back(GstPtr<GstSample>::adopt(
            gst_sample_new(buffer.get(), gst_sample_get_caps(sample), nullptr, nullptr)));
      });
  return samples;
}

std::string LadderBench::picture_caps(int width, int height, const std::string& more) {
  return "video/x-raw,format=I420,width=" + std::to_string(width) +
         ",height=" + std::to_string(height) + (more.empty() ? "" : "," + more);
}

LadderBench::LadderBench(const Options& options)
    : ElementBench{
          "abrladder " + options.properties +
          (options.renditions.empty() ? "" : " renditions=\"" + options.renditions + "\"")} {
  for (const auto& name : options.srcs) {
    const auto pad = GstPtr<GstPad>::adopt(gst_element_request_pad_simple(element(), name.c_str()));
    EXPECT_TRUE(pad) << name;
    auto& recorder = recorders_[name] = std::make_unique<PadRecorder>(clock());
    if (pad)
      recorder->record(pad.get());
  }
  for (const auto& name : options.sinks) {
    const auto pad = GstPtr<GstPad>::adopt(gst_element_request_pad_simple(element(), name.c_str()));
    EXPECT_TRUE(pad) << name;
    auto& feeder = feeders_[name] = std::make_unique<PadFeeder>();
    feeder->is_live = options.is_live;
    if (pad)
      feeder->feed(pad.get());
  }
  if (options.plays)
    set_state(GST_STATE_PLAYING);
}

LadderBench::~LadderBench() {
  for (const auto& [name, recorder] : recorders_)
    recorder->unblock();
  for (const auto& [name, feeder] : feeders_)
    feeder->stop_feeding();
  set_state(GST_STATE_NULL);
}

GstFlowReturn LadderBench::push_picture(const Luma& picture, Duration at) {
  return in().push_buffer(to_buffer(picture, at));
}

std::vector<Duration> LadderBench::push_scene(int width, int height, double fps, Duration from,
                                              Duration to) {
  std::vector<Duration> times;
  for (int i = 0;; ++i) {
    const auto at = from + Duration{std::llround(i * 1e9 / fps)};
    if (at >= to)
      return times;
    EXPECT_EQ(push_picture(scene(width, height, at), at), GST_FLOW_OK);
    times.push_back(at);
  }
}

GstFlowReturn LadderBench::push_sound(Duration at, Duration length, int channels, int rate) {
  const auto frames = length.count() * rate / 1'000'000'000;
  auto buffer = GstPtr<GstBuffer>::adopt(
      gst_buffer_new_allocate(nullptr, static_cast<gsize>(frames * channels * 2), nullptr));
  GstMapInfo map;
  gst_buffer_map(buffer.get(), &map, GST_MAP_WRITE);
  auto* samples = reinterpret_cast<std::int16_t*>(map.data);
  for (std::int64_t i = 0; i < frames * channels; ++i)
    samples[i] = static_cast<std::int16_t>(
        8000 * std::sin(0.05 * static_cast<double>(i / channels) + in_ms(at)));
  gst_buffer_unmap(buffer.get(), &map);
  GST_BUFFER_PTS(buffer.get()) = ns(at);
  GST_BUFFER_DURATION(buffer.get()) = ns(length);
  return in("audio_0").push_buffer(std::move(buffer));
}

GstFlowReturn LadderBench::push_samples(const Sound& sound, std::size_t first, std::size_t count,
                                        Duration at) {
  std::vector<std::int16_t> samples;
  for (std::size_t i = first; i < first + count; ++i)
    samples.insert(samples.end(), 2,
                   static_cast<std::int16_t>(std::lround(32767 * sound.samples.at(i))));
  auto buffer = GstPtr<GstBuffer>::adopt(
      gst_buffer_new_memdup(samples.data(), samples.size() * sizeof samples[0]));
  GST_BUFFER_PTS(buffer.get()) = ns(at);
  GST_BUFFER_DURATION(buffer.get()) =
      ns(Duration{std::llround(1e9 / Sound::kRate * static_cast<double>(count))});
  return in("audio_0").push_buffer(std::move(buffer));
}

void LadderBench::ask_for_key_frame(const std::string& pad, std::optional<Duration> at,
                                    guint count) {
  gst_pad_push_event(out(pad).recorder(), gst_video_event_new_upstream_force_key_unit(
                                              at ? ns(*at) : GST_CLOCK_TIME_NONE, TRUE, count));
}

bool LadderBench::end() {
  for (const auto& [name, feeder] : feeders_)
    feeder->push_event(gst_event_new_eos());
  return std::all_of(recorders_.begin(), recorders_.end(),
                     [](const auto& its) { return its.second->wait_for("eos"); });
}

std::vector<Coded> LadderBench::coded(const std::string& pad) {
  std::vector<Coded> frames;
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  for (const auto& item : out(pad).items()) {
    if (item.event && GST_EVENT_TYPE(item.event.get()) == GST_EVENT_SEGMENT)
      gst_event_copy_segment(item.event.get(), &segment);
    if (!item.buffer)
      continue;
    auto* buffer = item.buffer.get();
    const auto time = to_running_time(segment, GST_BUFFER_PTS(buffer));
    std::vector<std::uint8_t> bytes(gst_buffer_get_size(buffer));
    gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
    frames.push_back({.at = time ? time->time_since_epoch() : Duration{-1},
                      .is_key = !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT),
                      .size = bytes.size(),
                      .bytes = std::move(bytes)});
  }
  return frames;
}

std::vector<Decoded> LadderBench::decoded(const std::string& pad) {
  std::vector<Decoded> pictures;
  const auto caps = GstPtr<GstCaps>::adopt(
      gst_caps_from_string("video/x-h264,stream-format=byte-stream,alignment=au"));
  run(
      "appsrc name=in format=time ! h264parse ! avdec_h264 max-threads=1 ! video/x-raw,format=I420 "
      "! appsink name=out sync=false",
      [&](GstElement* in) {
        for (const auto& frame : coded(pad)) {
          const auto buffer =
              GstPtr<GstBuffer>::adopt(gst_buffer_new_memdup(frame.bytes.data(), frame.size));
          GST_BUFFER_PTS(buffer.get()) = GST_BUFFER_DTS(buffer.get()) = ns(frame.at);
          push_sample(in, caps.get(), buffer.get());
        }
      },
      [&](GstSample* sample) {
        GstVideoInfo info;
        GstVideoFrame frame;
        gst_video_info_from_caps(&info, gst_sample_get_caps(sample));
        auto* buffer = gst_sample_get_buffer(sample);
        gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ);
        Luma luma{.width = GST_VIDEO_INFO_WIDTH(&info),
                  .height = GST_VIDEO_INFO_HEIGHT(&info),
                  .pixels = {}};
        const auto* data = static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0));
        for (int y = 0; y < luma.height; ++y, data += GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0))
          luma.pixels.insert(luma.pixels.end(), data, data + luma.width);
        gst_video_frame_unmap(&frame);
        pictures.push_back(
            {Duration{static_cast<Duration::rep>(GST_BUFFER_PTS(buffer))}, std::move(luma)});
      });
  return pictures;
}

Sound LadderBench::decoded_sound(const std::string& pad) {
  Sound sound;
  const auto told = out(pad).events("caps");
  if (told.empty())
    return sound;
  GstCaps* caps = nullptr;
  gst_event_parse_caps(told.back().get(), &caps);
  int version = 0;
  gst_structure_get_int(gst_caps_get_structure(caps, 0), "mpegversion", &version);
  run(
      std::string{"appsrc name=in format=time ! "} +
          (version == 1 ? "mpegaudioparse ! avdec_mp3" : "aacparse ! avdec_aac") +
          " ! audioconvert ! audio/x-raw,format=F64LE,layout=interleaved,rate=48000,channels=2"
          " ! appsink name=out sync=false",
      [&](GstElement* in) {
        for (const auto& item : out(pad).buffers())
          push_sample(in, caps, item.buffer.get());
      },
      [&](GstSample* sample) {
        auto* buffer = gst_sample_get_buffer(sample);
        const Duration at{static_cast<Duration::rep>(GST_BUFFER_PTS(buffer))};
        if (sound.samples.empty())
          sound.at = at;
        EXPECT_LE(std::chrono::abs(at - sound.time_of(sound.samples.size())), 2us);
        GstMapInfo map;
        gst_buffer_map(buffer, &map, GST_MAP_READ);
        const auto* data = reinterpret_cast<const double*>(map.data);
        for (std::size_t i = 0; i + 1 < map.size / sizeof(double); i += 2)
          sound.samples.push_back(data[i]);
        gst_buffer_unmap(buffer, &map);
      });
  return sound;
}

std::vector<std::string> LadderBench::caps(const std::string& pad) {
  std::vector<std::string> all;
  for (const auto& event : out(pad).events("caps")) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event.get(), &caps);
    std::string text = GMemory<char>{gst_caps_to_string(caps)}.get();
    if (std::find(all.begin(), all.end(), text) == all.end())
      all.push_back(std::move(text));
  }
  return all;
}

StructurePtr LadderBench::stats_of(const std::string& rendition) {
  GstStructure* its = nullptr;
  gst_structure_get(stats().get(), rendition.c_str(), GST_TYPE_STRUCTURE, &its, nullptr);
  return StructurePtr{its};
}

}  // namespace onair::test
