// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/metrics.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

#include <prometheus/text_serializer.h>

namespace live {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

constexpr std::string_view kChannels = "/v1/channels/";
constexpr double kMsPerSecond = 1000;

constexpr ChannelState kStates[] = {ChannelState::Creating,     ChannelState::Idle,
                                    ChannelState::Starting,     ChannelState::Running,
                                    ChannelState::Reconnecting, ChannelState::Stopping,
                                    ChannelState::Ended};

const char* to_string(Route route) {
  switch (route) {
    case Route::Api:
      return "api";
    case Route::Whip:
      return "whip";
    case Route::Events:
      return "events";
    case Route::Metrics:
      return "metrics";
    case Route::Health:
      return "health";
    case Route::Page:
      return "page";
    case Route::Other:
      break;
  }
  return "other";
}

constexpr const char* kReasons[] = {"offer", "token",       "channel", "busy",
                                    "limit", "unavailable", "other"};

// Why a publisher was not taken.
const char* reason_of(unsigned status) {
  switch (status) {
    case 400:
    case 406:
    case 413:
    case 415:
    case 422:
      return "offer";
    case 401:
      return "token";
    case 404:
      return "channel";
    case 409:
      return "busy";
    case 429:
      return "limit";
    case 503:
      return "unavailable";
    default:
      return "other";
  }
}

// What lies behind a channel's id, if it is a path of one.
std::optional<std::string_view> rest_of(std::string_view path) {
  if (!path.starts_with(kChannels))
    return std::nullopt;
  const auto slash = path.find('/', kChannels.size());
  return slash == std::string_view::npos ? std::string_view{} : path.substr(slash);
}

MetricFamily family(MetricType type, const char* name, const char* help) {
  return {.name = name, .help = help, .type = type, .metric = {}};
}

void add(MetricFamily& family, double value, Labels labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  family.metric.push_back(std::move(metric));
}

// One number of a channel's statistics (see status_json.hpp).
struct Figure {
  const char* section;  // an object, or one for each kind of stream, or a list of renditions
  const char* field;
  double per_unit;  // as the unit is that of the name
  MetricType type;
  const char* name;
  const char* help;
};

constexpr auto kGauge = MetricType::Gauge;
constexpr auto kCounter = MetricType::Counter;
constexpr Figure kFigures[] = {
    {"streams", "buffer_ms", kMsPerSecond, kGauge, "onair_channel_buffer_target_seconds",
     "How long the jitter buffer waits for a missing packet."},
    {"streams", "lost", 1, kCounter, "onair_channel_packets_lost_total",
     "Packets of the publisher that never came."},
    {"streams", "repaired", 1, kCounter, "onair_channel_packets_repaired_total",
     "Packets that came when they had been asked for again."},
    {"streams", "late", 1, kCounter, "onair_channel_packets_late_total",
     "Packets that came when later ones had gone out."},
    {"streams", "decoded_ms", kMsPerSecond, kGauge, "onair_channel_decoded_latency_seconds",
     "From a packet's arrival until what is in it is decoded, on average of late."},
    {"streams", "encoded_ms", kMsPerSecond, kGauge, "onair_channel_encoded_latency_seconds",
     "From a packet's arrival until what is in it is encoded again, on average of late."},
    {"alignment", "lag_ms", kMsPerSecond, kGauge, "onair_channel_av_offset_seconds",
     "By how much the picture came later than its sound, which has been made good."},
    {"alignment", "confidence_ms", kMsPerSecond, kGauge, "onair_channel_av_confidence_seconds",
     "One standard deviation of how well that is known."},
    {"segments", "seconds", 1, kGauge, "onair_channel_segment_duration_seconds",
     "How long the newest segment is."},
    {"segments", "bytes", 1, kCounter, "onair_channel_written_bytes_total",
     "Bytes of all segments of the broadcast."},
    {"segments", "begun", 1, kCounter, "onair_channel_segments_total",
     "Segments begun by the broadcast."},
    {"segments", "missed", 1, kCounter, "onair_channel_segments_missed_total",
     "Places where a segment should have begun, and none did."},
    {"segments", "error_ms", kMsPerSecond, kGauge, "onair_channel_segment_error_seconds",
     "By how much the newest segment begins behind its place."},
    {"segments", "worst_error_ms", kMsPerSecond, kGauge,
     "onair_channel_segment_worst_error_seconds",
     "The most, either way, by which a segment of the broadcast began beside its place."},
    {"latency", "parts", 1, kCounter, "onair_channel_parts_total", "Parts made by the broadcast."},
    {"latency", "delay_ms", kMsPerSecond, kGauge, "onair_channel_part_delay_seconds",
     "Latency of publishing: from the last frame of the newest part to the playlist that lists "
     "it."},
    {"latency", "worst_delay_ms", kMsPerSecond, kGauge, "onair_channel_part_worst_delay_seconds",
     "The most of that in the broadcast."},
    {"renditions", "fps", 1, kGauge, "onair_channel_rendition_frames_per_second",
     "The most frames a second that the rendition has now."},
    {"renditions", "dropped", 1, kCounter, "onair_channel_rendition_frames_dropped_total",
     "Frames of the rendition that were dropped as its encoder was behind."},
};

void read(MetricFamily& to, const Figure& figure, const Json& from, Labels labels) {
  const auto found = from.is_object() ? from.find(figure.field) : from.end();
  if (found != from.end() && found->is_number())
    add(to, found->get<double>() / figure.per_unit, std::move(labels));
}

// Who publishes to a channel, and what its worker has said.
struct Broadcaster {
  Labels labels;
  ChannelState state;
  const Json& stats;
};

std::vector<Broadcaster> broadcasters_of(const std::vector<ChannelInfo>& channels) {
  std::vector<Broadcaster> list;
  for (const auto& channel : channels) {
    if (!channel.request.is_multi)
      list.push_back({{{"channel", channel.id}}, channel.state, channel.stats});
    else
      for (const auto& playlist : channel.playlists)
        list.push_back({{{"channel", channel.id}, {"connection", playlist.connection_id}},
                        playlist.state,
                        playlist.stats});
  }
  return list;
}

Labels with(Labels labels, const char* name, std::string value) {
  labels.push_back({name, std::move(value)});
  return labels;
}

// What a worker has said is taken as it comes: what is not there has no series.
MetricFamily figures(const Figure& figure, const std::vector<Broadcaster>& broadcasters) {
  auto made = family(figure.type, figure.name, figure.help);
  for (const auto& [labels, state, stats] : broadcasters) {
    const auto section = stats.is_object() ? stats.find(figure.section) : stats.end();
    if (section == stats.end())
      continue;
    if (section->is_array()) {
      for (std::size_t i = 0; i < section->size(); ++i)
        if (const auto& rendition = (*section)[i];
            rendition.is_object() && rendition.contains("video"))
          read(made, figure, rendition["video"], with(labels, "rendition", std::to_string(i)));
    } else if (section->is_object() && std::string_view{figure.section} == "streams") {
      for (const auto& [kind, stream] : section->items())
        read(made, figure, stream, with(labels, "kind", kind));
    } else {
      read(made, figure, *section, labels);
    }
  }
  return made;
}

void add(std::vector<MetricFamily>& families, MetricType type, const char* name, const char* help,
         double value) {
  add(families.emplace_back(family(type, name, help)), value);
}
void add(std::vector<MetricFamily>& families, MetricType type, const char* name, const char* help,
         std::uint64_t value) {
  add(families, type, name, help, static_cast<double>(value));
}

void add_process(std::vector<MetricFamily>& families, const Metrics::Process& process) {
  add(families, kGauge, "process_open_fds", "Open file descriptors.", process.open_files);
  add(families, kGauge, "process_max_fds", "The most file descriptors that may be open.",
      process.most_files);
  add(families, kGauge, "process_resident_memory_bytes", "Memory of the server that is in use.",
      process.resident_bytes);
  add(families, kCounter, "process_cpu_seconds_total", "Processor time of the server.",
      process.cpu_seconds);
  add(families, kGauge, "process_start_time_seconds",
      "When the server started, in seconds since 1970.", process.start_seconds);
}

void add_origin(std::vector<MetricFamily>& families, const Metrics::Origin& origin) {
  add(families, kGauge, "onair_hls_connections", "Connections of viewers and caches now.",
      origin.connections);
  add(families, kGauge, "onair_hls_requests_waiting",
      "Requests for playlists and parts that are not there yet.", origin.waiting);
  add(families, kCounter, "onair_hls_requests_total",
      "Requests for playlists, segments and parts that were answered.", origin.requests);
  add(families, kCounter, "onair_hls_sent_bytes_total", "Bytes of all answers' bodies.",
      origin.bytes);
  add(families, kCounter, "onair_hls_not_modified_total",
      "Answers that what the asker has is as it was.", origin.not_modified);
  auto errors = family(kCounter, "onair_hls_errors_total", "Answers with a status of 4xx or 5xx.");
  add(errors, static_cast<double>(origin.client_errors), {{"kind", "client"}});
  add(errors, static_cast<double>(origin.server_errors), {{"kind", "server"}});
  families.push_back(std::move(errors));
}

}  // namespace

