// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <sstream>
#include <string_view>

#include <gtest/gtest.h>

#include "base/ticks.hpp"
#include "programme.hpp"

namespace onair::test {
namespace {

constexpr std::uint32_t kSampleRate = 48'000;
constexpr std::int64_t kMp3 = 1152;
constexpr std::int64_t kAac = 1024;

// Where frame `index` begins, as timestamps have it.
Duration frame(std::int64_t index, std::int64_t samples) {
  return to_duration(index * samples, kSampleRate);
}

// What EXTINFs of the text add up to, read as digits: a double would add noise of its own.
Duration sum_of_extinf(const std::string& text) {
  constexpr std::string_view kTag{"#EXTINF:"};
  Duration sum{};
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(kTag))
      continue;
    const auto point = line.find('.');
    auto fraction = line.substr(point + 1, line.find(',') - point - 1);
    fraction.resize(9, '0');
    sum +=
        std::chrono::seconds{std::stoll(line.substr(kTag.size()))} + Duration{std::stoll(fraction)};
  }
  return sum;
}

TEST(MediaPlaylistProperties, PrintedDurationsAddUpToTheMediaForADay) {
  // Segments of 1 s of AAC, whose frames are no whole number of nanoseconds.
  Programme event{{.type = MediaPlaylist::Type::Event, .target = 1s}};
  constexpr int kDay = 86'400;
  Duration before{};
  for (int index = 1; index <= kDay; ++index) {
    const auto end = frame((index * std::int64_t{kSampleRate} + kAac / 2) / kAac, kAac);
    event.segment({}, end - before);
    before = end;
  }
  EXPECT_EQ(event.playlist.listed(), before);
  EXPECT_EQ(sum_of_extinf(event.playlist.text()), before);
  EXPECT_EQ(event.playlist.next_sequence(), 86'400U);
}

TEST(MediaPlaylistProperties, ADayOfSegmentsLeavesNothingBehind) {
  Programme live{{.target = 1s, .window = 60s, .part_target = 216ms, .can_skip_until = 6s}};
  std::uint64_t written = 0;
  std::uint64_t expired = 0;
  std::size_t longest_text = 0;
  std::uint64_t most_kept = 0;
  Duration before{};
  for (int index = 1; index <= 86'400; ++index) {
    const auto end = frame((index * std::int64_t{kSampleRate} + kMp3 / 2) / kMp3, kMp3);
    live.playlist.begin_segment({.is_discontinuous = index % 1000 == 0});
    for (int part = 0; part < 5; ++part)
      live.playlist.add_part({.uri = "part", .duration = 200ms});
    live.end_segment(end - before);
    before = end;
    written += 6;
    expired += live.playlist.expire(live.now).size();
    most_kept = std::max(most_kept, written - expired);
    if (index % 500 == 0)
      longest_text = std::max(longest_text, live.playlist.text().size());
  }
  EXPECT_EQ(live.playlist.next_sequence(), 86'400U);
  EXPECT_EQ(live.playlist.discontinuity_sequence(), 86U);  // the last one is still listed
  // Listed and then kept for as long: 61 and 62 s of segments; of parts 2 segments' and 10 s more.
  EXPECT_LE(most_kept, 61 + 63 + 5 * (2 + 11));
  EXPECT_LE(live.playlist.segments().size(), 61U);
  EXPECT_LE(longest_text, 5000U);
}

// Whatever is cut, lost and encrypted: what sections 4.4.3.1 and 6.2.1 promise from one text to the
// next.
TEST(MediaPlaylistProperties, FromOneTextToTheNextOnlyWhatTheDraftAllowsChanges) {
  constexpr std::uint32_t kSeed = 21;
  std::mt19937 random{kSeed};
  Programme live{{.target = 2s, .window = 20s}};
  std::string lines_before;
  std::uint64_t first_before = 0;
  for (int round = 0; round < 3000; ++round) {
    SegmentHead head{.is_discontinuous = random() % 7 == 0};
    if (random() % 3 != 0)
      head.key = EncryptionKey{.uri = "key" + std::to_string(round / 10), .iv = {}};
    live.segment(std::move(head), Duration{1 + random() % 2'499'999'999}, random() % 9 == 0);
    const auto text = live.playlist.text();
    ASSERT_TRUE(text.find("#EXT-X-TARGETDURATION:2\n") != text.npos);
    const auto first = live.playlist.first_sequence();
    ASSERT_GE(first, first_before);
    ASSERT_GE(live.playlist.listed(), std::min(live.now.time_since_epoch(), Duration{20s}));
    ASSERT_EQ(sum_of_extinf(text), live.playlist.listed());
    // Behind the head of the window, lines stay what they were.
    const auto second_uri = '\n' + numbered(first) + '\n';
    const auto from = lines_before.find(second_uri);
    if (from != lines_before.npos) {
      const auto kept = lines_before.substr(from);
      ASSERT_EQ(text.substr(text.find(second_uri), kept.size()), kept) << "seed " << kSeed;
    }
    lines_before = text;
    first_before = first;
  }
  EXPECT_GT(first_before, 1000U);
}

TEST(MediaPlaylistProperties, ATextGrowsByItsNewestSegmentForAsLongAsItsHeaderStays) {
  constexpr std::uint32_t kSeed = 22;
  std::mt19937 random{kSeed};
  Programme event{{.type = MediaPlaylist::Type::Event, .target = 2s}};
  int headers = 0;
  std::string header_before;
  std::string text_before;
  for (int round = 0; round < 300; ++round) {
    SegmentHead head{.is_discontinuous = random() % 7 == 0,
                     .map = round < 20 ? "" : "init-" + std::to_string(round / 40) + ".mp4"};
    if (random() % 3 == 0)
      head.key = EncryptionKey{.uri = "key" + std::to_string(round / 10), .iv = {}};
    event.segment(std::move(head), 2s, random() % 9 == 0);
    const auto text = event.playlist.text();
    const auto head_of_text = event.playlist.header();
    ASSERT_TRUE(text.starts_with(head_of_text));
    if (head_of_text == header_before)
      ASSERT_EQ(text, text_before + event.playlist.newest()) << "seed " << kSeed;
    else
      ++headers;
    header_before = head_of_text;
    text_before = text;
  }
  EXPECT_EQ(headers, 2);  // maps need another version
}

}  // namespace
}  // namespace onair::test
