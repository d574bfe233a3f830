// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transport_tables.hpp"

#include <algorithm>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace onair {
namespace {

using Packets = std::vector<std::uint8_t>;

constexpr std::uint16_t kAssociation = 0;
constexpr std::uint16_t kMap = 0x20;
constexpr std::uint16_t kMedia = 0x41;
constexpr std::uint16_t kNull = 0x1fff;

// A packet of which a test wants one thing.
struct Form {
  std::uint16_t pid = kMedia;
  bool begins = true;  // payload_unit_start_indicator
  std::uint8_t counter = 0;
  std::uint8_t fill = 0xff;  // of the payload
  int adaptation = -1;       // its length; none if negative
  bool has_payload = true;
};

Packets packet(const Form& form, std::initializer_list<std::uint8_t> payload = {}) {
  Packets bytes(TransportTables::kPacket, form.fill);
  bytes[0] = 0x47;
  bytes[1] = static_cast<std::uint8_t>((form.begins ? 0x40 : 0) | form.pid >> 8);
  bytes[2] = static_cast<std::uint8_t>(form.pid & 0xff);
  bytes[3] = static_cast<std::uint8_t>((form.adaptation >= 0 ? 0x20 : 0) |
                                       (form.has_payload ? 0x10 : 0) | form.counter);
  std::size_t at = 4;
  if (form.adaptation >= 0) {
    bytes[at] = static_cast<std::uint8_t>(form.adaptation);
    at += 1U + static_cast<std::size_t>(form.adaptation);
  }
  if (at + payload.size() <= bytes.size())
    std::copy(payload.begin(), payload.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
  return bytes;
}

// ISO/IEC 13818-1 section 2.4.4.3: the pointer, the header of the section, the network, one program.
Packets association(std::uint16_t map = kMap, Form form = {}) {
  form.pid = kAssociation;
  return packet(form, {0,
                       0,
                       0xb0,
                       17,
                       0,
                       1,
                       0xc1,
                       0,
                       0,
                       0,
                       0,
                       0xe0,
                       0x10,
                       0,
                       1,
                       static_cast<std::uint8_t>(0xe0 | map >> 8),
                       static_cast<std::uint8_t>(map & 0xff),
                       1,
                       2,
                       3,
                       4});
}

Packets map_of(char fill = 'm', std::uint16_t pid = kMap) {
  return packet({.pid = pid, .fill = static_cast<std::uint8_t>(fill)}, {0, 2});
}

Packets operator+(Packets a, const Packets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// "PAT.0 PMT.0 media.7": what the packets are, and their counters.
std::string names(const Packets& packets) {
  std::string text;
  for (std::size_t at = 0; at + TransportTables::kPacket <= packets.size();
       at += TransportTables::kPacket) {
    const int pid = (packets[at + 1] & 0x1f) << 8 | packets[at + 2];
    text += text.empty() ? "" : " ";
    text += pid == kAssociation ? "PAT" : pid == kMap ? "PMT" : "media";
    text += "." + std::to_string(packets[at + 3] & 0x0f);
  }
  return text;
}

// What the muxer's packets have become.
std::string passed(TransportTables& tables, Packets packets) {
  tables.pass(packets);
  return names(packets);
}

TEST(TransportTables, AreRepeatedAsTheyCame) {
  TransportTables tables;
  auto first = association() + map_of() + packet({.counter = 7});
  tables.pass(first);
  EXPECT_EQ(names(first), "PAT.0 PMT.0 media.7");
  auto again = tables.repeat();
  EXPECT_EQ(names(again), "PAT.1 PMT.1");
  for (const std::size_t at : {std::size_t{3}, TransportTables::kPacket + 3})
    again[at] = static_cast<std::uint8_t>(again[at] & 0xf0);
  EXPECT_EQ(again, association() + map_of()) << "but for the counters";
}

TEST(TransportTables, CountOnOverThoseThatWereInsertedAndThoseThatPass) {
  TransportTables tables;
  EXPECT_EQ(passed(tables, association() + map_of()), "PAT.0 PMT.0");
  EXPECT_EQ(names(tables.repeat()), "PAT.1 PMT.1");
  // The muxer does not know of the ones in between.
  EXPECT_EQ(passed(tables, association(kMap, {.counter = 1}) + packet({.counter = 15}) + map_of()),
            "PAT.2 media.15 PMT.2");
  for (int n = 3; n < 40; ++n) {
    const auto counter = std::to_string(n % 16);
    EXPECT_EQ(names(tables.repeat()), "PAT." + counter + " PMT." + counter);
  }
}

TEST(TransportTables, AreNotInventedBeforeThereAreAny) {
  TransportTables tables;
  EXPECT_EQ(names(tables.repeat()), "");
  EXPECT_EQ(passed(tables, packet({.counter = 3}) + association()), "media.3 PAT.0");
  EXPECT_EQ(names(tables.repeat()), "") << "an association without its map";
  EXPECT_EQ(passed(tables, map_of()), "PMT.0");
  EXPECT_EQ(names(tables.repeat()), "PAT.1 PMT.1");
}

TEST(TransportTables, AMapMayBeLongerThanAPacket) {
  TransportTables tables;
  const auto rest = packet({.pid = kMap, .begins = false, .fill = 'r'});
  EXPECT_EQ(passed(tables, association() + map_of() + packet({}) + rest + rest),
            "PAT.0 PMT.0 media.0 PMT.1 PMT.2");
  const auto again = tables.repeat();
  EXPECT_EQ(names(again), "PAT.1 PMT.3 PMT.4 PMT.5");
  EXPECT_EQ(again.back(), 'r');
  // A shorter one takes its place.
  EXPECT_EQ(passed(tables, map_of('n')), "PMT.6");
  EXPECT_EQ(names(tables.repeat()), "PAT.2 PMT.7");
}

TEST(TransportTables, TheNewestIsRepeated) {
  TransportTables tables;
  passed(tables, association() + map_of('a') + map_of('b'));
  EXPECT_EQ(tables.repeat().back(), 'b');
}

TEST(TransportTables, AMapThatMovesIsFoundAgain) {
  TransportTables tables;
  passed(tables, association() + map_of('a'));
  constexpr std::uint16_t kElsewhere = 0x123;
  passed(tables, association(kElsewhere));
  EXPECT_EQ(names(tables.repeat()), "") << "the old map is no longer the program's";
  passed(tables, map_of('b', kElsewhere) + map_of('c'));
  EXPECT_EQ(tables.repeat().back(), 'b');
}

TEST(TransportTables, AnotherMuxerHasTablesOfItsOwn) {
  TransportTables tables;
  EXPECT_FALSE(tables.are_known());
  passed(tables, association() + map_of('a'));
  EXPECT_TRUE(tables.are_known());
  tables.forget();
  EXPECT_FALSE(tables.are_known());
  EXPECT_EQ(names(tables.repeat()), "");
  EXPECT_EQ(passed(tables, association() + map_of('b')), "PAT.1 PMT.1") << "counters go on";
  EXPECT_EQ(tables.repeat().back(), 'b');
}

TEST(TransportTables, TheyAreFoundInFrontOfOtherPackets) {
  constexpr auto kPacket = TransportTables::kPacket;
  TransportTables tables;
  const auto leading = [&](const Packets& packets) { return tables.leading(packets) / kPacket; };
  EXPECT_EQ(leading(association() + map_of()), 1U) << "whose map is not known";
  passed(tables, association() + map_of());
  EXPECT_EQ(leading({}), 0U);
  EXPECT_EQ(leading(packet({})), 0U);
  EXPECT_EQ(leading(packet({}) + association()), 0U);
  EXPECT_EQ(leading(association() + map_of() + packet({}) + map_of()), 2U);
  const auto rest = packet({.pid = kMap, .begins = false});
  EXPECT_EQ(leading(association() + map_of() + rest + packet({})), 3U);
  auto cut = association() + map_of();
  cut.pop_back();
  EXPECT_EQ(leading(cut), 1U);
}

TEST(TransportTables, TheMapIsFoundBehindAnAdaptationField) {
  TransportTables tables;
  passed(tables, association(kMap, {.adaptation = 10}) + map_of());
  EXPECT_EQ(names(tables.repeat()), "PAT.1 PMT.1");
}

TEST(TransportTables, PacketsWithoutPayloadAreNoTablesAndAreNotCounted) {
  TransportTables tables;
  EXPECT_EQ(
      passed(tables,
             association() + map_of() +
                 packet({.pid = kMap, .counter = 0, .adaptation = 183, .has_payload = false})),
      "PAT.0 PMT.0 PMT.0");
  EXPECT_EQ(names(tables.repeat()), "PAT.1 PMT.1");
}

TEST(TransportTables, TheEndOfATableWithoutItsBeginningIsNotKept) {
  TransportTables tables;
  passed(tables, packet({.pid = kAssociation, .begins = false}) + association() +
                     packet({.pid = kMap, .begins = false}));
  EXPECT_EQ(names(tables.repeat()), "");
  passed(tables, map_of());
  EXPECT_EQ(names(tables.repeat()), "PAT.2 PMT.2") << "they were counted all the same";
}

// A section has 1024 bytes at most (section 2.4.4).
TEST(TransportTables, ATableThatNeverEndsIsNotKeptForEver) {
  TransportTables tables;
  passed(tables, association() + map_of());
  for (int n = 0; n < 1000; ++n)
    passed(tables, packet({.pid = kMap, .begins = false}));
  EXPECT_LE(tables.repeat().size(), 7 * TransportTables::kPacket);
}

TEST(TransportTables, AnAssociationThatNamesNoMapHasNone) {
  for (const int adaptation : {180, 182, 183, 200, 255}) {
    TransportTables tables;
    passed(tables, association(kMap, {.fill = 0, .adaptation = adaptation}) + map_of());
    EXPECT_EQ(names(tables.repeat()), "") << adaptation;
  }
  TransportTables tables;
  auto far = association();
  far[4] = 0xff;  // the pointer
  passed(tables, far + map_of());
  EXPECT_EQ(names(tables.repeat()), "");
  passed(tables, association(0) + map_of());
  EXPECT_EQ(names(tables.repeat()), "") << "no map is where the association is";
}

TEST(TransportTables, LessThanAPacketIsLeftAlone) {
  TransportTables tables;
  auto cut = association() + map_of();
  cut.resize(cut.size() - 1);
  const auto before = cut;
  tables.pass(cut);
  EXPECT_EQ(cut, before);
  EXPECT_EQ(names(tables.repeat()), "");
  tables.pass({});
}

TEST(TransportTables, ASegmentBeginsWithTablesIfItsFirstPacketIsAnAssociation) {
  EXPECT_TRUE(TransportTables::begins_with_tables(association()));
  EXPECT_FALSE(TransportTables::begins_with_tables(map_of()));
  EXPECT_FALSE(TransportTables::begins_with_tables(packet({})));
  EXPECT_FALSE(TransportTables::begins_with_tables(packet({.pid = kNull})));
  EXPECT_FALSE(TransportTables::begins_with_tables({}));
}

// Whatever the bytes: only counters change, and nothing is read behind them.
TEST(TransportTables, AnyBytesPass) {
  std::minstd_rand random{20240229};
  TransportTables tables;
  for (int round = 0; round < 2000; ++round) {
    Packets bytes(TransportTables::kPacket * 3 + random() % 188);
    std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::uint8_t>(random()); });
    for (std::size_t at = 0; at + 188 <= bytes.size(); at += 188)
      bytes[at + 2] = static_cast<std::uint8_t>(random() % 3 ? 0 : bytes[at + 2]);
    for (std::size_t at = 0; at + 188 <= bytes.size(); at += 188)
      bytes[at + 1] = static_cast<std::uint8_t>(bytes[at + 1] & (random() % 3 ? 0x40 : 0xff));
    const auto before = bytes;
    tables.pass(bytes);
    for (std::size_t at = 0; at < bytes.size(); ++at)
      ASSERT_EQ(bytes[at] & (at % 188 == 3 ? 0xf0 : 0xff),
                before[at] & (at % 188 == 3 ? 0xf0 : 0xff))
          << "round " << round;
    ASSERT_EQ(tables.repeat().size() % TransportTables::kPacket, 0U);
  }
}

}  // namespace
}  // namespace onair
