// SPDX-License-Identifier: LGPL-2.1-or-later
#include "weather.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>

#include "networks.hpp"
#include "path.hpp"
#include "random.hpp"

namespace onair::sim {

namespace {

// Lost packets are asked for and answered.
struct Repair {
  double round_trip;
  double loss;  // share of requests and of answers that are lost
};

struct Network {
  Path path;
  double skew = 0;  // sender's clock against ours; positive runs fast
  std::optional<Repair> repair;
};

using Builder = std::function<Network(Random& random, double length)>;

struct Recipe {
  Kind kind;
  Builder build;
  bool is_paced = true;
};

Builder only(Path (*make)(Random&)) {
  return [make](Random& random, double) { return Network{make(random), 0, {}}; };
}

template <typename Make>
Builder network(Make make, double skew = 0, std::optional<Repair> repair = std::nullopt) {
  return [make, skew, repair](Random& random, double length) {
    return Network{make(random, length), skew, repair};
  };
}

constexpr auto kAudio = Medium::Audio;
constexpr auto kVideo = Medium::Video;

const std::vector<Recipe>& known() {
  static const std::vector<Recipe> recipes = [] {
    const auto wifi_net = network([](Random& r, double) {
      return wifi(r, {40, 15, 20, 1.5}, 0.02, 1.5);
    });
    const auto lte_net = network([](Random& r, double) { return lte(r, 0.1); });
    const auto umts_net = network([](Random& r, double) { return umts(r, 40, 0.3, 0.8); });
    const auto bloat_net =
        network([](Random& r, double) { return bufferbloat(r, 0.1, 0.4, 12, 0.6); });
    const auto geo_net = network([](Random& r, double) { return geo(r, {60, 60, 20, 2}); });
    const auto leo_net = network([](Random& r, double length) { return leo(r, length, 0.15); });
    const auto cable_net = network([](Random& r, double) { return cable(r, 0.008, 0.7); });
    const auto fast_clock = network([](Random& r, double) { return wired(r, 0.0015); }, 200e-6);
    const auto slow_clock = network([](Random& r, double) { return wired(r, 0.0015); }, -200e-6);
    const auto route_net =
        network([](Random& r, double length) { return routes(r, length, 45, 0.080, 0.002); });
    const auto loss_1 =
        network([](Random& r, double) { return lossy(r, 0.01, 1, 0.002); }, 0, Repair{0.060, 0.01});
    const auto loss_3 =
        network([](Random& r, double) { return lossy(r, 0.03, 3, 0.003); }, 0, Repair{0.080, 0.03});
    const auto loss_5 =
        network([](Random& r, double) { return lossy(r, 0.05, 1, 0.002); }, 0, Repair{0.050, 0.05});
    const auto loss_only = network([](Random& r, double) { return lossy(r, 0.03, 3, 0.003); });
    const auto reorder_net =
        network([](Random& r, double) { return reordering(r, 0.02, 0.010, 0.040); });
    const auto day_net = network([](Random& r, double length) { return day(r, length); }, 40e-6);
    const auto lte_drive = network([](Random& r, double) {
      return cellular(r, {900, 250, 0.4, 6, {60, 90, 15, 4}});
    });
    const auto umts_drive = network([](Random& r, double) {
      return cellular(r, {150, 60, 0.4, 5, {60, 60, 15, 4}});
    });
    return std::vector<Recipe>{
        {{"wifi", kAudio}, wifi_net},
        {{"wifi", kVideo}, wifi_net},
        {{"lte", kAudio}, lte_net},
        {{"lte", kVideo}, lte_net},
        {{"3g-handover", kAudio}, umts_net},
        {{"3g-handover", kVideo}, umts_net},
        {{"bufferbloat", kAudio}, bloat_net},
        {{"bufferbloat", kVideo}, bloat_net},
        {{"geo", kAudio}, geo_net},
        {{"leo", kAudio}, leo_net},
        {{"leo", kVideo}, leo_net},
        {{"cable", kAudio}, cable_net},
        {{"cable-burst", kVideo}, cable_net, false},
        {{"skew+200ppm", kAudio}, fast_clock},
        {{"skew-200ppm", kVideo}, slow_clock},
        {{"route-change", kAudio}, route_net},
        {{"loss-1%-rtx", kAudio}, loss_1},
        {{"loss-3%-rtx", kVideo}, loss_3},
        {{"loss-5%-rtx", kAudio}, loss_5},
        {{"loss-3%", kAudio}, loss_only},
        {{"reorder-2%", kAudio}, reorder_net},
        {{"cellular-lte", kAudio}, lte_drive},
        {{"cellular-lte", kVideo}, lte_drive},
        {{"cellular-umts", kAudio}, umts_drive},
        {{"mixed-day", kAudio}, day_net},
        {{"mixed-day-burst", kVideo}, day_net, false},
    };
  }();
  return recipes;
}

const std::vector<Recipe>& held_out() {
  static const std::vector<Recipe> recipes = [] {
    const auto cafe = network(
        [](Random& r, double) {
          return wifi(r, {30, 5, 60, 0.8}, 0.015, 1.3);
        },
        -60e-6);
    const auto train = network([](Random& r, double) {
      return cellular(r, {500, 180, 0.3, 4, {40, 60, 20, 4}});
    });
    const auto edge = network([](Random& r, double) {
      return cellular(r, {70, 25, 0.3, 6, {90, 90, 20, 5}});
    });
    const auto walk = network([](Random& r, double) {
      return cellular(r, {1500, 300, 0.6, 8, {90, 120, 15, 5}});
    });
    const auto hspa = network([](Random& r, double) { return umts(r, 15, 0.1, 0.5); });
    const auto dsl = network([](Random& r, double) { return bufferbloat(r, 0.03, 0.15, 4, 0.4); });
    const auto ship = network([](Random& r, double) { return geo(r, {30, 20, 30, 1.5}); }, 120e-6);
    const auto polar = network([](Random& r, double length) { return leo(r, length, 0.30); });
    const auto busy = only(busy_sender);
    const auto blocked = only(millimetre_wave);
    const auto flapping =
        network([](Random& r, double length) { return routes(r, length, 12, 0.040, 0.004); });
    const auto loss_2 = network(
        [](Random& r, double) {
          auto path = lte(r, 0.1);
          path.push_back(std::make_unique<Loss>(0.02, 2, r.fork()));
          return path;
        },
        0, Repair{0.110, 0.02});
    const auto parallel =
        network([](Random& r, double) { return reordering(r, 0.005, 0.005, 0.080); });
    const auto calm = network([](Random& r, double) { return wired(r, 0.0003); }, 300e-6);
    return std::vector<Recipe>{
        {{"wifi-cafe", kAudio}, cafe},         {{"wifi-cafe-burst", kVideo}, cafe, false},
        {{"cellular-train", kAudio}, train},   {{"cellular-walk", kVideo}, walk},
        {{"cellular-edge", kAudio}, edge},     {{"hspa", kAudio}, hspa},
        {{"dsl-upload", kAudio}, dsl},         {{"dsl-upload", kVideo}, dsl},
        {{"geo-ship", kAudio}, ship},          {{"leo-polar", kVideo}, polar},
        {{"busy-sender", kAudio}, busy},       {{"mm-wave", kVideo}, blocked},
        {{"route-flap", kAudio}, flapping},    {{"lte-loss-2%-rtx", kVideo}, loss_2},
        {{"parallel-ways", kVideo}, parallel}, {{"calm+300ppm", kAudio}, calm},
    };
  }();
  return recipes;
}

std::vector<Kind> kinds(const std::vector<Recipe>& recipes) {
  std::vector<Kind> names;
  for (const auto& recipe : recipes)
    names.push_back(recipe.kind);
  return names;
}

const Recipe& find(const Kind& kind) {
  for (const auto* recipes : {&known(), &held_out()})
    for (const auto& recipe : *recipes)
      if (recipe.kind.name == kind.name && recipe.kind.medium == kind.medium)
        return recipe;
  throw std::invalid_argument{"no such weather: " + std::string{kind.name}};
}

std::uint64_t mix(std::uint64_t seed, const Kind& kind) {
  auto hash = 0xcbf29ce484222325U ^ seed;  // FNV-1a
  for (const auto letter : kind.name)
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
  return hash * 2 + (kind.medium == kVideo ? 1 : 0);
}

// Follows a lost packet: asked for as soon as a later one shows the hole, and again after 1.2 round
// trips for an answer that did not come. Nothing if four requests failed.
std::optional<double> repaired(double noticed, const Repair& repair, Random& random) {
  constexpr double kReorderWait = 0.004;
  auto asked = noticed + kReorderWait;
  for (auto attempt = 0; attempt < 4; ++attempt) {
    const auto is_lost = random.chance(repair.loss) || random.chance(repair.loss);
    const auto answered = asked + repair.round_trip + random.exponential(0.05 * repair.round_trip);
    if (!is_lost)
      return answered;
    asked += 1.2 * repair.round_trip;
  }
  return std::nullopt;
}

RunningTime at(double seconds) {
  return RunningTime{Duration{std::llround(seconds * 1e9)}};
}

}  // namespace

std::span<const Kind> known_kinds() {
  static const auto names = kinds(known());
  return names;
}

std::span<const Kind> held_out_kinds() {
  static const auto names = kinds(held_out());
  return names;
}

Trace make_trace(const Kind& kind, std::uint64_t seed, Duration length) {
  const auto& recipe = find(kind);
  Random random{mix(seed, kind)};
  const auto seconds = std::chrono::duration<double>(length).count();
  auto sender = random.fork();
  const auto sendings = kind.medium == kAudio
                            ? AudioSource{}.send(seconds, sender)
                            : VideoSource{.is_paced = recipe.is_paced}.send(seconds, sender);
  auto network = recipe.build(random, seconds);
  Trace trace{std::string{kind.name}, kind.medium, {}, 0, Duration::max()};
  trace.arrivals.reserve(sendings.size());
  const auto media_start = random.uniform(0, 1e5);
  auto answers = random.fork();
  std::vector<std::size_t> missing;
  const auto arrival_of = [&](std::size_t index, double seconds_at, bool is_retransmitted) {
    const auto& sending = sendings[index];
    const auto media =
        Duration{std::llround((media_start + sending.captured * (1 + network.skew)) * 1e9)};
    return Arrival{{at(seconds_at), MediaTime{media}, static_cast<std::int64_t>(index),
                    sending.size, sending.marker, is_retransmitted},
                   at(sending.sent)};
  };
  auto shown = -1.0;  // hole of a FIFO path shows with the next packet that arrives
  for (std::size_t index = 0; index < sendings.size(); ++index) {
    const auto arrived = pass(network.path, sendings[index].sent, sendings[index].size);
    if (!arrived) {
      missing.push_back(index);
      continue;
    }
    trace.arrivals.push_back(arrival_of(index, *arrived, false));
    const auto& arrival = trace.arrivals.back();
    trace.least_path = std::min(trace.least_path, arrival.packet.arrival - arrival.sent);
    shown = *arrived;
    for (const auto lost : missing) {
      const auto again = network.repair ? repaired(shown, *network.repair, answers) : std::nullopt;
      if (again)
        trace.arrivals.push_back(arrival_of(lost, *again, true));
      else
        ++trace.lost;
    }
    missing.clear();
  }
  trace.lost += missing.size();
  std::stable_sort(trace.arrivals.begin(), trace.arrivals.end(),
                   [](const Arrival& one, const Arrival& other) {
                     return one.packet.arrival < other.packet.arrival;
                   });
  return trace;
}

}  // namespace onair::sim
