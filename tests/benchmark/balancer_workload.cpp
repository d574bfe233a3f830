// SPDX-License-Identifier: LGPL-2.1-or-later

// balancer_workload FACTORY WORKLOAD BUFFERS
//
// Sends BUFFERS buffers of sound and picture through hlsbalancer, or through two elements FACTORY
// ("none": past any), and prints what came of it. WORKLOAD: steady, or cuts (a segment each second).
// Runs with different BUFFERS differ in nothing but the way of those buffers: all of them make,
// and free, the same number. See count_balancer_instructions.sh.
#include <cstdio>
#include <cstdlib>

#include <gst/gst.h>

#include "allocation_count.hpp"
#include "balancer_rig.hpp"
#include "processor.hpp"

namespace {

using onair::benchmark::allocation_count;
using onair::benchmark::BalancerRig;

constexpr std::size_t kMostBuffers = 20'000;

int usage() {
  std::fprintf(stderr,
               "usage: balancer_workload FACTORY WORKLOAD BUFFERS\n"
               "BUFFERS: 1000 to %zu; WORKLOAD: steady cuts\n",
               kMostBuffers);
  return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4)
    return usage();
  const auto segments = onair::benchmark::find_segments(argv[2]);
  const auto buffers = static_cast<std::size_t>(std::strtoul(argv[3], nullptr, 10));
  if (!segments || buffers < 1000 || buffers > kMostBuffers)
    return usage();

  onair::benchmark::stay_on_one_processor();
  gst_init(nullptr, nullptr);
  BalancerRig rig{argv[1], *segments, kMostBuffers};
  // Queues find their size in the first half.
  rig.push(buffers / 2);
  const auto before = allocation_count();
  rig.push(buffers - buffers / 2);
  const auto allocations = allocation_count() - before;
  std::printf("%zu buffers came out, %zu cuts; %.3f allocations per buffer\n", rig.buffers_out(),
              rig.cuts(),
              static_cast<double>(allocations) / static_cast<double>(buffers - buffers / 2));
  return EXIT_SUCCESS;
}
