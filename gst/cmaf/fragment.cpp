// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fragment.hpp"

#include <algorithm>

#include "base/ticks.hpp"
#include "sample_flags.hpp"

namespace onair {
namespace {

// One sample as trun says it.
struct Entry {
  std::uint32_t duration;
  std::uint32_t size;
  std::uint32_t flags;
  std::int32_t presentation_offset;
};

struct Table {
  std::uint64_t decode_time;
  std::vector<Entry> entries;
  std::size_t bytes = 0;
};

std::int64_t ticks_of(RunningTime time, std::uint32_t timescale) {
  return to_ticks(time.time_since_epoch(), timescale);
}

// Sound has frames of one length, and no frame of it is stretched.
RunningTime end_of(const TrackRun& run, std::optional<RunningTime> end) {
  const auto& last = run.samples.back();
  const auto own = last.decode_time + last.duration;
  return run.is_video && end ? std::max(own, *end) : own;
}

// Each time is rounded by itself and durations are differences of those, so that no error adds up.
Table table_of(const TrackRun& run, std::optional<RunningTime> end) {
  // tfdt has no sign: what a reordering encoder decodes before zero is decoded at zero.
  std::vector<std::int64_t> times;
  for (const auto& sample : run.samples)
    times.push_back(std::max(ticks_of(sample.decode_time, run.timescale),
                             times.empty() ? std::int64_t{0} : times.back()));
  times.push_back(std::max(ticks_of(end_of(run, end), run.timescale), times.back()));
  Table table{.decode_time = static_cast<std::uint64_t>(times.front()), .entries = {}};
  for (std::size_t i = 0; i < run.samples.size(); ++i) {
    const auto& sample = run.samples[i];
    const bool is_dependent = run.is_video && !sample.is_key;
    table.bytes += sample.size;
    table.entries.push_back({.duration = static_cast<std::uint32_t>(times[i + 1] - times[i]),
                             .size = static_cast<std::uint32_t>(sample.size),
                             .flags = is_dependent ? kDependentSample : kIndependentSample,
                             .presentation_offset = static_cast<std::int32_t>(
                                 ticks_of(sample.presentation_time, run.timescale) - times[i])});
  }
  return table;
}

// Writes a traf, and says where in it the distance from moof to its first byte has to go.
std::size_t write_traf(BoxWriter& to, const TrackRun& run, const Table& table) {
  constexpr std::uint32_t kDefaultDuration = 0x8;
  constexpr std::uint32_t kDefaultFlags = 0x20;
  constexpr std::uint32_t kDefaultBaseIsMoof = 0x20000;
  constexpr std::uint32_t kDataOffset = 0x1;
  constexpr std::uint32_t kFirstFlags = 0x4;
  constexpr std::uint32_t kDurations = 0x100;
  constexpr std::uint32_t kSizes = 0x200;
  constexpr std::uint32_t kFlags = 0x400;
  constexpr std::uint32_t kPresentationOffsets = 0x800;
  const auto& entries = table.entries;
  const auto all_same = [](auto from, auto to_end, auto field) {
    return std::all_of(from, to_end, [&](const Entry& e) { return e.*field == (*from).*field; });
  };
  const bool same_durations = all_same(entries.begin(), entries.end(), &Entry::duration);
  // Nearly always the first picture alone is a key frame, or none is.
  const auto rest = entries.size() > 1 ? entries.begin() + 1 : entries.begin();
  const bool same_flags = all_same(rest, entries.end(), &Entry::flags);
  const bool own_first = same_flags && entries.front().flags != rest->flags;
  const bool has_offsets = std::any_of(entries.begin(), entries.end(),
                                       [](const Entry& e) { return e.presentation_offset != 0; });
  std::size_t offset_at = 0;
  to.box("traf", [&] {
    to.full_box("tfhd", 0,
                kDefaultBaseIsMoof | (same_durations ? kDefaultDuration : 0) |
                    (same_flags ? kDefaultFlags : 0),
                [&] {
                  to.u32(run.track_id);
                  if (same_durations)
                    to.u32(entries.front().duration);
                  if (same_flags)
                    to.u32(rest->flags);
                });
    to.full_box("tfdt", 1, 0, [&] { to.u64(table.decode_time); });
    const auto what = kDataOffset | kSizes | (own_first ? kFirstFlags : 0) |
                      (same_durations ? 0 : kDurations) | (same_flags ? 0 : kFlags) |
                      (has_offsets ? kPresentationOffsets : 0);
    to.full_box("trun", 1, what, [&] {
      to.u32(static_cast<std::uint32_t>(entries.size()));
      offset_at = to.size();
      to.u32(0);
      if (own_first)
        to.u32(entries.front().flags);
      for (const auto& entry : entries) {
        if (!same_durations)
          to.u32(entry.duration);
        to.u32(entry.size);
        if (!same_flags)
          to.u32(entry.flags);
        if (has_offsets)
          to.u32(static_cast<std::uint32_t>(entry.presentation_offset));
      }
    });
  });
  return offset_at;
}

}  // namespace

Bytes fragment_header(std::uint32_t sequence, std::span<const TrackRun> runs,
                      std::optional<RunningTime> end) {
  constexpr std::size_t kBoxHead = 8;
  struct Place {
    std::size_t at;         // in the moof
    std::size_t mdat_byte;  // that its run begins with
  };
  BoxWriter to;
  std::vector<Place> places;
  std::size_t bytes = 0;
  to.box("moof", [&] {
    to.full_box("mfhd", 0, 0, [&] { to.u32(sequence); });
    for (const auto& run : runs) {
      if (run.samples.empty())
        continue;
      const auto table = table_of(run, end);
      places.push_back({.at = write_traf(to, run, table), .mdat_byte = bytes});
      bytes += table.bytes;
    }
  });
  for (const auto& place : places)
    to.set_u32(place.at, static_cast<std::uint32_t>(to.size() + kBoxHead + place.mdat_byte));
  to.u32(static_cast<std::uint32_t>(kBoxHead + bytes));
  to.text("mdat");
  return to.take();
}

}  // namespace onair
