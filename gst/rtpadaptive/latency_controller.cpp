// SPDX-License-Identifier: LGPL-2.1-or-later
#include "latency_controller.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace onair {

using namespace std::chrono_literals;

namespace {

// Followers: peaks of the delay above its mean, lifted by a gain and let down over a memory: a tenth
// of a second for a queue that drains by itself, ten for a network that has become rough. A gain
// below one bets that the next peak is lower, one above it that it is higher.
constexpr std::array<float, 2> kGains{0.7F, 1.7F};
constexpr std::array<float, 4> kMemories{150, 600, 4000, 8000};  // ms
// A unit behind a stall has waited less than the one before it, so that one's delay holds for all of
// the burst. A third more also holds where the queue still grows, and those followers that expect
// lower peaks are ready for twice the last delay instead.
constexpr std::array<float, 2> kGrowths{2.0F, 1.3F};
constexpr float kMeanMemory = 2000;  // ms; long against a burst, short against a route

// The past that plans are tried on. Fewer minutes hold too few late units to tell plans apart.
constexpr float kMemory = 250e3F;  // ms
constexpr float kHeaviest = 1e6F;  // weights are scaled down before floats lose their small change
// What is not known of a tail yet: half a late unit, exponentially distributed. It fades as real
// units are counted.
constexpr float kPriorLate = 0.5F;
constexpr float kPriorRepairs = 0.1F;  // eager
constexpr float kPriorTail = 50;       // ms
// Eager: what a packet that is given up is worth, times the target, in ms of delay of one packet.
constexpr double kEagerPriceScale = 70;

constexpr Duration kBlock{150ms};
constexpr std::uint32_t kBlocksPerChoice = 3;

// A plan that holds less is followed by three tenths of the way at a time: one that holds more may be
// right again soon.
constexpr float kBaseStepDown = 0.3F;

// Rhythm. Shares of the units that count as events: key frames are one in 30 to 150 frames, the
// hand-overs of a satellite one unit in 750.
constexpr std::array<float, 2> kEventShares{0.025F, 0.0025F};

// RFC 4588 leaves the timing to the receiver. A request is answered within 1.2 round trips.
constexpr double kRepairTime = 1.2;
constexpr float kLeastFills = 2;
// Of the late units allowed, the part that repairs may use.
constexpr double kRepairShare = 0.8;
// Where fewer holes than this are ever filled, nobody repairs.
constexpr float kRepairs = 0.02F;
constexpr Duration kHoleGrace{100ms};
// How late a packet that shows a hole comes: a mean, from hole to hole, that rises faster than it falls.
constexpr float kFirstNoticeGrace = 1.1F;
constexpr float kNoticeRise = 0.3F;
constexpr float kNoticeFall = 0.02F;
// Eager: so long after a hole others are expected. Then L halves each second, until a hole shows.
constexpr Duration kHolesExpected{10s};
constexpr Duration kPatienceHalving{1s};
constexpr Duration kLongQuiet{10s};  // a thousandth is left

// Two packets of one media time make a frame; after a second of single packets it is audio again.
constexpr Duration kLeastInterval{1ms};  // between units, whatever the timestamps say
constexpr std::uint32_t kSingleUnits = 50;
constexpr std::uint32_t kUnmarkedUnits = 50;
constexpr std::uint64_t kUnitsOfStart = 1000;  // the prior has faded and L is down by then
// L is stepped down: by a twentieth, half a millisecond at least.
constexpr double kStepDown = 0.05;
constexpr Duration kLeastStepDown{500us};
constexpr float kLongestDelay = 60e3F;  // ms; beyond it is another stream
constexpr Duration kReportInterval{1s};
constexpr Duration kLeastReport{2ms};

// Bins of delay, 8 to the octave from 1/8 ms on: the float's exponent and top three bits.
constexpr std::uint32_t kFirstBits = std::bit_cast<std::uint32_t>(0.125F) >> 20U;

std::size_t bin_of(float delay, std::size_t bins) {
  const auto bits = std::bit_cast<std::uint32_t>(std::max(delay, 0.0F)) >> 20U;
  return bits < kFirstBits ? 0 : std::min<std::size_t>(bits - kFirstBits + 1, bins - 1);
}

float upper_edge(std::size_t bin) {
  return std::bit_cast<float>((kFirstBits + static_cast<std::uint32_t>(bin)) << 20U);
}

// The share of a prior that lies above each bin.
const std::array<float, 105>& prior_tail() {
  static const auto tail = [] {
    std::array<float, 105> shares;
    for (std::size_t bin = 0; bin < shares.size(); ++bin)
      shares[bin] = std::exp(-upper_edge(bin) / kPriorTail);
    return shares;
  }();
  return tail;
}

float milliseconds(Duration duration) {
  return static_cast<float>(static_cast<double>(duration.count()) * 1e-6);
}

Duration from_milliseconds(float value) {
  return Duration{static_cast<Duration::rep>(static_cast<double>(value) * 1e6)};
}

LatencyController::Config checked(LatencyController::Config config) {
  config.min_latency = std::max(config.min_latency, Duration{0});
  config.max_latency = std::max(config.max_latency, config.min_latency);
  config.initial_latency =
      std::clamp(config.initial_latency, config.min_latency, config.max_latency);
  config.repair_hold = std::max(config.repair_hold, Duration{0});
  config.late_target = std::clamp(config.late_target, 1e-6, 0.5);
  config.loss_target = std::clamp(config.loss_target, 1e-6, 0.5);
  return config;
}

}  // namespace

