// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "path.hpp"
#include "random.hpp"

// Kinds of networks, built from the pieces of path.hpp. Times are seconds.
namespace onair::sim {

// Trouble comes in clusters: a busy channel, a stretch of poor coverage. Events follow one another
// after `calm_gap` on average in calm phases and after `rough_gap` in rough ones.
struct Trouble {
  double calm;  // mean length of a phase
  double calm_gap;
  double rough;
  double rough_gap;
};

struct CellularLink {
  double mean;      // packets of 1500 bytes per second
  double wander;    // packets/s per root second
  double pull;      // back to the mean, per second
  double escape;    // from an outage, per second
  Trouble outages;  // that come without a fade: bridges, hand-overs
};

Path wifi(Random& random, const Trouble& spikes, double least_spike, double shape);

Path lte(Random& random, double block_errors);

Path umts(Random& random, double handover_gap, double shortest, double longest);

Path bufferbloat(Random& random, double low, double high, double rise_time, double busy_share);

Path cable(Random& random, double median, double sigma);

Path geo(Random& random, const Trouble& regrants);

Path leo(Random& random, double length, double longest);

Path cellular(Random& random, const CellularLink& parameters);

Path wired(Random& random, double jitter);

Path routes(Random& random, double length, double mean_gap, double span, double jitter);

Path lossy(Random& random, double share, double mean_burst, double jitter);

Path reordering(Random& random, double share, double shortest, double longest);

Path day(Random& random, double length);

Path busy_sender(Random& random);

Path millimetre_wave(Random& random);

}  // namespace onair::sim
