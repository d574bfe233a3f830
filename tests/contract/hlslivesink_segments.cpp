// SPDX-License-Identifier: LGPL-2.1-or-later
// hlslivesink behind stock encoders: what is in its segments and parts, read from what a player would get.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "base/ticks.hpp"
#include "glue/gstptr.hpp"
#include "gst_environment.hpp"
#include "pipeline.hpp"
#include "programme.hpp"

namespace onair::test {
namespace {

using namespace onair::segments;
using namespace std::chrono_literals;

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

// Times are rounded to 90 kHz, each for itself.
constexpr std::int64_t kTick = 1;
constexpr double kTickSeconds = 1.0 / kTicksPerSecond;
// EXTINF is printed in nanoseconds at most.
constexpr double kPrinted = 1e-8;
// A PAT and a PMT.
constexpr std::size_t kTables = 2 * 188;

struct Case {
  std::string name;
  Programme programme;
  bool is_low_latency;
};

void PrintTo(const Case& each, std::ostream* out) {
  *out << each.name;
}

constexpr Sound kMp3{};
constexpr Sound kAac{.codec = Sound::Codec::Aac};
constexpr auto kOpenH264 = Picture::Encoder::OpenH264;

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const std::chrono::milliseconds target : {700ms, 1000ms, 2000ms})
    for (const auto& sound : {kMp3, kAac})
      for (const auto encoder : {Picture::Encoder::X264, kOpenH264})
        for (const bool is_low_latency : {false, true}) {
          const auto name = "T" + std::to_string(target.count()) +
                            (sound.codec == Sound::Codec::Mp3 ? "Mp3" : "Aac") +
                            (encoder == kOpenH264 ? "OpenH264" : "X264") +
                            (is_low_latency ? "LowLatency" : "Plain");
          cases.push_back({name,
                           {.target = target,
                            .segments = static_cast<int>(12s / target),
                            .pictures = {{.frames = 30, .encoder = encoder}},
                            .sound = sound},
                           is_low_latency});
        }
  const auto add = [&cases](const char* name, const Programme& programme) {
    for (const bool is_low_latency : {false, true})
      cases.push_back({std::string{name} + (is_low_latency ? "LowLatency" : "Plain"), programme,
                       is_low_latency});
  };
  add("Ntsc", {.segments = 12, .pictures = {{.frames = 30'000, .seconds = 1001}}, .sound = kMp3});
  add("Varying", {.segments = 12, .pictures = {{.frames = 60, .varies = true}}, .sound = kMp3});
  add("BFrames", {.segments = 12,
                  .pictures = {{.frames = 30, .encoder = Picture::Encoder::X264WithBFrames}},
                  .sound = kMp3});
  add("Gop17", {.segments = 12, .pictures = {{.frames = 30, .key_distance = 17}}, .sound = kAac});
  add("Mp3At44", {.segments = 12, .pictures = {{.frames = 25}}, .sound = Sound{.rate = 44'100}});
  add("SoundAlone", {.segments = 12, .pictures = {}, .sound = kMp3});
  add("PictureAlone", {.segments = 12, .pictures = {{.frames = 30}}, .sound = {}});
  add("TwoRenditions",
      {.segments = 12, .pictures = {{.frames = 30}, {.frames = 15}}, .sound = kMp3});
  return cases;
}

// ---- a playlist as a player has it, with everything that it lists

struct Part {
  double duration = 0;
  Bytes bytes;
};
struct Listed {
  double duration = 0;
  Bytes bytes;
  TransportStream media;
  std::vector<Part> parts;
};

class Player {
 public:
  explicit Player(GstPtr<GstElement> sink) : sink_{std::move(sink)} {
    // Parts leave the playlist three segments behind its end: they are noted as they come.
    g_signal_connect(sink_.get(), "resource-changed",
                     G_CALLBACK(+[](GstElement*, const char* name, gpointer self) {
                       if (std::string_view{name}.ends_with(".m3u8"))
                         static_cast<Player*>(self)->note(name);
                     }),
                     this);
  }

  [[nodiscard]] Bytes fetch(const std::string& target) const {
    GstStructure* raw = nullptr;
    g_signal_emit_by_name(sink_.get(), "request-resource", target.c_str(), guint64{0}, &raw);
    const StructurePtr answer{raw};
    Bytes bytes;
    const auto* value = gst_structure_get_value(raw, "data");
    if (auto* buffer = value ? gst_value_get_buffer(value) : nullptr) {
      bytes.resize(gst_buffer_get_size(buffer));
      gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
    }
    return bytes;
  }

  [[nodiscard]] std::vector<Listed> segments(const std::string& playlist) {
    std::vector<Listed> segments;
    double duration = 0;
    for (const auto& line : lines_of(fetch(playlist))) {
      if (line.starts_with("#EXTINF:")) {
        duration = std::strtod(line.c_str() + 8, nullptr);
      } else if (!line.starts_with("#") && !line.empty()) {
        auto& segment = segments.emplace_back();
        segment.duration = duration;
        segment.bytes = fetch(line);
        segment.media = read_transport_stream(segment.bytes);
        const auto name = line.substr(0, line.rfind('.'));
        for (int part = 0;; ++part) {
          const auto found = durations_.find(name + "." + std::to_string(part) + ".ts");
          if (found == durations_.end())
            break;
          segment.parts.push_back({.duration = found->second, .bytes = fetch(found->first)});
        }
      }
    }
    return segments;
  }
  [[nodiscard]] double part_target() const { return part_target_; }

 private:
  static std::vector<std::string> lines_of(const Bytes& bytes) {
    std::vector<std::string> lines;
    std::istringstream in{std::string{bytes.begin(), bytes.end()}};
    for (std::string line; std::getline(in, line);)
      lines.push_back(line);
    return lines;
  }
  static double number_behind(const std::string& line, std::string_view name) {
    const auto at = line.find(name);
    return at == std::string::npos ? 0 : std::strtod(line.c_str() + at + name.size(), nullptr);
  }

  // Writers change playlists one at a time.
  void note(const char* playlist) {
    const std::string_view kUri{"URI=\""};
    for (const auto& line : lines_of(fetch(playlist))) {
      if (line.starts_with("#EXT-X-PART-INF"))
        part_target_ = number_behind(line, "PART-TARGET=");
      if (!line.starts_with("#EXT-X-PART:"))
        continue;
      const auto uri = line.find(kUri) + kUri.size();
      const std::lock_guard lock{mutex_};
      durations_[line.substr(uri, line.find('"', uri) - uri)] = number_behind(line, "DURATION=");
    }
  }

  GstPtr<GstElement> sink_;
  std::mutex mutex_;
  std::map<std::string, double> durations_;  // of parts
  double part_target_ = 0;
};

// ---- what must hold

class HlsLiveSinkSegments : public testing::TestWithParam<Case> {
 protected:
  [[nodiscard]] static const Programme& programme() { return GetParam().programme; }
  [[nodiscard]] static double half_frame() {
    return programme().sound ? programme().sound->frame_duration() / 2 : 0;
  }
};

std::int64_t start_of(const TransportStream& media) {
  return media.video.empty() ? media.audio.front().pts : media.video.front().pts;
}

void expect_beginnings(const std::vector<Listed>& segments, const Programme& programme) {
  for (std::size_t i = 0; i < segments.size(); ++i) {
    SCOPED_TRACE("segment " + std::to_string(i));
    const auto& media = segments[i].media;
    EXPECT_TRUE(media.begins_with_tables);
    if (!programme.pictures.empty()) {
      ASSERT_FALSE(media.video.empty());
      EXPECT_TRUE(is_idr(media.video.front().payload));
    }
    if (programme.sound) {
      ASSERT_FALSE(media.audio.empty());
    }
    if (programme.sound && !programme.pictures.empty()) {
      EXPECT_LE(std::abs(media.audio.front().pts - media.video.front().pts), kTick);
    }
  }
}

// EXTINF says where the next segment begins, and the sum of them where the n-th does.
void expect_durations(const std::vector<Listed>& segments, double target, double half_frame) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    SCOPED_TRACE("segment " + std::to_string(i));
    const auto ticks = start_of(segments[i + 1].media) - start_of(segments[i].media);
    EXPECT_NEAR(segments[i].duration, static_cast<double>(ticks) * kTickSeconds,
                kTickSeconds + kPrinted);
    sum += segments[i].duration;
    EXPECT_NEAR(sum, static_cast<double>(i + 1) * target, half_frame + kPrinted);
  }
}

void expect_parts(const std::vector<Listed>& segments, double part_target) {
  ASSERT_GT(part_target, 0);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    SCOPED_TRACE("segment " + std::to_string(i));
    const auto& [duration, bytes, media, parts] = segments[i];
    ASSERT_FALSE(parts.empty());
    Bytes joined;
    double sum = 0;
    for (std::size_t n = 0; n < parts.size(); ++n) {
      SCOPED_TRACE("part " + std::to_string(n));
      joined.insert(joined.end(), parts[n].bytes.begin(), parts[n].bytes.end());
      sum += parts[n].duration;
      EXPECT_LE(parts[n].duration, part_target + kPrinted);
      if (n + 1 < parts.size()) {
        EXPECT_GE(parts[n].duration, 0.85 * part_target);
      }
    }
    EXPECT_TRUE(joined == bytes) << joined.size() << " and " << bytes.size() << " bytes";
    EXPECT_NEAR(sum, duration, kPrinted * static_cast<double>(parts.size()));
  }
}

std::vector<Unit> join(const std::vector<Listed>& segments,
                       std::vector<Unit> TransportStream::*stream) {
  std::vector<Unit> all;
  for (const auto& segment : segments)
    all.insert(all.end(), (segment.media.*stream).begin(), (segment.media.*stream).end());
  return all;
}

void expect_counters(const std::vector<Listed>& segments) {
  Bytes all;
  for (const auto& segment : segments)
    all.insert(all.end(), segment.bytes.begin(), segment.bytes.end());
  EXPECT_EQ(read_transport_stream(all).continuity_breaks, 0U) << "from file to file";
}

void expect_pictures(const std::vector<Listed>& segments, const std::vector<Bytes>& sent) {
  const auto written = join(segments, &TransportStream::video);
  ASSERT_EQ(written.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i)
    ASSERT_TRUE(written[i].payload == sent[i]) << "picture " << i;
}

// Several frames are one packet, whose time is that of the first.
void expect_sound(const std::vector<Listed>& segments, const std::vector<Bytes>& sent,
                  const Sound& sound) {
  const auto written = join(segments, &TransportStream::audio);
  ASSERT_FALSE(written.empty());
  std::size_t frame = 0;
  for (const auto& unit : written) {
    const auto expected =
        to_ticks(to_duration(static_cast<std::int64_t>(frame) * sound.frame_length(),
                             static_cast<std::uint32_t>(sound.rate)),
                 kTicksPerSecond);
    ASSERT_LE(std::abs(unit.pts - written.front().pts - expected), kTick) << "frame " << frame;
    Bytes frames;
    while (frames.size() < unit.payload.size() && frame < sent.size()) {
      frames.insert(frames.end(), sent[frame].begin(), sent[frame].end());
      ++frame;
    }
    ASSERT_TRUE(frames == unit.payload) << "up to frame " << frame;
  }
  EXPECT_EQ(frame, sent.size());
}

TEST_P(HlsLiveSinkSegments, HoldEverythingAndLastAsLongAsTheyAreSaidTo) {
  Pipeline pipeline{live_pipeline(programme(), GetParam().is_low_latency)};
  const auto renditions = std::max<std::size_t>(programme().pictures.size(), 1);
  Player player{pipeline.element("hls")};
  std::vector<const std::vector<Bytes>*> pictures;
  for (std::size_t i = 0; i < programme().pictures.size(); ++i)
    pictures.push_back(&pipeline.record("hls", "video_" + std::to_string(i)));
  const auto* sound = programme().sound ? &pipeline.record("hls", "audio_0") : nullptr;
  std::vector<std::vector<Listed>> playlists(renditions);
  pipeline.run([&] {
    for (std::size_t i = 0; i < renditions; ++i)
      playlists[i] = player.segments(std::to_string(i) + ".m3u8");
  });
  for (std::size_t i = 0; i < renditions; ++i) {
    SCOPED_TRACE("rendition " + std::to_string(i));
    const auto& segments = playlists[i];
    ASSERT_EQ(segments.size(), static_cast<std::size_t>(programme().segments) + 1);
    expect_beginnings(segments, programme());
    ASSERT_FALSE(HasFatalFailure());
    expect_durations(segments, programme().target_seconds(), half_frame());
    expect_counters(segments);
    if (GetParam().is_low_latency)
      expect_parts(segments, player.part_target());
    else
      EXPECT_TRUE(segments.front().parts.empty());
    if (!pictures.empty())
      expect_pictures(segments, *pictures[i]);
    if (sound)
      expect_sound(segments, *sound, *programme().sound);
    for (std::size_t n = 0; n < segments.size(); ++n) {
      // The last one ends with its own last picture.
      if (n + 1 < segments.size()) {
        EXPECT_EQ(segments[n].duration, playlists[0][n].duration);
      }
      EXPECT_EQ(start_of(segments[n].media), start_of(playlists[0][n].media));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Programmes, HlsLiveSinkSegments, testing::ValuesIn(all_cases()),
                         [](const auto& each) { return each.param.name; });

// One PES packet a frame would be 188 kbit/s, before tables.
TEST(HlsLiveSinkOverhead, Mp3Of128KilobitTakes150AtMost) {
  for (const char* low_latency : {"false", "true"}) {
    Pipeline pipeline{
        "hlslivesink name=hls balancer::max-wait=30000000000 playlist-type=event "
        "low-latency=" +
        std::string{low_latency} +
        " audiotestsrc wave=pink-noise num-buffers=900 samplesperbuffer=1152"
        " ! audio/x-raw,channels=2,rate=48000"
        " ! lamemp3enc target=bitrate cbr=true bitrate=128 encoding-engine-quality=fast"
        " ! audio/mpeg,rate=48000 ! mpegaudioparse ! queue ! hls.audio_0"};
    Player player{pipeline.element("hls")};
    const auto& sent = pipeline.record("hls", "audio_0");
    std::vector<Listed> segments;
    pipeline.run([&] { segments = player.segments("0.m3u8"); });
    const auto rate = [&sent](std::size_t bytes) {
      return static_cast<double>(bytes) * 8 /
             (static_cast<double>(sent.size()) * kMp3.frame_duration()) / 1000;
    };
    std::size_t media = 0;
    for (const auto& frame : sent)
      media += frame.size();
    std::size_t files = 0;
    std::size_t parts = 0;
    for (const auto& segment : segments) {
      files += segment.bytes.size();
      for (const auto& part : segment.parts)
        parts += part.bytes.size();
    }
    EXPECT_NEAR(rate(media), 128, 1);
    // Each part has tables, which is not the sound's fault.
    std::size_t tables = 0;
    for (const auto& segment : segments)
      tables += kTables * std::max<std::size_t>(segment.parts.size(), 1);
    EXPECT_LE(rate(files - tables), 147) << "kbit/s, low-latency=" << low_latency;
    if (segments.front().parts.empty()) {
      EXPECT_LE(rate(files), 150);
    }
    RecordProperty(std::string{"segments_low_latency_"} + low_latency, std::to_string(rate(files)));
    RecordProperty(std::string{"parts_low_latency_"} + low_latency, std::to_string(rate(parts)));
  }
}

}  // namespace
}  // namespace onair::test