LatencyController::LatencyController(const Config& config)
    : config_{checked(config)},
      latency_{config_.initial_latency},
      interval_{20ms},
      rhythms_{BurstRhythm{kEventShares[0]}, BurstRhythm{kEventShares[1]}},
      base_{milliseconds(config_.initial_latency)},
      price_{config_.late_target} {
  latency_ = config_.initial_latency;
  patience_ = milliseconds(config_.max_latency);
  reported_ = latency_;
  set_decays();
}

void LatencyController::set_config(const Config& config) {
  const auto before = config_;
  config_ = checked(config);
  if (config_.late_target != before.late_target)
    price_.set_target(config_.late_target);
  const auto bounded = std::clamp(latency_, config_.min_latency, config_.max_latency);
  if (has_started_ && bounded != latency_)
    reason_ = Reason::Bounds;
  if (has_started_)
    return;
  latency_ = config_.initial_latency;
  patience_ = milliseconds(config_.max_latency);
  reported_ = latency_;
  base_ = milliseconds(config_.initial_latency);
}

void LatencyController::reset() {
  const auto config = config_;
  const auto round_trip = round_trip_;
  *this = LatencyController{config};
  round_trip_ = round_trip;
}

void LatencyController::on_round_trip(Duration round_trip) {
  if (round_trip > Duration{0})
    round_trip_ = round_trip;
}

