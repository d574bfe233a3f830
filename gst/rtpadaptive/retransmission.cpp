// SPDX-License-Identifier: LGPL-2.1-or-later
#include "retransmission.hpp"

#include <algorithm>
#include <utility>

namespace onair {

using namespace std::chrono_literals;

namespace {

constexpr RunningTime kNeverAgain = RunningTime::max();
// Until a round trip has been measured: a continent's, so that a near sender is asked once only.
constexpr Duration kUnknownRoundTrip{100ms};
constexpr Duration kLeastRetry{10ms};
constexpr Duration kShortestRetry{1ms};
// Reordering seen this long ago no longer holds requests back; it makes them wait this long at most.
constexpr Duration kReorderMemory{10s};
constexpr Duration kMostReorderWait{100ms};

}  // namespace

Retransmission::Retransmission() {
  missing_.reserve(kMaxMissing);
  asked_.reserve(kMaxMissing);
}

void Retransmission::on_hole(std::int64_t first, std::int64_t count, MediaTime before,
                             MediaTime after, RunningTime now) {
  now_ = now;
  const Duration span = after - before;
  const auto room = static_cast<std::int64_t>(kMaxMissing - missing_.size());
  // The newest are the likeliest to arrive in time.
  for (std::int64_t i = std::max<std::int64_t>(0, count - room); i < count; ++i)
    missing_.push_back({
        .sequence = first + i,
        .media = before + span * (i + 1) / (count + 1),
        .noticed = now,
        .ask_at = now + first_wait(),
        .first_asked = now,
        .last_asked = now,
    });
  if (Missing* asked = next_ && next_->requests > 0 ? find(next_->sequence) : nullptr) {
    asked->requests = next_->requests;
    asked->first_asked = next_->first_asked;
    asked->last_asked = next_->last_asked;
    asked->ask_at = std::max(now, next_->last_asked + retry_timeout());
  }
  next_.reset();
  update_earliest();
}

void Retransmission::expect_next(std::int64_t sequence, MediaTime media, RunningTime expected,
                                 Duration patience) {
  const Duration wait = std::max(settings_.delay.value_or(patience), settings_.min_delay);
  next_ = Missing{.sequence = sequence,
                  .media = media,
                  .noticed = expected,
                  .ask_at = expected + wait,
                  .first_asked = expected,
                  .last_asked = expected};
  update_earliest();
}

void Retransmission::expect_nothing() {
  next_.reset();
  update_earliest();
}

void Retransmission::on_newest(std::int64_t sequence) {
  newest_ = sequence;
  if (missing_.empty() || settings_.delay_reorder <= 0)
    return;
  const std::int64_t distance = std::max<std::int64_t>(settings_.delay_reorder, reorder_distance_);
  bool moved = false;
  for (Missing& missing : missing_) {
    if (missing.requests > 0 || sequence - missing.sequence < distance)
      continue;
    const RunningTime at = missing.noticed + settings_.min_delay;
    moved = moved || at < missing.ask_at;
    missing.ask_at = std::min(missing.ask_at, at);
  }
  if (moved)
    update_earliest();
}

Retransmission::Filled Retransmission::on_packet(std::int64_t sequence, RunningTime arrival,
                                                 bool flagged_retransmission) {
  if (next_ && next_->sequence == sequence)
    return on_next(arrival, flagged_retransmission);
  Missing* missing = find(sequence);
  if (!missing)
    return flagged_retransmission ? on_late_answer(sequence, arrival) : Filled::NotMissing;
  // A retransmission on the stream's own SSRC has no flag: nobody answers before half a round trip,
  // so what comes sooner was merely reordered.
  const Duration since_first = arrival - missing->first_asked;
  const bool repaired = missing->requests > 0 &&
                        (flagged_retransmission || since_first >= round_trip_.value_or(0ns) / 2);
  if (repaired) {
    ++stats_.successes;
    const double requests = missing->requests;
    stats_.per_packet = stats_.per_packet == 0 ? requests : (requests + 7 * stats_.per_packet) / 8;
    if (missing->is_patient)
      learn_round_trip(arrival - missing->last_asked);
    else
      learn_longest(since_first);
  } else {
    const Duration behind = arrival - missing->noticed;
    if (arrival - reordered_at_ > kReorderMemory)
      reorder_wait_ = 0ns, reorder_distance_ = 0;
    reorder_wait_ = std::min(std::max(reorder_wait_, behind + behind / 4), kMostReorderWait);
    reorder_distance_ = std::max(reorder_distance_, newest_ - sequence + 1);
    reordered_at_ = arrival;
  }
  if (missing->requests > (repaired ? 1 : 0))
    remember(*missing, repaired ? 1 : 0, arrival);
  remove(missing);
  return repaired ? Filled::Repaired : Filled::Reordered;
}

// Without a flag it came by itself, however long that took: nobody has shown it to be missing.
Retransmission::Filled Retransmission::on_next(RunningTime arrival, bool flagged_retransmission) {
  const Missing next = *std::exchange(next_, std::nullopt);
  update_earliest();
  if (next.requests == 0)
    return Filled::NotMissing;
  if (!flagged_retransmission) {
    remember(next, 0, arrival);
    return Filled::NotMissing;
  }
  ++stats_.successes;
  stats_.per_packet = stats_.per_packet == 0 ? 1 : (1 + 7 * stats_.per_packet) / 8;
  learn_round_trip(arrival - next.last_asked);
  return Filled::Repaired;
}

void Retransmission::remember(const Missing& missing, int answers, RunningTime now) {
  std::erase_if(asked_, [&](const Asked& asked) { return asked.forget_at < now; });
  if (asked_.size() == kMaxMissing)
    asked_.erase(asked_.begin());
  asked_.push_back({.sequence = missing.sequence,
                    .first_asked = missing.first_asked,
                    .last_asked = missing.last_asked,
                    .requests = missing.requests,
                    .is_patient = missing.is_patient,
                    .answers = answers,
                    .forget_at = now + settings_.stats_timeout});
}

// Once as many have come as were asked for, the last one answers the last request.
Retransmission::Filled Retransmission::on_late_answer(std::int64_t sequence, RunningTime arrival) {
  const auto asked = std::find_if(asked_.begin(), asked_.end(),
                                  [&](const Asked& each) { return each.sequence == sequence; });
  if (asked == asked_.end() || asked->forget_at < arrival)
    return Filled::NotMissing;
  if (++asked->answers == asked->requests || (asked->answers == 1 && asked->is_patient)) {
    learn_round_trip(arrival - asked->last_asked);
    asked_.erase(asked);
  } else if (asked->answers == 1) {
    learn_longest(arrival - asked->first_asked);
  }
  return Filled::Answered;
}

void Retransmission::on_given_up(std::int64_t below, RunningTime now) {
  const auto keep = std::find_if(missing_.begin(), missing_.end(),
                                 [&](const Missing& m) { return m.sequence >= below; });
  if (keep == missing_.begin())
    return;
  for (auto missing = missing_.begin(); missing != keep; ++missing)
    if (missing->requests > 0)
      remember(*missing, 0, now);
  missing_.erase(missing_.begin(), keep);
  update_earliest();
}

std::optional<Retransmission::Request> Retransmission::take_request(RunningTime now,
                                                                    Duration usable_until) {
  if (!earliest_ || *earliest_ > now)
    return std::nullopt;
  now_ = now;
  std::optional<Request> request;
  for (Missing& missing : missing_) {
    if (missing.ask_at > now)
      continue;
    request = ask(missing, now, usable_until);
    if (request)
      break;
  }
  if (!request && next_ && next_->ask_at <= now) {
    request = ask(*next_, now, usable_until);
    next_->ask_at = kNeverAgain;
  }
  update_earliest();
  return request;
}

// Nothing, if that is of no use; then never again.
std::optional<Retransmission::Request> Retransmission::ask(Missing& missing, RunningTime now,
                                                           Duration usable_until) {
  const RunningTime expected = missing.noticed;
  RunningTime usable{missing.media.time_since_epoch() + usable_until};
  if (settings_.deadline)
    usable = std::min(usable, expected + *settings_.deadline);
  const Duration timeout = retry_timeout();
  const Duration period = settings_.retry_period.value_or(std::max(usable - expected, 0ns));
  const bool too_often = settings_.max_retries && missing.requests >= *settings_.max_retries;
  const bool too_late = now + round_trip_.value_or(0ns) > usable || now > expected + period;
  if (too_often || too_late) {
    missing.ask_at = kNeverAgain;
    return std::nullopt;
  }
  const Request request{
      .sequence = missing.sequence,
      .expected = expected,
      .delay = now - expected,
      .retry = missing.requests,
      .retry_timeout = timeout,
      .retry_period = period,
      .round_trip = round_trip_.value_or(0ns),
  };
  missing.is_patient = missing.requests == 0 ||
                       (longest_repair_ > 0ns && now - missing.last_asked >= longest_repair_);
  if (missing.requests++ == 0)
    missing.first_asked = now;
  missing.last_asked = now;
  missing.ask_at = now + timeout;
  ++stats_.requests;
  return request;
}

std::optional<RunningTime> Retransmission::next_request_at() const {
  return earliest_;
}

int Retransmission::requests_for(std::int64_t sequence) const {
  const Missing* missing = const_cast<Retransmission*>(this)->find(sequence);
  return missing ? missing->requests : 0;
}

void Retransmission::reset() {
  missing_.clear();
  asked_.clear();
  next_.reset();
  earliest_.reset();
  reorder_wait_ = 0ns;
  reorder_distance_ = 0;
  newest_ = 0;
}

Retransmission::Missing* Retransmission::find(std::int64_t sequence) {
  const auto at =
      std::lower_bound(missing_.begin(), missing_.end(), sequence,
                       [](const Missing& m, std::int64_t wanted) { return m.sequence < wanted; });
  return at != missing_.end() && at->sequence == sequence ? &*at : nullptr;
}

void Retransmission::remove(Missing* missing) {
  missing_.erase(missing_.begin() + (missing - missing_.data()));
  update_earliest();
}

Duration Retransmission::first_wait() const {
  if (settings_.delay)
    return std::max(*settings_.delay, settings_.min_delay);
  const bool reorders = now_ - reordered_at_ <= kReorderMemory;
  return std::max(reorders ? reorder_wait_ : 0ns, settings_.min_delay);
}

Duration Retransmission::retry_timeout() const {
  const Duration trip = round_trip_.value_or(kUnknownRoundTrip);
  const Duration measured = std::max(
      {trip + trip / 5, trip + 2 * round_trip_deviation_, longest_repair_ + longest_repair_ / 5});
  const Duration least = settings_.min_retry_timeout.value_or(kLeastRetry);
  // Never at once: that would be a request without end.
  return std::max({settings_.retry_timeout.value_or(measured), least, kShortestRetry});
}

// Mean and mean deviation as TCP keeps them (RFC 6298).
void Retransmission::learn_round_trip(Duration sample) {
  longest_repair_ = 0ns;
  if (!round_trip_) {
    round_trip_ = sample;
    round_trip_deviation_ = sample / 2;
    return;
  }
  round_trip_deviation_ += (std::chrono::abs(sample - *round_trip_) - round_trip_deviation_) / 4;
  *round_trip_ += (sample - *round_trip_) / 8;
}

void Retransmission::learn_longest(Duration since_first_asked) {
  longest_repair_ = std::max(longest_repair_, since_first_asked);
}

void Retransmission::update_earliest() {
  earliest_.reset();
  for (const Missing& missing : missing_)
    if (missing.ask_at != kNeverAgain && (!earliest_ || missing.ask_at < *earliest_))
      earliest_ = missing.ask_at;
  if (next_ && next_->ask_at != kNeverAgain && (!earliest_ || next_->ask_at < *earliest_))
    earliest_ = next_->ask_at;
}

}  // namespace onair
