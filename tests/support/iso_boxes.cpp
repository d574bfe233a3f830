// SPDX-License-Identifier: LGPL-2.1-or-later
#include "iso_boxes.hpp"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

constexpr std::array<const char*, 8> kContainers{"moov", "trak", "mdia", "minf",
                                                 "stbl", "mvex", "moof", "traf"};

// Numbers one behind another.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_{bytes} {}
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t number(std::size_t length) {
    const auto value = iso_number(bytes_, at_, length);
    at_ += length;
    return value;
  }
  [[nodiscard]] bool is_at_end() const { return at_ == bytes_.size(); }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

IsoRun read_traf(std::span<const std::uint8_t> moof_file, std::span<const std::uint8_t> traf) {
  Reader tfhd{iso_find(traf, "tfhd")};
  const auto defaults = tfhd.u32();
  EXPECT_EQ(defaults & ~0x20028u, 0u) << "flags of tfhd that this reader does not know";
  EXPECT_TRUE(defaults & 0x20000) << "default-base-is-moof";
  IsoRun run{.track_id = tfhd.u32(), .samples = {}};
  const auto default_duration = defaults & 0x8 ? tfhd.u32() : 0;
  const auto default_flags = defaults & 0x20 ? tfhd.u32() : 0;
  EXPECT_TRUE(tfhd.is_at_end());
  Reader tfdt{iso_find(traf, "tfdt")};
  EXPECT_EQ(tfdt.u32(), 0x01000000u) << "version 1";
  auto time = static_cast<std::int64_t>(tfdt.number(8));
  Reader trun{iso_find(traf, "trun")};
  const auto what = trun.u32();
  EXPECT_EQ(what >> 24, 1u) << "signed offsets";
  const auto count = trun.u32();
  auto data_at = static_cast<std::size_t>(trun.u32());
  std::optional<std::uint32_t> first_flags;
  if (what & 0x4)
    first_flags = trun.u32();
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto duration = what & 0x100 ? trun.u32() : default_duration;
    const auto size = trun.u32();
    const auto flags = what & 0x400 ? trun.u32() : first_flags.value_or(default_flags);
    first_flags.reset();
    const auto offset = what & 0x800 ? static_cast<std::int32_t>(trun.u32()) : 0;
    if (data_at + size > moof_file.size()) {
      ADD_FAILURE() << "a sample beyond the end of mdat";
      break;
    }
    const auto data = moof_file.subspan(data_at, size);
    run.samples.push_back({.decode_time = time,
                           .presentation_time = time + offset,
                           .duration = duration,
                           .is_key = (flags & 0x10000) == 0,
                           .data = {data.begin(), data.end()}});
    data_at += size;
    time += duration;
  }
  EXPECT_TRUE(trun.is_at_end());
  return run;
}

}  // namespace

std::uint64_t iso_number(std::span<const std::uint8_t> bytes, std::size_t at, std::size_t length) {
  if (at + length > bytes.size()) {
    ADD_FAILURE() << "a number beyond the end of its box";
    return 0;
  }
  std::uint64_t value = 0;
  for (const auto byte : bytes.subspan(at, length))
    value = value << 8 | byte;
  return value;
}

std::vector<IsoBox> iso_boxes(std::span<const std::uint8_t> bytes) {
  std::vector<IsoBox> boxes;
  while (!bytes.empty()) {
    const auto size = iso_number(bytes, 0, 4);
    if (size < 8 || size > bytes.size()) {
      ADD_FAILURE() << "a box of " << size << " bytes within " << bytes.size();
      break;
    }
    boxes.push_back({.type = {bytes.begin() + 4, bytes.begin() + 8},
                     .body = bytes.subspan(8, static_cast<std::size_t>(size) - 8)});
    bytes = bytes.subspan(static_cast<std::size_t>(size));
  }
  return boxes;
}

std::string iso_outline(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const auto& box : iso_boxes(bytes)) {
    text += (text.empty() ? "" : " ") + box.type;
    if (std::count(kContainers.begin(), kContainers.end(), box.type) > 0)
      text += "(" + iso_outline(box.body) + ")";
  }
  return text;
}

std::span<const std::uint8_t> iso_find(std::span<const std::uint8_t> bytes,
                                       const std::string& path) {
  const auto slash = path.find('/');
  const auto step = path.substr(0, slash);
  auto skip = step.size() > 4 ? std::stoul(step.substr(5)) : 0;
  for (const auto& box : iso_boxes(bytes)) {
    if (box.type == step.substr(0, 4) && skip-- == 0)
      return slash == std::string::npos ? box.body : iso_find(box.body, path.substr(slash + 1));
  }
  ADD_FAILURE() << "no " << path;
  return {};
}

IsoFragment iso_fragment(std::span<const std::uint8_t> bytes) {
  const auto boxes = iso_boxes(bytes);
  if (boxes.size() != 2 || boxes[0].type != "moof" || boxes[1].type != "mdat") {
    ADD_FAILURE() << "no fragment: " << iso_outline(bytes);
    return {};
  }
  IsoFragment fragment{
      .sequence = static_cast<std::uint32_t>(iso_number(iso_find(boxes[0].body, "mfhd"), 4, 4)),
      .runs = {}};
  std::size_t data = 0;
  for (const auto& box : iso_boxes(boxes[0].body)) {
    if (box.type != "traf")
      continue;
    fragment.runs.push_back(read_traf(bytes, box.body));
    for (const auto& sample : fragment.runs.back().samples)
      data += sample.data.size();
  }
  EXPECT_EQ(data, boxes[1].body.size()) << "bytes of mdat that belong to nobody";
  return fragment;
}

}  // namespace onair::test