void LatencyController::on_packet(const Packet& packet) {
  const auto transit_time = transit(packet.arrival, packet.media);
  const auto is_filler = has_started_ && packet.sequence < highest_;
  // What comes in order has met the path and its queues; what fills a hole has met a detour or a
  // round trip, and says nothing about either.
  if (!packet.retransmitted && !is_filler)
    drift_.on_sample(packet.arrival, transit_time);
  ++stats_.packets;
  if (!has_started_) {
    start(packet);
    return;
  }
  now_ = packet.arrival;
  expire_holes(packet.arrival);
  const auto is_late = transit_time > playout();
  const auto floor = drift_.floor(packet.arrival).value_or(floor_);
  const auto delay = std::min(milliseconds(transit_time - floor), kLongestDelay);
  if (is_late) {
    ++stats_.late_packets;
    ++late_since_;
  }
  if (config_.release == Release::Paced)
    price_.on_packet(packet.arrival, is_late);
  worst_since_ = std::max(worst_since_, delay);
  if (is_filler) {
    on_hole_filled(packet.arrival, delay, is_late);
  } else {
    if (packet.media != unit_.media)
      on_next_unit(packet);
    else if (++unit_.packets == 2)
      has_frames_ = true;
    unit_.worst = std::max(unit_.worst, delay);
    unit_.late += is_late ? 1 : 0;
    if (packet.sequence > highest_ + 1)
      on_hole(packet, delay);
    highest_ = packet.sequence;
    highest_media_ = packet.media;
  }
  // Between the packets of a frame nothing moves: L is taken over after its last one. An eager
  // frame is on its way already; only what a hole is worth moves.
  const auto is_boundary = !has_frames_ || packet.marker || unmarked_ > kUnmarkedUnits;
  if (!is_boundary && config_.release == Release::Paced)
    return;
  if (is_boundary && !is_filler)
    close_unit();
  if (packet.marker)
    unmarked_ = 0;
  floor_ = floor;
  apply(wanted(packet.arrival));
}

void LatencyController::start(const Packet& packet) {
  has_started_ = true;
  ++stats_.units;
  now_ = packet.arrival;
  epoch_ = packet.arrival;
  floor_ = transit(packet.arrival, packet.media);
  highest_ = packet.sequence;
  highest_media_ = packet.media;
  unit_ = {packet.media, 0, 1, 0, false};
  newest_media_ = packet.media.time_since_epoch();
}

void LatencyController::on_hole(const Packet& packet, float delay) {
  // After a gap of seconds the rest is a new stream to the element; the sums stay sane until then.
  constexpr std::int64_t most = 1000;
  const auto missing = static_cast<std::uint32_t>(std::min(packet.sequence - highest_ - 1, most));
  stats_.holes += missing;
  hole_weight_ += weight_ * static_cast<float>(missing);
  if (open_holes_ == 0)
    hole_media_ = highest_media_;
  open_holes_ += missing;
  epoch_holes_ += missing;
  hole_opened_ = packet.arrival;
  hole_delay_ = delay + milliseconds(interval_);
  if (notice_ == 0)
    notice_ = hole_delay_ * kFirstNoticeGrace;
  else
    notice_ += (hole_delay_ - notice_) * (hole_delay_ > notice_ ? kNoticeRise : kNoticeFall);
  repair_ = repair_level();
}

void LatencyController::expire_holes(RunningTime now) {
  if (now - epoch_ < config_.max_latency + kHoleGrace)
    return;
  open_holes_ = std::min(open_holes_, epoch_holes_);
  epoch_holes_ = 0;
  epoch_ = now;
}

void LatencyController::on_hole_filled(RunningTime now, float delay, bool is_late) {
  hole_filled_ = now;
  ++stats_.filled_holes;
  open_holes_ -= open_holes_ > 0 ? 1 : 0;
  fills_[bin_of(delay, kBins)] += weight_;
  fill_weight_ += weight_;
  repair_ = repair_level();
  if (!is_late)
    return;
  ++stats_.given_up;
  ++stats_.late_units;
  if (config_.release == Release::Paced)
    price_.on_late_filler();
}

void LatencyController::on_next_unit(const Packet& packet) {
  close_unit();
  if (unit_.packets > 1)
    single_ = 0;
  else if (++single_ > kSingleUnits)
    has_frames_ = false;
  if (has_frames_)
    unmarked_ = std::min(unmarked_ + 1, kUnmarkedUnits + 1);
  const auto media = packet.media.time_since_epoch();
  // Frames in decoding order step back and forth; their interval shows in the steps forward.
  const auto step = media - newest_media_;
  if (step > Duration{0}) {
    if (step < 200ms)
      interval_ = std::max<Duration>(interval_ + (step - interval_) / 20, kLeastInterval);
    newest_media_ = media;
  }
  unit_ = {packet.media, 0, 1, 0, false};
  ++stats_.units;
}

