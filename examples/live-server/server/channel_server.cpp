// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/channel_server.hpp"

#include <algorithm>
#include <utility>

#include "log.hpp"
#include "random_text.hpp"
#include "server/channel_refusal.hpp"
#include "server/key_secret.hpp"
#include "server/multi_channel.hpp"

namespace live {
namespace {

constexpr unsigned kIdLength = 12;
constexpr unsigned kTokenLength = 24;

bool by_age(const ChannelInfo& a, const ChannelInfo& b) {
  return a.created != b.created ? a.created < b.created : a.id < b.id;
}

}  // namespace

ChannelServer::ChannelServer(const Settings& settings, EventStreams& events, Metrics& metrics)
    : settings_{settings},
      metrics_{metrics},
      registry_{settings.data, [this](const std::string& id) { archives_.on_removed(id); }},
      connections_{registry_,
                   {.most = settings.max_connections,
                    .playlist_url = [this](const std::string& id) { return playlist_url(id); },
                    .add = [this](ChannelRecord record) -> RunningChannel& {
                      return add(std::move(record), nullptr);
                    },
                    .on_discard =
                        [this](const RunningChannel& connection) {
                          archives_.on_deleted(connection);
                          notifier_.on_deleted(subject_of(connection));
                        },
                    .on_trimmed = [this](const RunningChannel& channel) { tell_of(channel); }}},
      notifier_{settings.webhook_secret, events, metrics},
      archives_{settings, registry_, connections_,
                [this](const ArchiveRecord& record, const ArchiveInfo& archive,
                       Archiver::Event event) { notifier_.on_archive(record, archive, event); }} {}

std::string ChannelServer::open() {
  if (auto why = registry_.open(); !why.empty())
    return why;
  auto keys = open_key_chain(settings_.data, settings_.key_secret);
  if (auto* why = std::get_if<std::string>(&keys))
    return std::move(*why);
  keys_ = std::get<KeyChain>(std::move(keys));
  auto records = registry_.read();
  for (const auto& orphan : take_orphans(records))
    log_of(orphan.id, LogLevel::Warning, "it is left alone, as its channel is gone");
  for (auto& record : records) {
    auto door = record.request.rtp ? door_of(*record.request.rtp) : nullptr;
    add(std::move(record), std::move(door));
  }
  if (auto why = archives_.open(); !why.empty())
    return why;
  registry_.resume([this] { connections_.stop_those_of_ended_channels(); });
  return {};
}

std::unique_ptr<RtpDoor> ChannelServer::door_of(const RtpRequest& request) const {
  return std::make_unique<RtpDoor>(RtpDoor::Config{.request = request,
                                                   .address = settings_.rtp_address,
                                                   .min_port = settings_.min_rtp_port,
                                                   .max_port = settings_.max_rtp_port});
}

RunningChannel& ChannelServer::add(ChannelRecord record, std::unique_ptr<RtpDoor> door) {
  const auto id = record.id;
  const auto& key_uri = record.request.encrypt_key_uri;
  auto keys = key_uri ? std::optional{keys_.of(id, *key_uri)} : std::nullopt;
  auto& its = registry_.add(std::move(record),
                            {.settings = settings_,
                             .archive = archives_.folder_of(id),
                             .has_sora = sora_url_.has_value(),
                             .keys = std::move(keys),
                             .on_change = [this, id] { on_state(id); },
                             .on_figures = [this, id] { on_figures(id); },
                             .on_worker =
                                 [this](bool has_started) {
                                   metrics_.on(has_started ? Metrics::Event::WorkerStarted
                                                           : Metrics::Event::WorkerCrashed);
                                 },
                             .on_full = [this, id] { on_full(id); }},
                            std::move(door));
  notifier_.add(its.record());
  return its;
}

PublisherPlaces::IsTaken ChannelServer::is_taken() const {
  return [this](const std::string& id) {
    const auto* its = channel_or_connection(id);
    const auto state = its ? its->state() : ChannelState::Ended;
    return state == ChannelState::Starting || state == ChannelState::Running ||
           state == ChannelState::Reconnecting;
  };
}

// ---- what the API asks for

std::variant<ChannelInfo, ApiProblem> ChannelServer::create(const ChannelRequest& request) {
  if (auto problem = refusal_of(request, {.is_closing = is_closing(),
                                          .channels = registry_.channels().size(),
                                          .max_channels = settings_.max_channels,
                                          .has_webhook_secret = !settings_.webhook_secret.empty(),
                                          .encrypts = LIVE_SERVER_ENCRYPTS,
                                          .has_rtp = has_rtp_,
                                          .has_destination = [this](const auto& id) {
                                            return archives_.has_destination(id);
                                          }}))
    return *std::move(problem);
  ChannelRecord record{.id = random_text(kIdLength),
                       .created = std::chrono::system_clock::now(),
                       .publish_token = random_text(kTokenLength),
                       .request = request,
                       .rtp = {}};
  auto door = request.rtp ? door_of(*request.rtp) : nullptr;
  if (door) {
    if (const auto failure = door->open())
      return ApiProblem{
          .kind = ApiProblem::Kind::NotPossible, .detail = failure->why, .field = failure->field};
    record.rtp = door->ports();
  }
  if (!registry_.save(record))
    return ApiProblem{.kind = ApiProblem::Kind::Failed,
                      .detail = "The channel's state can't be written; the server's log says why."};
  auto& channel = add(std::move(record), std::move(door));
  registry_.open(channel);
  log_of(channel.record().id, LogLevel::Info, "made");
  return info_of(channel);
}

bool ChannelServer::remove(const std::string& id) {
  auto* its = channel(id);
  if (!its)
    return false;
  its->stop();  // nobody connects any more
  connections_.discard_all(id);
  archives_.on_deleted(*its);
  notifier_.on_deleted(subject_of(*its));
  registry_.discard(id);
  registry_.sweep();
  return true;
}

std::optional<ChannelInfo> ChannelServer::stop(const std::string& id) {
  auto* its = channel(id);
  if (!its)
    return std::nullopt;
  its->stop();
  connections_.stop_all(id);
  return info_of(*its);
}

std::optional<ChannelInfo> ChannelServer::pause(const std::string& id) {
  auto* its = channel(id);
  if (!its)
    return std::nullopt;
  its->pause();
  connections_.stop_all(id);
  tell_of(*its);
  return info_of(*its);
}

std::optional<ChannelInfo> ChannelServer::resume(const std::string& id) {
  auto* its = channel(id);
  if (!its)
    return std::nullopt;
  its->resume();
  tell_of(*its);
  return info_of(*its);
}

void ChannelServer::tell_of(const RunningChannel& channel) {
  notifier_.on_change(info_of(channel));
}

std::optional<ChannelInfo::Playlist> ChannelServer::stop_connection(
    const std::string& channel, const std::string& connection_id) {
  auto* its = connections_.find(channel, connection_id);
  if (!its)
    return std::nullopt;
  its->stop();
  return connections_.playlist_of(*its);
}

bool ChannelServer::remove_connection(const std::string& channel,
                                      const std::string& connection_id) {
  auto* its = connections_.find(channel, connection_id);
  if (!its)
    return false;
  connections_.discard(*its);
  tell_of(*registry_.channel(channel));
  registry_.sweep();
  return true;
}

std::optional<ChannelInfo> ChannelServer::find(const std::string& id) const {
  const auto* its = channel(id);
  return its ? std::optional{info_of(*its)} : std::nullopt;
}

std::vector<ChannelInfo> ChannelServer::list() const {
  std::vector<ChannelInfo> infos;
  for (const auto* channel : registry_.channels())
    infos.push_back(info_of(*channel));
  std::sort(infos.begin(), infos.end(), by_age);
  return infos;
}

Metrics::Now ChannelServer::figures() const {
  return {.channels = list(),
          .workers = registry_.workers(),
          .webhooks_waiting = notifier_.waiting(),
          .process = own_process()};
}

ChannelInfo ChannelServer::info_of(const RunningChannel& channel) const {
  const auto& record = channel.record();
  const bool is_fed = record.request.rtp.has_value();
  ChannelInfo info{
      .id = record.id,
      .state = channel.state(),
      .created = record.created,
      .request = record.request,
      .playlist_url = playlist_url(record.id),
      .whip_url = is_fed ? std::nullopt : std::optional{"/v1/channels/" + record.id + "/whip"},
      .sora_url = is_fed ? std::nullopt : sora_url_,
      .rtp = is_fed ? std::optional{record.rtp} : std::nullopt,
      .rtp_address = settings_.rtp_address,
      .publish_token = record.publish_token,
      .is_paused = record.is_paused,
      .message = channel.message(),
      .playlists = {},
      .stats = channel.status()};
  if (!record.request.is_multi) {
    if (record.broadcasts > 0)
      info.playlists = {{.connection_id = record.id, .url = info.playlist_url}};
    return info;
  }
  info.playlist_url.clear();
  info.playlists = connections_.list(record.id);
  info.state = state_of(channel.state(), info.playlists);
  if (!info.is_paused || info.state != ChannelState::Idle)
    info.message = message_of(info.state, info.playlists);
  return info;
}

std::optional<std::string> ChannelServer::encrypt_key(const std::string& kid) const {
  return keys_.key(kid);
}

// ---- what becomes of them

void ChannelServer::on_state(const std::string& id) {
  const auto* its = channel_or_connection(id);
  if (!its)
    return;
  const auto& record = its->record();
  const auto& channel = *this->channel(record.channel_id());
  log_of(id, LogLevel::Info, "%s", to_string(its->state()));
  tell_of(channel);
  notifier_.on_state(subject_of(*its));
  if (record.is_connection())
    notifier_.on_state(subject_of(channel));
  if (its->state() != ChannelState::Ended)
    return;
  archives_.on_ended(*its);
  if (record.is_connection())
    connections_.on_ended();
}

EventSubject ChannelServer::subject_of(const RunningChannel& its) const {
  const auto& record = its.record();
  return {.channel_id = record.channel_id(),
          .connection_id = record.connection_id(),
          .broadcast = record.broadcasts,
          .state = connections_.state_of(its)};
}

void ChannelServer::on_figures(const std::string& id) {
  if (const auto* its = channel_or_connection(id))
    notifier_.on_figures(subject_of(*its), its->status(), its->record().request.hls.renditions);
}

void ChannelServer::on_full(const std::string& id) {
  if (const auto* its = channel_or_connection(id))
    notifier_.on_full(subject_of(*its));
}

}  // namespace live
