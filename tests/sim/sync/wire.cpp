// SPDX-License-Identifier: LGPL-2.1-or-later
#include "wire.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "networks.hpp"

namespace onair::sim::sync {

namespace {

constexpr double kRoundTrip = 0.080;
constexpr double kLoss = 0.03;

RunningTime at(double seconds) {
  return RunningTime{Duration{std::llround(seconds * 1e9)}};
}

Path make_path(const Scenario& scenario, Random& random) {
  switch (scenario.weather) {
    case Weather::Clean:
    case Weather::Pacer:
    case Weather::Backlog:
    case Weather::Routes:
      return wired(random, 0.0015);
    case Weather::Wifi:
      return wifi(random, {40, 15, 20, 1.5}, 0.02, 1.5);
    case Weather::Lte: {
      auto path = lte(random, 0.1);
      const auto gap = [r = random.fork()]() mutable { return r.exponential(6); };
      const auto length = [r = random.fork()]() mutable { return r.uniform(0.05, 0.35); };
      path.push_back(std::make_unique<Stalls>(gap, length, 20e6));
      return path;
    }
    case Weather::Bufferbloat:
      return bufferbloat(random, 0.08, 0.26, 12, 0.6);
    case Weather::Repairs:
      return lossy(random, kLoss, 3, 0.003);
    case Weather::Cellular:
      return cellular(random, {900, 250, 0.4, 6, {60, 90, 15, 4}});
    case Weather::Handover:
      return umts(random, 40, 0.3, 0.8);
  }
  return {};
}

}  // namespace

Wire::Wire(const Scenario& scenario, std::uint64_t seed)
    : scenario_{scenario},
      sender_{draw_sender(scenario, seed)},
      random_{~mix(scenario, seed)},
      repairs_{random_.fork()},
      reports_{random_.fork()} {
  const auto first = random_.fork();
  for (const auto medium : kMedia) {
    streams_[index(medium)].emplace(scenario_, sender_, medium, random_.fork());
    upcoming_[index(medium)] = streams_[index(medium)]->next();
    relay_at_[index(medium)] = reports_.uniform(0.5, 1.5) * (medium == Medium::Audio ? 2.5 : 0.5);
  }
  for (std::size_t i = 0; i < (scenario_.is_separate ? 2U : 1U); ++i) {
    auto weather = i == 0 ? first : random_.fork();
    paths_.push_back(make_path(scenario_, weather));
  }
}

std::optional<Arrived> Wire::next() {
  while (true) {
    // The earliest that is still to be sent; nothing arrives before it was sent.
    Sent* earliest = nullptr;
    for (auto& upcoming : upcoming_)
      if (upcoming && (!earliest || upcoming->sent < earliest->sent))
        earliest = &*upcoming;
    if (earliest && (flights_.empty() || earliest->sent <= flights_.top().arrival)) {
      const auto sent = *earliest;
      upcoming_[index(sent.medium)] = streams_[index(sent.medium)]->next();
      send(sent);
      continue;
    }
    if (flights_.empty())
      return std::nullopt;
    const auto flight = flights_.top();
    flights_.pop();
    if (is_by_relay(scenario_.reports) && !flight.sent.report)
      add_relay_reports(flight);
    // A hole shows with the next packet that arrives.
    if (scenario_.weather == Weather::Repairs && !flight.sent.report && !flight.is_repair)
      for (const auto& lost : std::exchange(missing_[index(flight.sent.medium)], {}))
        if (const auto again = repaired(flight.arrival))
          land(lost, *again, true);
    return Arrived{
        .medium = flight.sent.medium,
        .arrival = at(flight.arrival),
        .captured = at(flight.sent.captured),
        .ssrc = flight.sent.ssrc,
        .rtp_time = flight.sent.rtp_time,
        .size = flight.sent.size,
        .sequence = flight.sent.sequence,
        .marker = flight.sent.marker,
        .is_repair = flight.is_repair,
        .report = flight.sent.report,
    };
  }
}

void Wire::send(const Sent& sent) {
  auto enters = sent.sent;
  for (const auto& outage : scenario_.outages) {
    if (enters < outage.from || enters >= outage.to)
      continue;
    if (!outage.is_held)
      return;
    enters = outage.to;
  }
  auto& path = paths_[paths_.size() == 1 ? 0 : index(sent.medium)];
  const auto arrival = pass(path, enters, sent.size);
  if (!arrival) {
    if (!sent.report)
      missing_[index(sent.medium)].push_back(sent);
    return;
  }
  const auto detour =
      sent.report && scenario_.reports == Reports::Late ? reports_.uniform(0.3, 2) : 0;
  land(sent, *arrival + route_at(sent.sent) + detour, false);
}

void Wire::land(const Sent& sent, double arrival, bool is_repair) {
  flights_.push({arrival, order_++, sent, is_repair});
}

// A relay that writes its own reports knows when packets came to it, and nothing of the sender.
void Wire::add_relay_reports(const Flight& flight) {
  auto& due = relay_at_[index(flight.sent.medium)];
  if (flight.arrival < due || flight.is_repair)
    return;
  auto report = flight.sent;
  const auto wait = due > flight.arrival - 1 ? reports_.uniform(0, 0.015) : 0;
  const auto read = flight.arrival + (scenario_.reports == Reports::Sfu ? wait : 0);
  report.report = NtpTime{Duration{std::llround((3.95e9 + read) * 1e9)}};
  land(report, flight.arrival + wait, false);
  due = flight.arrival + reports_.uniform(0.5, 1.5) * (flight.sent.medium == Medium::Audio ? 5 : 1);
}

// Asked for again until it comes: nothing if four requests failed.
std::optional<double> Wire::repaired(double noticed) {
  auto asked = noticed + 0.004;
  for (auto attempt = 0; attempt < 4; ++attempt) {
    if (!repairs_.chance(kLoss) && !repairs_.chance(kLoss))
      return asked + kRoundTrip + repairs_.exponential(0.05 * kRoundTrip);
    asked += 1.2 * kRoundTrip;
  }
  return std::nullopt;
}

double Wire::route_at(double sent) const {
  if (scenario_.weather != Weather::Routes)
    return 0;
  return sent < scenario_.length / 3 ? 0 : sent < scenario_.length * 2 / 3 ? 0.060 : 0.020;
}

}  // namespace onair::sim::sync