void LatencyController::close_unit() {
  if (unit_.is_closed)
    return;
  unit_.is_closed = true;
  stats_.late_units += unit_.late > 0 ? 1 : 0;
  if (config_.release == Release::Eager) {
    close_eager_unit();
    return;
  }
  const auto delay = unit_.worst;
  price_.on_unit(interval_, unit_.packets, unit_.late);
  if (delay > least_level_) {
    const auto bin = bin_of(delay, kBins);
    use_bin(bin);
    const auto surprise = Quad{} + weight_;
    for (std::size_t i = 0; i < kQuads; ++i)
      surprises_[bin][i] += delay > levels_[i] ? surprise : Quad{};
  }
  raise_weight();
  follow(delay);
  since_block_ += interval_;
  if (since_block_ < kBlock)
    return;
  since_block_ = Duration{0};
  sample_levels();
  set_decays();
  if (++blocks_ % kBlocksPerChoice != 0)
    return;
  choose_plan();
}

// No plan is needed where nothing waits but for holes.
void LatencyController::close_eager_unit() {
  raise_weight();
  since_block_ += interval_;
  if (since_block_ < kBlock * kBlocksPerChoice)
    return;
  since_block_ = Duration{0};
  patience_ = patience();
}

void LatencyController::use_bin(std::size_t bin) {
  is_used_[bin] = true;
  highest_bin_ = std::max(highest_bin_, bin);
}

void LatencyController::sample_levels() {
  for (std::size_t i = 0; i < kFollowers; ++i) {
    const auto level = levels_[i / 4][i % 4];
    const auto bin = bin_of(level, kBins);
    use_bin(bin);
    level_counts_[bin][i / 4][i % 4] += weight_;
    level_sums_[bin][i / 4][i % 4] += weight_ * level;
  }
  samples_ += weight_;
}

void LatencyController::follow(float delay) {
  mean_ += milliseconds(interval_) / kMeanMemory * (delay - mean_);
  const auto excess = std::max(0.0F, delay - mean_);
  const auto media = newest_media_;
  rhythm_lift_ = 0;
  for (auto& rhythm : rhythms_) {
    rhythm.on_unit(media, delay, interval_);
    rhythm_lift_ = std::max(rhythm_lift_, rhythm.lift(media + interval_, interval_));
  }
  least_level_ = std::max(std::min(kGrowths[0], kGrowths[1]) * delay, rhythm_lift_);
  for (std::size_t i = 0; i < kQuads; ++i) {
    const auto lowest = Quad{} + std::max(kGrowths[i] * delay, rhythm_lift_);
    const auto decayed = peaks_[i] * decays_[i];
    const auto pushed = Quad{} + kGains[i] * excess;
    peaks_[i] = decayed > pushed ? decayed : pushed;
    const auto level = mean_ + peaks_[i];
    levels_[i] = level > lowest ? level : lowest;
  }
}

void LatencyController::set_decays() {
  // A change of a percent is a change of a percent in memory.
  if (std::chrono::abs(interval_ - decay_interval_) * 100 < interval_)
    return;
  decay_interval_ = interval_;
  for (std::size_t i = 0; i < kFollowers; ++i)
    decays_[i / 4][i % 4] = std::exp(-milliseconds(interval_) / kMemories[i % kMemories.size()]);
}

void LatencyController::raise_weight() {
  total_ += weight_;
  weight_ *= 1 + milliseconds(interval_) / kMemory;
  if (weight_ < kHeaviest)
    return;
  const auto scale = 1 / weight_;
  for (auto* table : {&surprises_, &level_counts_, &level_sums_})
    for (auto& lanes : *table)
      for (auto& value : lanes)
        value *= scale;
  for (auto& value : fills_)
    value *= scale;
  for (auto* value : {&total_, &samples_, &fill_weight_, &hole_weight_, &weight_})
    *value *= scale;
}

