// SPDX-License-Identifier: LGPL-2.1-or-later
// Playlists of made-up broadcasts, as other people's parsers are to read them: to standard output,
// each behind a line of form feed, the broadcast, and full, delta or master. A delta follows the
// full one that it is of.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "playlist/bandwidth.hpp"
#include "playlist/master_playlist.hpp"
#include "playlist/media_playlist.hpp"

namespace {

using namespace onair;
using namespace std::chrono_literals;
using Form = MediaPlaylist::Form;

// MP3 at 48 kHz: boundaries of segments and parts are on this grid.
constexpr Duration kFrame = 24ms;
constexpr int kSegments = 60;
constexpr UtcTime kStart{std::chrono::sys_days{std::chrono::year{2026} / 12 / 31} + 23h + 59min +
                         30s};

void print(std::string_view name, std::string_view form, std::string_view text) {
  std::cout << '\f' << name << ' ' << form << '\n' << text;
}

class Broadcast {
 public:
  struct Weather {
    std::string_view suffix = ".ts";
    bool has_parts = false;
    bool is_encrypted = false;
    bool has_breaks = false;  // discontinuities, gaps
  };

  Broadcast(std::string_view name, Weather weather, MediaPlaylist::Config config)
      : name_{name}, weather_{weather}, target_{config.target}, playlist_{std::move(config)} {}

  void run() {
    for (int index = 0; index < kSegments; ++index)
      write_segment(index);
    playlist_.end(now());
    print_texts();
  }

 private:
  [[nodiscard]] ClockTime now() const { return ClockTime{position_}; }

  void print_texts() const {
    const std::vector<MediaPlaylist::RenditionReport> others{
        {.uri = "other.m3u8?a=1", .edge = playlist_.edge()}};
    print(name_, "full", playlist_.text(Form::Full, others));
    print(name_, "delta", playlist_.text(Form::Delta, others));
  }

  void write_segment(int index) {
    const auto number = std::to_string(playlist_.next_sequence());
    const bool is_break = weather_.has_breaks && index % 17 == 11;
    const bool is_gap = weather_.has_breaks && index % 13 == 5;
    SegmentHead head{.is_discontinuous = is_break, .date = kStart + position_};
    if (weather_.is_encrypted && index / 8 % 3 != 2) {
      head.key = EncryptionKey{.uri = "key?kid=" + std::to_string(index / 8),
                               .iv = std::array<std::uint8_t, 16>{}};
      head.key->iv->back() = static_cast<std::uint8_t>(index);
    }
    if (weather_.suffix == ".m4s")
      head.map = "init-" + std::to_string((index + 6) / 17) + ".mp4";
    playlist_.begin_segment(std::move(head));
    // The frame nearest to the end on the grid of T.
    const auto end = (target_ * (index + 1) + kFrame / 2) / kFrame * kFrame;
    const auto begin = position_;
    constexpr int kFramesOfPart = 9;  // 216 ms
    for (int part = 0; weather_.has_parts && position_ < end; ++part) {
      const auto length = std::min<Duration>(kFramesOfPart * kFrame, end - position_);
      position_ += length;
      const auto uri = [&](int of) {
        return number + '.' + std::to_string(of) + std::string{weather_.suffix};
      };
      playlist_.add_part(
          {.uri = uri(part), .duration = length, .is_independent = part == 0, .is_gap = is_gap});
      if (position_ == end)
        break;
      playlist_.hint(uri(part + 1));
      print_texts();
    }
    position_ = end;
    playlist_.end_segment(number + std::string{weather_.suffix}, end - begin, now(), is_gap);
    if (weather_.has_parts)
      playlist_.hint(std::to_string(playlist_.next_sequence()) + ".0" +
                     std::string{weather_.suffix});
    print_texts();
  }

  std::string_view name_;
  Weather weather_;
  Duration target_;
  MediaPlaylist playlist_;
  Duration position_{};
};

void print_master() {
  Bandwidth bandwidth{{.target_duration = 1s, .declared_peak = 1'000'000}};
  bandwidth.on_segment(150'001, 1008ms);
  const MasterPlaylist master{.audio = {{.group = "sound",
                                         .name = "Ton \"1\"",
                                         .uri = "1.m3u8",
                                         .language = "de",
                                         .is_default = true,
                                         .channels = 2}},
                              .variants = {{.uri = "0.m3u8",
                                            .bandwidth = *bandwidth.peak(),
                                            .average_bandwidth = bandwidth.average(),
                                            .codecs = {"avc1.42c01f", "mp4a.40.34"},
                                            .resolution = {{1280, 720}},
                                            .frame_rate = {{30'000, 1001}},
                                            .audio_group = "sound"},
                                           {.uri = "1.m3u8",
                                            .bandwidth = 140'000,
                                            .codecs = {"mp4a.40.34"},
                                            .audio_group = "sound"}}};
  print("master", "master", master.text());
}

}  // namespace

int main() {
  Broadcast{"plain", {}, {.target = 1s, .window = 10s}}.run();
  Broadcast{"encrypted", {.is_encrypted = true, .has_breaks = true}, {.target = 2400ms}}.run();
  const MediaPlaylist::Config low_latency{.target = 1s,
                                          .window = 20s,
                                          .part_target = 216ms,
                                          .can_block_reload = true,
                                          .can_skip_until = 6s,
                                          .start = {{.offset = -1s, .is_precise = true}}};
  Broadcast{"low-latency", {.has_parts = true}, low_latency}.run();
  Broadcast{"low-latency-fmp4",
            {.suffix = ".m4s", .has_parts = true, .is_encrypted = true, .has_breaks = true},
            low_latency}
      .run();
  auto short_segments = low_latency;
  short_segments.target = 600ms;
  Broadcast{"short", {.has_parts = true}, short_segments}.run();
  Broadcast{"event",
            {.has_breaks = true},
            {.type = MediaPlaylist::Type::Event,
             .target = 1s,
             .can_block_reload = true,
             .can_skip_until = 6s,
             .first_sequence = 1000,
             .first_discontinuity_sequence = 4}}
      .run();
  print_master();
}
