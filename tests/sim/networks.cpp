// SPDX-License-Identifier: LGPL-2.1-or-later
#include "networks.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace onair::sim {

namespace {

using Draw = std::function<double()>;

Draw uniform(Random random, double low, double high) {
  return [random, low, high]() mutable { return random.uniform(low, high); };
}

Draw exponential(Random random, double mean) {
  return [random, mean]() mutable { return random.exponential(mean); };
}

Draw log_normal(Random random, double median, double sigma) {
  return [random, median, sigma]() mutable { return random.log_normal(median, sigma); };
}

Draw pareto(Random random, double least, double shape, double most) {
  return [random, least, shape, most]() mutable {
    return std::min(most, random.pareto(least, shape));
  };
}

// When trouble comes.
class Clusters {
 public:
  Clusters(Random random, const Trouble& parameters) : random_{random}, parameters_{parameters} {}

  // The time to the next event.
  double operator()() {
    for (auto passed = 0.0;;) {
      const auto gap =
          random_.exponential(is_rough_ ? parameters_.rough_gap : parameters_.calm_gap);
      if (gap < left_) {
        left_ -= gap;
        return passed + gap;
      }
      passed += left_;
      is_rough_ = !is_rough_;
      left_ = random_.exponential(is_rough_ ? parameters_.rough : parameters_.calm);
    }
  }

 private:
  Random random_;
  Trouble parameters_;
  bool is_rough_ = true;
  double left_ = 0;
};

// Events of a cluster on the time line of packets: true where one has come since the last question.
class Events {
 public:
  explicit Events(Clusters clusters) : clusters_{clusters}, next_{clusters_()} {}
  bool passed(double now) {
    if (now < next_)
      return false;
    while (now >= next_)
      next_ += clusters_();
    return true;
  }

 private:
  Clusters clusters_;
  double next_;
};

template <typename Kind, typename... Arguments>
void add(Path& path, Arguments&&... arguments) {
  path.push_back(std::make_unique<Kind>(std::forward<Arguments>(arguments)...));
}

void add_delay(Path& path, double delay) {
  add<Steps>(path, std::vector<Steps::Step>{{0, delay}});
}

void add_jitter(Path& path, Draw draw) {
  add<OrderedJitter>(path, [draw = std::move(draw)](double) { return draw(); });
}

}  // namespace

// Air time is contended for (exponential), a frame that fails is sent again at lower rates, and now
// and then a station or a microwave oven keeps the channel for 20-150 ms; frames then leave
// aggregated. Spikes as in Pei et al., "WiFi can be the weakest link of round trip network latency
// in the wild", INFOCOM 2016: more than 20 ms for 10 % of the samples, 250 ms for 1 % in bad places.
Path wifi(Random& random, const Trouble& spikes, double least_spike, double shape) {
  Path path;
  add_delay(path, 0.008);
  add_jitter(path, exponential(random.fork(), 0.002));
  Draw gap = Clusters{random.fork(), spikes};
  auto spike = pareto(random.fork(), least_spike, shape, 0.25);
  add<Stalls>(path, std::move(gap), std::move(spike), 20e6);
  // A background scan leaves the channel for some 100 ms each minute.
  gap = uniform(random.fork(), 55, 65);
  auto scan = uniform(random.fork(), 0.06, 0.12);
  add<Stalls>(path, std::move(gap), std::move(scan), 20e6);
  return path;
}

// Uplink of LTE: a scheduling request each 10 ms, the grant 8 ms later while none is standing, 1 ms
// TTIs; a block fails at 10 % (the operating point of link adaptation) and is sent again after 8 ms
// (3GPP TS 36.321). What HARQ gives up is repeated by RLC after some 50 ms; in order delivery.
Path lte(Random& random, double block_errors) {
  Path path;
  add_delay(path, 0.012);
  add<OrderedJitter>(path, [random = random.fork(), block_errors](double) mutable {
    auto delay = random.chance(0.3) ? 0.004 : random.uniform(0.004, 0.014);
    auto attempts = 0;
    while (random.chance(attempts == 0 ? block_errors : 0.3 * block_errors + 0.05)) {
      delay += 0.008;
      if (++attempts == 5)
        return delay + 0.050;
    }
    return delay;
  });
  add<Slots>(path, 0.001, 0.0003);
  return path;
}

// UMTS: 10 ms TTI, RLC repeats a lost block some 80 ms later, and a hard hand-over stops everything
// for 300-800 ms; the queue then arrives in a burst.
Path umts(Random& random, double handover_gap, double shortest, double longest) {
  Path path;
  add_delay(path, 0.060);
  Events errors{Clusters{random.fork(), {60, 30, 15, 1}}};
  add<OrderedJitter>(path, [random = random.fork(), errors](double now) mutable {
    const auto delay = random.uniform(0, 0.012);
    return errors.passed(now) ? delay + random.uniform(0.06, 0.10) : delay;
  });
  auto gap = exponential(random.fork(), handover_gap);
  auto handover = uniform(random.fork(), shortest, longest);
  add<Stalls>(path, std::move(gap), std::move(handover), 4e6);
  add<Slots>(path, 0.010, 0.003);
  return path;
}