void LatencyController::choose_plan() {
  const auto price = static_cast<float>(price_.current());
  const auto learned_price = static_cast<float>(price_.learned());
  // From the highest level down: what a follower costs while it is above the base, what the base
  // costs for the rest of the time, and how often both would have been too low. Lane by lane.
  Lanes late{};
  Lanes above{};
  Lanes cost_above{};
  Lanes best;
  Lanes best_base{};
  Lanes best_learned;
  Lanes learned_share{};
  best.fill(Quad{} + std::numeric_limits<float>::max());
  best_learned = best;
  const auto& tail = prior_tail();
  const auto per_unit = 1 / total_;
  const auto per_sample = 1 / samples_;
  const auto samples = samples_;
  for (auto bin = highest_bin_ + 1; bin-- > 0;) {
    // With the base in an empty bin nothing would be later than with the next lower one.
    if (!is_used_[bin])
      continue;
    const auto base = Quad{} + upper_edge(bin);
    const auto prior = weight_ * kPriorLate * tail[bin];
    for (std::size_t i = 0; i < kQuads; ++i) {
      const auto cost = (cost_above[i] + base * (samples - above[i])) * per_sample;
      const auto share = (late[i] + prior) * per_unit;
      const auto value = cost + price * share;
      const auto learned_value = cost + learned_price * share;
      best_base[i] = value < best[i] ? base : best_base[i];
      best[i] = value < best[i] ? value : best[i];
      learned_share[i] = learned_value < best_learned[i] ? share : learned_share[i];
      best_learned[i] = learned_value < best_learned[i] ? learned_value : best_learned[i];
      late[i] += surprises_[bin][i];
      above[i] += level_counts_[bin][i];
      cost_above[i] += level_sums_[bin][i];
    }
  }
  auto learned = follower_;
  for (std::size_t i = 0; i < kFollowers; ++i) {
    if (best[i / 4][i % 4] < best[follower_ / 4][follower_ % 4])
      follower_ = i;
    if (best_learned[i / 4][i % 4] < best_learned[learned / 4][learned % 4])
      learned = i;
  }
  const auto base = best_base[follower_ / 4][follower_ % 4];
  base_ = std::max(base, base_ + kBaseStepDown * (base - base_));
  price_.learn(learned_share[learned / 4][learned % 4]);
}

// Where nearly all holes are filled, the wait costs nothing; where few are, waiting for the rest
// must be worth it.
float LatencyController::patience() const {
  const auto most = milliseconds(config_.max_latency);
  const auto empty =
      std::max(0.0F, hole_weight_ - fill_weight_ - weight_ * static_cast<float>(open_holes_));
  const auto price = static_cast<float>(kEagerPriceScale / config_.loss_target);
  const auto interval = milliseconds(interval_);
  // A wait of W holds the packets that come in it by W / 2 on average.
  const auto cost = [&](float wait) { return empty * wait * wait / (2 * interval); };
  const auto& tail = prior_tail();
  auto best = cost(most);
  auto best_wait = most;
  auto given_up = 0.0F;
  for (auto bin = kBins; bin-- > 0;) {
    const auto wait = upper_edge(bin);
    if (wait <= most) {
      const auto prior = weight_ * kPriorRepairs * tail[bin];
      const auto value = cost(wait) + price * (given_up + prior);
      if (value < best) {
        best = value;
        best_wait = wait;
      }
    }
    given_up += fills_[bin];
  }
  return best_wait;
}

