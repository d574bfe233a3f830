// SPDX-License-Identifier: LGPL-2.1-or-later
// whip-publishers URL TOKEN [URL TOKEN]...: publishes a test picture and tone to each, one process for all, says
// "connected N" of the N-th (counted from 0) or "refused N: STATUS BODY", then "all connected" or
// "not all connected". Where a server is busy (503) it asks again, as a browser's page would. Ends the sessions
// when its standard input ends.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "whip_publisher.hpp"

namespace {
constexpr int kTries = 5;
}

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc < 3 || argc % 2 == 0) {
    std::fprintf(stderr, "usage: %s URL TOKEN [URL TOKEN]...\n", argv[0]);
    return 2;
  }
  std::vector<std::unique_ptr<onair::test::WhipPublisher>> publishers;
  bool are_all_connected = true;
  for (int i = 1; i < argc; i += 2) {
    std::unique_ptr<onair::test::WhipPublisher> publisher;
    unsigned status = 503;
    std::string why;
    for (int tries = 0; status == 503 && tries < kTries; ++tries) {
      publisher = std::make_unique<onair::test::WhipPublisher>(
          onair::test::WhipPublisher::Config{.url = argv[i], .token = argv[i + 1]});
      const auto& response = publisher->publish();
      status = response.status;
      why = response.body;
    }
    if (status == 201)
      why = "no connection came about";
    const bool is_connected = status == 201 && publisher->wait_until_connected();
    if (is_connected)
      std::printf("connected %d\n", i / 2);
    else
      std::printf("refused %d: %u %s\n", i / 2, status, why.c_str());
    std::fflush(stdout);
    are_all_connected = are_all_connected && is_connected;
    publishers.push_back(std::move(publisher));
  }
  std::puts(are_all_connected ? "all connected" : "not all connected");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  for (const auto& publisher : publishers)
    publisher->remove();
  return are_all_connected ? 0 : 1;
}