namespace {

// A TCP transfer in the same queue (Gettys and Nichols, "Bufferbloat", 2011): it fills the queue,
// loses, halves, fills it again. Transfers come and go; each starts with a slow start's overshoot.
class Sawtooth {
 public:
  Sawtooth(Random random, double low, double high, double rise_time, double busy_share)
      : random_{random}, low_{low}, high_{high}, rise_time_{rise_time}, busy_share_{busy_share} {}

  double operator()() {
    constexpr double step = 0.010;
    left_ -= step;
    if (left_ <= 0) {
      busy_ = !busy_;
      left_ = random_.exponential(busy_ ? 60 * busy_share_ : 60 * (1 - busy_share_));
      peak_ = high_ * random_.uniform(0.85, 1.15);
      slope_ = high_ / 1.0;  // slow start: the queue is full within about a second
    }
    if (busy_) {
      level_ += slope_ * step;
      if (level_ >= peak_) {
        level_ = std::max(low_, level_ * random_.uniform(0.3, 0.5));
        peak_ = high_ * random_.uniform(0.85, 1.15);
        slope_ = (high_ - low_) / (rise_time_ * random_.uniform(0.7, 1.3));
      }
    } else {
      level_ = std::max(0.0, level_ - step);  // drains in real time
    }
    noise_ += -0.2 * noise_ + 0.0015 * random_.normal();
    return std::max(0.0, level_ + (level_ > 0 ? noise_ + random_.exponential(0.002) : 0));
  }

 private:
  Random random_;
  double low_;
  double high_;
  double rise_time_;
  double busy_share_;
  bool busy_ = false;
  double left_ = 5;
  double level_ = 0;
  double peak_ = 0;
  double slope_ = 0;
  double noise_ = 0;
};

}  // namespace

Path bufferbloat(Random& random, double low, double high, double rise_time, double busy_share) {
  Path path;
  add_delay(path, 0.020);
  add_jitter(path, exponential(random.fork(), 0.0008));
  add<SharedQueue>(path, Sawtooth{random.fork(), low, high, rise_time, busy_share});
  return path;
}

// DOCSIS in the evening: request and grant cost 2-8 ms, and the neighbours' traffic makes a queue
// whose length wanders (log-normal) with bursts.
Path cable(Random& random, double median, double sigma) {
  Path path;
  add_delay(path, 0.010);
  add_jitter(path, uniform(random.fork(), 0.0, 0.006));
  add<SharedQueue>(path,
                   [random = random.fork(), median, sigma, level = 0.0, burst = 0.0]() mutable {
                     level += -0.01 * level + sigma * 0.1414 * random.normal();
                     if (random.chance(0.002))
                       burst += random.exponential(0.020);
                     burst *= 0.9;
                     return std::min(0.3, median * std::exp(level)) + burst;
                   });
  return path;
}

// Geostationary: 270 ms of light, TDMA frames of 26.5 ms (DVB-RCS) in which capacity is granted (DAMA), and a
// request over the satellite when the grant ran out.
Path geo(Random& random, const Trouble& regrants) {
  Path path;
  add_delay(path, 0.270);
  Events requests{Clusters{random.fork(), regrants}};
  add<OrderedJitter>(path, [random = random.fork(), requests](double now) mutable {
    auto delay = random.uniform(0, 0.010);
    delay += random.exponential(0.003);
    return requests.passed(now) ? delay + random.uniform(0.04, 0.20) : delay;
  });
  add<Slots>(path, 0.0265, 0.004);
  return path;
}

// Starlink moves each terminal to another satellite on a 15 s grid; delay levels change there, and
// the hand-over costs 40-150 ms and some packets (Mohan et al., "A Multifaceted Look at Starlink
// Performance", WWW 2024; Tanveer et al., "Making Sense of Constellations", CoNEXT 2023).
Path leo(Random& random, double length, double longest) {
  std::vector<Steps::Step> steps;
  const auto phase = random.uniform(0, 15);
  for (auto at = phase - 15; at < length; at += 15)
    steps.push_back({at, random.uniform(0.018, 0.038)});
  Path path;
  // The stall starts on the grid whatever the length of the last one.
  const auto previous = std::make_shared<double>(15 - phase);
  auto lengths = random.fork();
  add<Stalls>(
      path, [previous] { return 15 - *previous; },
      [previous, lengths, longest]() mutable {
        *previous = lengths.uniform(0.040, longest);
        return *previous;
      },
      50e6);
  add<Steps>(path, std::move(steps));
  add<OrderedJitter>(path, [random = random.fork()](double) mutable {
    const auto delay = random.exponential(0.003);
    return random.chance(0.003) ? delay + random.uniform(0.01, 0.04) : delay;
  });
  return path;
}

