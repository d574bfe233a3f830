// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/registry.h>

#include "api/channels.hpp"

namespace live {

// What a request was for, as far as figures tell them apart: few, whatever is asked for.
enum class Route { Api, Whip, Events, Metrics, Health, Page, Other };
Route route_of(std::string_view method, std::string_view path);
// Whether it is somebody who wants to publish.
bool is_publishing(std::string_view method, std::string_view path);

// What Prometheus is told: events are counted as they happen, the rest is read when somebody asks. Main thread.
class Metrics {
 public:
  enum class Event {
    WorkerStarted,
    WorkerCrashed,
    WebhookDelivered,
    WebhookFailed,  // once; it is sent again
    WebhookLost,    // for good
  };
  // Of a process, as Prometheus' client libraries name it.
  struct Process {
    std::uint64_t open_files = 0;
    std::uint64_t most_files = 0;
    std::uint64_t resident_bytes = 0;
    double cpu_seconds = 0;
    double start_seconds = 0;  // since 1970
  };
  // What viewers, and caches in front of them, have asked the origin for since the server started.
  struct Origin {
    std::uint64_t connections = 0;  // now
    std::uint64_t waiting = 0;      // now, for what is not there yet
    std::uint64_t requests = 0;
    std::uint64_t bytes = 0;  // of bodies
    std::uint64_t not_modified = 0;
    std::uint64_t client_errors = 0;
    std::uint64_t server_errors = 0;
  };
  struct Now {
    std::vector<ChannelInfo> channels;
    std::size_t workers = 0;
    std::size_t webhooks_waiting = 0;
    Process process;
    Origin origin;
  };
  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

  Metrics();
  void on(Event event) { events_[static_cast<std::size_t>(event)]->Increment(); }
  // It has been answered.
  void on_request(std::string_view method, std::string_view path, unsigned status);
  [[nodiscard]] std::string text(const Now& now) const;

 private:
  prometheus::Registry registry_;
  std::array<prometheus::Counter*, 5> events_{};
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Counter>& refusals_;
};

// Of this one. What /proc does not tell is 0.
Metrics::Process own_process();

}  // namespace live