// The delay below which repairs come, but for a share of them.
float LatencyController::repair_level() const {
  if (fill_weight_ < kLeastFills * weight_) {
    return round_trip_ ? hole_delay_ + static_cast<float>(kRepairTime) * milliseconds(*round_trip_)
                       : 0;
  }
  if (fill_weight_ < kRepairs * hole_weight_)
    return 0;
  const auto allowed = static_cast<float>(kRepairShare * config_.late_target) * total_;
  auto above = 0.0F;
  auto bin = kBins - 1;
  for (; bin > 0; --bin) {
    above += fills_[bin];
    if (above > allowed)
      break;
  }
  return upper_edge(bin);
}

LatencyController::Reason LatencyController::base_reason() const {
  const auto latency = milliseconds(latency_);
  if (base_ >= latency)
    return base_ > latency ? Reason::MoreLate : reason_;
  if (stats_.units < kUnitsOfStart)
    return Reason::Start;
  const auto was_lifted = reason_ == Reason::LateBurst || reason_ == Reason::HoleOpened ||
                          reason_ == Reason::Rhythm || reason_ == Reason::BurstOver;
  return was_lifted ? Reason::BurstOver : Reason::LessLate;
}

Duration LatencyController::wanted(RunningTime now) {
  if (config_.release == Release::Eager) {
    const auto quiet = hole_opened_ ? now - *hole_opened_ - kHolesExpected : kLongQuiet;
    reason_ = quiet > Duration{0} ? Reason::BurstOver : Reason::HoleOpened;
    if (quiet >= kLongQuiet)
      return Duration{0};
    const auto halvings = static_cast<float>(std::max(quiet, Duration{0}) / kPatienceHalving);
    return from_milliseconds(patience_ * std::exp2(-halvings));
  }
  auto level = base_;
  auto reason = base_reason();
  if (const auto held = levels_[follower_ / 4][follower_ % 4]; held > level) {
    level = held;
    reason = held == rhythm_lift_ ? Reason::Rhythm : Reason::LateBurst;
  }
  if (hole_opened_ && now - *hole_opened_ > scaled(from_milliseconds(repair_), 1.5) + kHoleGrace)
    open_holes_ = 0;
  // Up to where repairs come, but no sooner than needed. L moves when packets come: the next one has
  // to find it above the age of what is missing, which followed `hole_media_`, and so has the one
  // after that if the next one is lost.
  if (open_holes_ > 0) {
    const auto age = newest_media_ - hole_media_.time_since_epoch();
    const auto needed = std::min(repair_, milliseconds(age + interval_) + notice_);
    if (needed > level) {
      level = needed;
      reason = Reason::HoleOpened;
    }
  }
  // High enough that a hole shows before the missing packet is due: then L rises in time for it.
  if (hole_filled_ && now - *hole_filled_ < config_.repair_hold && notice_ > level) {
    level = notice_;
    reason = Reason::HoleOpened;
  }
  reason_ = reason;
  return from_milliseconds(level);
}

Duration LatencyController::repair_latency() const {
  if (config_.release == Release::Eager || !config_.adaptive)
    return latency_;
  return std::max(latency_, std::min(from_milliseconds(repair_), config_.max_latency));
}

void LatencyController::apply(Duration wanted) {
  if (!config_.adaptive)
    wanted = latency_;
  wanted = std::clamp(wanted, config_.min_latency, config_.max_latency);
  const auto is_bounded = latency_ > config_.max_latency;
  if (wanted < latency_ && !is_bounded && wanted > config_.min_latency &&
      latency_ - wanted < std::max(scaled(latency_, kStepDown), kLeastStepDown))
    return;
  latency_ = wanted;
}

std::optional<LatencyController::Change> LatencyController::take_change() {
  if (!has_started_ || (reported_at_ && now_ - *reported_at_ < kReportInterval) ||
      std::chrono::abs(latency_ - reported_) < kLeastReport)
    return std::nullopt;
  const Change change{reported_, latency_, reason_, late_since_, from_milliseconds(worst_since_)};
  reported_at_ = now_;
  reported_ = latency_;
  late_since_ = 0;
  worst_since_ = 0;
  return change;
}

}  // namespace onair
