// SPDX-License-Identifier: LGPL-2.1-or-later
#include "wall_clock.hpp"

#include <algorithm>

namespace onair {

namespace {

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

void WallClock::observe(RunningTime media, NtpTime utc, Source source) {
  const Duration offset = utc.time_since_epoch() - media.time_since_epoch();
  if (is_new_) {
    source_ = source;
    told_ = {.media = media, .offset = offset};
    restart(media, offset);
    return;
  }
  if (source < *source_ && media - average_->newest < kHolds)
    return;
  told_ = {.media = media, .offset = offset};
  if (source != *source_) {
    source_ = source;
    take_up({.offset = offset, .since = media, .newest = media, .count = 1});
  } else if (believes(media, offset)) {
    follow(*average_, media, offset);
  }
  bend(media);
}

void WallClock::begin_continuity(std::optional<RunningTime> at) {
  is_new_ = true;
  if (at && told_ && std::chrono::abs(told_->media - *at) <= kAbout)
    restart(told_->media, told_->offset);
}

void WallClock::restart(RunningTime media, Duration offset) {
  is_new_ = false;
  disregarded_ = Duration{0};
  other_.reset();
  asked_.reset();
  knot_count_ = 0;
  average_ = Average{.offset = offset, .since = media, .newest = media, .count = 1};
  add_knot({.media = media, .offset = offset});
}

bool WallClock::believes(RunningTime media, Duration offset) {
  if (std::chrono::abs(offset - average_->offset) <= kOutlier) {
    other_.reset();
    return true;
  }
  ++stats_.outliers;
  if (!other_ || std::chrono::abs(offset - other_->offset) > kOutlier)
    other_ = Average{.offset = offset, .since = media, .newest = media, .count = 0};
  follow(*other_, media, offset);
  if (media - other_->since >= kBelieved) {
    ++stats_.steps;
    take_up(*other_);
  }
  return false;
}

// What is told is somewhere else from now on.
void WallClock::take_up(const Average& average) {
  average_ = average;
  other_.reset();
  const auto off = average.offset - knot_at(average.newest).offset_at(average.newest);
  disregarded_ = std::chrono::abs(off) > kMostSlewed ? off : Duration{0};
}

// The plain mean at first, and one of the last `averaging` then, however often it is told.
void WallClock::follow(Average& average, RunningTime media, Duration offset) const {
  ++average.count;
  const auto age = std::max(media - average.newest, Duration{0});
  average.newest = std::max(average.newest, media);
  const auto weight = average.newest - average.since < config_.averaging
                          ? 1.0 / static_cast<double>(average.count)
                          : std::min(1.0, seconds(age) / seconds(config_.averaging));
  average.offset += scaled(offset - average.offset, weight);
}

// From where nobody has asked yet.
void WallClock::bend(RunningTime media) {
  const auto from = std::max(media, asked_.value_or(media));
  if (from - newest_knot().media < kKnotDistance)
    return;
  const auto offset = newest_knot().offset_at(from);
  const auto off = average_->offset - disregarded_ - offset;
  add_knot({.media = from,
            .offset = offset,
            .bend = std::clamp(seconds(off) / seconds(kSettled), -kMostBend, kMostBend)});
}

Duration WallClock::Knot::offset_at(RunningTime time) const {
  return offset + scaled(std::clamp(time - media, Duration{0}, kSettled), bend);
}

const WallClock::Knot& WallClock::knot_at(RunningTime media) const {
  const auto kept = std::min<std::uint64_t>(knot_count_, kKnots);
  for (std::uint64_t age = 1; age < kept; ++age) {
    const auto& knot = knots_[(knot_count_ - age) % kKnots];
    if (knot.media <= media)
      return knot;
  }
  return knots_[(knot_count_ - kept) % kKnots];
}

std::optional<NtpTime> WallClock::at(RunningTime media) {
  if (knot_count_ == 0)
    return std::nullopt;
  asked_ = std::max(media, asked_.value_or(media));
  return NtpTime{media.time_since_epoch() + knot_at(media).offset_at(media)};
}

WallClock::Stats WallClock::stats() const {
  auto stats = stats_;
  stats.source = source_;
  stats.disregarded = disregarded_;
  if (average_)
    stats.off = newest_knot().offset_at(average_->newest) - (average_->offset - disregarded_);
  return stats;
}

}  // namespace onair