namespace {

// What Saturator recorded on commercial cellular links (Winstein, Sivaraman, Balakrishnan, "Sprout",
// NSDI 2013; the traces of Mahimahi): a rate that wanders as Brownian motion (200 packets/s per root
// second there), delivery opportunities of 1500 bytes that come as a Poisson process given the rate,
// outages that are sticky, and a queue that nobody bounds at less than seconds.
class CellularRate {
 public:
  CellularRate(Random random, const CellularLink& parameters)
      : random_{random},
        parameters_{parameters},
        outages_{Clusters{Random{random_.next()}, parameters.outages}},
        rate_{parameters.mean} {}

  double operator()() {
    constexpr double step = 0.010;
    now_ += step;
    if (outages_.passed(now_))
      is_out_ = true;
    if (is_out_) {
      if (!random_.chance(step * parameters_.escape))
        return 0;
      is_out_ = false;
      rate_ = std::max(rate_, 0.3 * parameters_.mean);
    }
    rate_ += parameters_.pull * (parameters_.mean - rate_) * step +
             parameters_.wander * std::sqrt(step) * random_.normal();
    if (rate_ <= 0) {
      rate_ = 0;
      is_out_ = true;
      return 0;
    }
    return opportunities(rate_ * step) * 1500 * 8 / step;
  }

 private:
  double opportunities(double mean) {
    const auto limit = std::exp(-mean);
    auto count = 0;
    for (auto product = random_.uniform(); product > limit; product *= random_.uniform())
      ++count;
    return count;
  }

  Random random_;
  CellularLink parameters_;
  Events outages_;
  double now_ = 0;
  double rate_;
  bool is_out_ = false;
};

}  // namespace

Path cellular(Random& random, const CellularLink& parameters) {
  Path path;
  add_delay(path, 0.025);
  add<VariableLink>(path, CellularRate{random.fork(), parameters}, 0.6);
  return path;
}

Path wired(Random& random, double jitter) {
  Path path;
  add_delay(path, 0.015);
  add_jitter(path, log_normal(random.fork(), jitter, 0.6));
  return path;
}

Path routes(Random& random, double length, double mean_gap, double span, double jitter) {
  std::vector<Steps::Step> steps;
  for (double at = 0; at < length; at += random.uniform(0.3, 1.7) * mean_gap)
    steps.push_back({at, 0.020 + random.uniform(0, span)});
  Path path;
  add<Steps>(path, std::move(steps));
  add_jitter(path, exponential(random.fork(), jitter));
  return path;
}

Path lossy(Random& random, double share, double mean_burst, double jitter) {
  auto path = wired(random, jitter);
  add<Loss>(path, share, mean_burst, random.fork());
  return path;
}

// Two or more parallel ways through the network: a share of the packets takes a longer one.
Path reordering(Random& random, double share, double shortest, double longest) {
  auto path = wired(random, 0.002);
  add<FreeJitter>(path, [random = random.fork(), share, shortest, longest]() mutable {
    return random.chance(share) ? random.uniform(shortest, longest) : 0;
  });
  return path;
}

Path day(Random& random, double length) {
  std::vector<Sequence::Part> parts;
  auto index = 0;
  for (double at = 0; at < length; at += random.uniform(0.5, 1.5) * length / 10) {
    Path path;
    switch (index++ % 6) {
      case 0:
        path = cable(random, 0.004, 0.5);
        break;
      case 1:
        path = wifi(random, {20, 15, 20, 2}, 0.02, 1.6);
        break;
      case 2:
        path = lte(random, 0.1);
        break;
      case 3:
        path = bufferbloat(random, 0.05, 0.25, 8, 0.6);
        break;
      case 4:
        path = umts(random, 20, 0.2, 0.6);
        break;
      default:
        path = wired(random, 0.003);
        break;
    }
    parts.push_back({at, std::move(path)});
  }
  Path path;
  add<Sequence>(path, std::move(parts));
  return path;
}

// No network at all: the machine that sends is too busy at times, its threads wake late.
Path busy_sender(Random& random) {
  Path path;
  auto gap = exponential(random.fork(), 3);
  auto pause = log_normal(random.fork(), 0.015, 0.7);
  add<Stalls>(path, std::move(gap), std::move(pause), 100e6);
  gap = uniform(random.fork(), 9, 11);
  pause = uniform(random.fork(), 0.05, 0.08);
  add<Stalls>(path, std::move(gap), std::move(pause), 100e6);
  add_delay(path, 0.015);
  add_jitter(path, exponential(random.fork(), 0.001));
  return path;
}

// 28 GHz behind a passing body or bus: rate falls to a tenth for 100-500 ms (Narayanan et al., "A
// First Look at Commercial 5G Performance on Smartphones", WWW 2020).
Path millimetre_wave(Random& random) {
  Path path;
  add_delay(path, 0.010);
  add_jitter(path, exponential(random.fork(), 0.0015));
  add<VariableLink>(
      path,
      [random = random.fork(), left = 5.0, is_blocked = false]() mutable {
        left -= 0.010;
        if (left <= 0) {
          is_blocked = !is_blocked;
          left = is_blocked ? random.uniform(0.1, 0.5) : random.exponential(12);
        }
        return is_blocked ? random.exponential(20e3) : 60e6;
      },
      0.6);
  return path;
}

}  // namespace onair::sim