bool is_publishing(std::string_view method, std::string_view path) {
  return method == "POST" && rest_of(path) == "/whip";
}

Route route_of(std::string_view method, std::string_view path) {
  if (path == "/v1/events")
    return Route::Events;
  if (const auto rest = rest_of(path))
    return *rest == "/events"                                ? Route::Events
           : *rest == "/whip" || rest->starts_with("/whip/") ? Route::Whip
                                                             : Route::Api;
  if (path.starts_with("/v1/") || (path == "/" && method == "POST"))
    return Route::Api;
  if (path == "/metrics")
    return Route::Metrics;
  if (path == "/healthz" || path == "/readyz")
    return Route::Health;
  if (path == "/" || path.starts_with("/channels/") || path.starts_with("/assets/"))
    return Route::Page;
  return Route::Other;
}

Metrics::Metrics()
    : requests_{prometheus::BuildCounter()
                    .Name("onair_http_requests_total")
                    .Help("Requests that were answered, by what they were for and the status code.")
                    .Register(registry_)},
      refusals_{prometheus::BuildCounter()
                    .Name("onair_publishers_refused_total")
                    .Help("Publishers who were not taken, by the reason.")
                    .Register(registry_)} {
  constexpr std::pair<const char*, const char*> kEvents[] = {
      {"onair_worker_starts_total", "Processes of channels that were started."},
      {"onair_worker_crashes_total", "Processes of channels that ended by a signal or an error."},
      {"onair_webhook_deliveries_total", "Events of webhooks that were taken."},
      {"onair_webhook_failures_total", "Attempts to send an event of a webhook that failed."},
      {"onair_webhook_lost_total", "Events of webhooks that were given up."}};
  static_assert(std::size(kEvents) == std::tuple_size_v<decltype(events_)>);
  for (std::size_t i = 0; i < events_.size(); ++i)
    events_[i] = &prometheus::BuildCounter()
                      .Name(kEvents[i].first)
                      .Help(kEvents[i].second)
                      .Register(registry_)
                      .Add({});
  // A series that begins at 1 has no rate.
  for (const auto* reason : kReasons)
    refusals_.Add({{"reason", reason}});
}

