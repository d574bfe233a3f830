// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

namespace onair::test {

// cudaconvertscale and cudadownload, for pictures that only their caps say are in a GPU's memory. What they take and give is
// what those of GStreamer 1.22 to 1.28 do.
void register_fake_gpu();

struct FetchedSize {
  int width;
  int height;
  friend bool operator==(const FetchedSize&, const FetchedSize&) = default;
};
// Of pictures that cudadownload has been given, one for each caps; empty again from now on.
std::vector<FetchedSize> take_fetched_sizes();

}  // namespace onair::test
