// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "source.hpp"

// One sender with sound and picture, the way to us, and what happens on it: as data. Times are true
// seconds from the start of the sender; our clock shows the same.
namespace onair::sim::sync {

inline constexpr std::array kMedia{Medium::Audio, Medium::Video};
constexpr std::size_t index(Medium medium) {
  return medium == Medium::Audio ? 0 : 1;
}

// What the packets of both streams meet. They share one queue unless the scenario separates them.
enum class Weather {
  Clean,
  Wifi,         // spikes of 20 to 250 ms
  Lte,          // scheduling, HARQ, and stalls up to 350 ms
  Bufferbloat,  // a queue up to 300 ms that somebody else fills
  Pacer,        // clean, but video waits up to 200 ms in the sender every few seconds
  Backlog,      // the same up to 900 ms
  Repairs,      // 3 % loss in bursts, repaired a round trip later
  Routes,       // +60 ms at a third, -40 ms at two thirds
  Cellular,     // as recorded from moving cars: rate wanders, outages
  Handover,     // 3G: nothing for 300 to 800 ms, now and then
};

// What is known of the sender's wall clock.
enum class Reports {
  None,
  Honest,
  Sfu,     // made on the way, from arrivals: wall clock of the relay, RTP time of the newest packet
  Relay,   // the same, with RTP time carried on from when that packet came
  Ahead,   // the video's wall clock is 300 ms ahead of the truth, always
  Behind,  // or behind
  Garbage,   // one in seven
  NtpStep,   // the sender's clock leaps by 1.5 s mid-way
  Late,      // 0.3 to 2 s on their way
  Lost,      // every other one, at random
  Vanishing  // none after 60 s
};

constexpr bool is_by_relay(Reports kind) {
  return kind == Reports::Sfu || kind == Reports::Relay;
}

// Nothing is sent in [from, to).
struct Silence {
  Medium medium;
  double from;
  double to;
  bool clock_stands = false;  // RTP time goes on afterwards as if no time had passed
};
// Discontinuous transmission: a packet each 400 ms in [from, to).
struct Sparse {
  Medium medium;
  double from;
  double to;
};
struct Restart {
  Medium medium;
  double at;
  bool new_ssrc;  // or the same one with a new random RTP time and sequence number
};
// The video comes later by so much from `at` on (another camera, another encoder).
struct Switch {
  double at;
  double by;
  bool is_stamped;  // RTP time is later by as much as well: stamped behind the camera
};
// Nothing gets through in [from, to): lost, or held back and delivered in a burst.
struct Outage {
  double from;
  double to;
  bool is_held;
};

// What an aligner's skew is compared with: the truth, which reports tell; or what arrivals can see,
// which is off by the constant that the sender's video path is longer by; or either.
enum class Reference { Truth, Arrivals, Either };

struct Scenario {
  std::string name;
  double length = 120;
  Weather weather = Weather::Clean;
  bool is_separate = false;  // two paths of this kind
  Reports reports = Reports::None;
  Reference reference = Reference::Arrivals;

  double audio_interval = 0.020;
  double frame_rate = 30;
  double capture_jitter = 0.001;  // deviation, seconds
  double bit_rate = 1.5e6;
  bool is_framed = false;  // units are whole frames, complete with their last packet
  // Of the sample clocks against ours, parts per million; drawn from +-60 where not given.
  std::optional<double> audio_ppm;
  std::optional<double> video_ppm;

  std::vector<Silence> silences;
  std::vector<Sparse> sparse;
  std::vector<Restart> restarts;
  std::vector<Switch> switches;
  std::vector<Outage> outages;
  // From when it is measured how long recovery takes.
  std::optional<double> recovery_from;
};

// What the sender is in one run; drawn from the seed.
struct Sender {
  std::array<double, 2> rate;  // RTP ticks a true second
  double lag;                  // how much later video leaves than the sound of the same instant
  double ntp_at_start;
  double ntp_ppm;
};
Sender draw_sender(const Scenario& scenario, std::uint64_t seed);
// Another weather for each scenario, the same with and without reports.
std::uint64_t mix(const Scenario& scenario, std::uint64_t seed);

constexpr std::uint32_t clock_rate(Medium medium) {
  return medium == Medium::Audio ? 48000 : 90000;
}

// Networks and kinds of reports; what can go wrong (each aligner case); three days.
std::vector<Scenario> weather_scenarios();
std::vector<Scenario> report_scenarios();
std::vector<Scenario> case_scenarios();
Scenario three_days();
// Anything may happen in the first 80 of 120 seconds.
Scenario chaos(std::uint64_t number);
std::vector<Scenario> all_scenarios();  // without the three days
Scenario find_scenario(const std::string& name);

}  // namespace onair::sim::sync