void Metrics::on_request(std::string_view method, std::string_view path, unsigned status) {
  requests_.Add({{"route", to_string(route_of(method, path))}, {"code", std::to_string(status)}})
      .Increment();
  if (status >= 400 && is_publishing(method, path))
    refusals_.Add({{"reason", reason_of(status)}}).Increment();
}

std::string Metrics::text(const Now& now) const {
  auto families = registry_.Collect();
  auto states = family(kGauge, "onair_channels", "Channels, by their state.");
  for (const auto state : kStates)
    add(states,
        static_cast<double>(std::count_if(now.channels.begin(), now.channels.end(),
                                          [state](const auto& one) { return one.state == state; })),
        {{"state", live::to_string(state)}});
  families.push_back(std::move(states));
  const auto broadcasters = broadcasters_of(now.channels);
  const auto on_air = std::count_if(broadcasters.begin(), broadcasters.end(), [](const auto& one) {
    return one.state == ChannelState::Running;
  });
  add(families, kGauge, "onair_publishers", "Publishers who are on the air now.",
      static_cast<double>(on_air));
  add(families, kGauge, "onair_workers", "Processes of channels that there are now.",
      static_cast<double>(now.workers));
  add(families, kGauge, "onair_webhooks_waiting", "Events that have not been taken yet.",
      static_cast<double>(now.webhooks_waiting));
  add_origin(families, now.origin);
  for (const auto& figure : kFigures)
    if (auto made = figures(figure, broadcasters); !made.metric.empty())
      families.push_back(std::move(made));
  add_process(families, now.process);
  std::erase_if(families, [](const MetricFamily& one) { return one.metric.empty(); });
  return prometheus::TextSerializer{}.Serialize(families);
}

}  // namespace live
