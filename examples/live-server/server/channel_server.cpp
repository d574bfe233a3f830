// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/channel_server.hpp"

#include <algorithm>
#include <utility>

#include "log.hpp"
#include "random_text.hpp"
#include "server/archive_store.hpp"
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
      registry_{settings.data, [this](const std::string& id) { archiver_.begin(id); }},
      notifier_{settings.webhook_secret, events, metrics},
      archiver_{settings.data, settings.archive_directory,
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
  if (auto why = archiver_.open(); !why.empty())
    return why;
  for (const auto& [id, its] : registry_.all())
    if (its->record().has_ended)
      archive(*its, false);
  registry_.resume([this] {
    for (const auto& [id, its] : registry_.all())
      if (its->record().is_connection() &&
          channel(its->record().channel)->state() == ChannelState::Ended)
        its->stop();
  });
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
                             .archive = archiver_.folder_of(id),
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

std::vector<RunningChannel*> ChannelServer::connections(const std::string& channel) const {
  std::vector<RunningChannel*> found;
  const auto prefix = id_of_connection(channel, "");
  const auto& all = registry_.all();
  for (auto at = all.lower_bound(prefix); at != all.end() && at->first.starts_with(prefix); ++at)
    if (at->second->record().channel == channel)
      found.push_back(at->second.get());
  std::stable_sort(found.begin(), found.end(), [](const auto* a, const auto* b) {
    return a->record().created < b->record().created;
  });
  return found;
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
                                            return archiver_.destination(id);
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
  for (const auto* connection : connections(id))
    discard(std::string{connection->record().id});
  archive(*its, true);
  notifier_.on_deleted(subject_of(*its));
  discard(id);
  registry_.sweep();
  return true;
}

void ChannelServer::discard(const std::string& id) {
  auto* its = channel_or_connection(id);
  its->stop();
  if (its->record().is_connection()) {
    archive(*its, true);
    notifier_.on_deleted(subject_of(*its));
  }
  registry_.discard(id);
}

std::optional<ChannelInfo> ChannelServer::stop(const std::string& id) {
  auto* its = channel(id);
  if (!its)
    return std::nullopt;
  its->stop();
  for (auto* connection : connections(id))
    connection->stop();
  return info_of(*its);
}

std::optional<ChannelInfo::Playlist> ChannelServer::stop_connection(
    const std::string& channel, const std::string& connection_id) {
  auto* its = channel_or_connection(id_of_connection(channel, connection_id));
  if (!its || its->record().channel != channel)
    return std::nullopt;
  its->stop();
  return playlist_of(*its);
}

bool ChannelServer::remove_connection(const std::string& channel,
                                      const std::string& connection_id) {
  const auto id = id_of_connection(channel, connection_id);
  const auto* its = channel_or_connection(id);
  if (!its || its->record().channel != channel)
    return false;
  discard(id);
  send_change(channel);
  registry_.sweep();
  return true;
}

std::string ChannelServer::place_of(const RunningChannel& channel,
                                    const std::string& connection_id) {
  const auto& record = channel.record();
  return record.request.is_multi ? id_of_connection(record.id, connection_id) : record.id;
}

void ChannelServer::join(RunningChannel& channel, const std::string& connection_id, Ingest ingest,
                         RunningChannel::OnEndpoint call) {
  const auto& its = channel.record();
  if (!its.request.is_multi)
    return channel.with_endpoint(ingest, std::move(call));
  if (channel.state() == ChannelState::Ended)
    return call({.why_not = "The channel has ended; make another one."});
  if (const auto live = live_connections(info_of(channel).playlists);
      live >= settings_.max_connections)
    return call({.is_full = true,
                 .why_not = "This channel has " + std::to_string(live) +
                            " publishers, and no more are allowed here at a time."});
  ChannelRecord record{.id = place_of(channel, connection_id),
                       .channel = its.id,
                       .created = std::chrono::system_clock::now(),
                       .publish_token = its.publish_token,
                       .request = its.request};
  if (!registry_.save(record))
    return call({.why_not = "The connection's state can't be written; the server's log says why."});
  auto& connection = add(std::move(record), nullptr);
  connection.with_endpoint(ingest, std::move(call));  // or it had ended as soon as it is open
  registry_.open(connection);
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
      .message = channel.message(),
      .playlists = {},
      .stats = channel.status()};
  if (!record.request.is_multi) {
    if (record.broadcasts > 0)
      info.playlists = {{.connection_id = record.id, .url = info.playlist_url}};
    return info;
  }
  info.playlist_url.clear();
  for (const auto* connection : connections(record.id))
    info.playlists.push_back(playlist_of(*connection));
  info.state = state_of(channel.state(), info.playlists);
  info.message = message_of(info.state, info.playlists);
  return info;
}

ChannelInfo::Playlist ChannelServer::playlist_of(const RunningChannel& channel) const {
  const auto& record = channel.record();
  return {.connection_id = record.connection_id(),
          .url = playlist_url(record.id),
          .has_begun = record.broadcasts > 0,
          .state = channel.state(),
          .created = record.created,
          .message = channel.message(),
          .stats = channel.status()};
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
  const bool has_ended = its->state() == ChannelState::Ended;
  log_of(id, LogLevel::Info, "%s", to_string(its->state()));
  send_change(record.channel_id());
  notifier_.on_state(subject_of(*its));
  if (record.is_connection())
    notifier_.on_state(subject_of(*channel(record.channel)));
  if (has_ended)
    archive(*its, false);
  if (has_ended && record.is_connection())
    trimming_.start(0, [this] { trim(); });  // not within its own call
}

void ChannelServer::send_change(const std::string& id) {
  if (const auto* its = channel(id))
    notifier_.on_change(info_of(*its));
}

EventSubject ChannelServer::subject_of(const RunningChannel& its) const {
  const auto& record = its.record();
  return {.channel_id = record.channel_id(),
          .connection_id = record.connection_id(),
          .broadcast = record.broadcasts,
          .state = record.takes_several() ? info_of(its).state : its.state()};
}

void ChannelServer::on_figures(const std::string& id) {
  if (const auto* its = channel_or_connection(id))
    notifier_.on_figures(subject_of(*its), its->status(), its->record().request.hls.renditions);
}

void ChannelServer::on_full(const std::string& id) {
  if (const auto* its = channel_or_connection(id))
    notifier_.on_full(subject_of(*its));
}

// ---- archives

void ChannelServer::archive(const RunningChannel& channel, bool is_deleted) {
  const auto& its = channel.record();
  const auto& id = its.id;
  if (its.request.hls.archive_destination.empty())
    return;
  const auto has_worker = channel.has_worker();
  if (!archiver_.has(id) && (has_worker || holds_segments(archiver_.folder_of(id))))
    archiver_.add({.channel = id,
                   .connection_of = its.channel,
                   .destination = its.request.hls.archive_destination,
                   .event_webhook_url = its.request.event_webhook_url.value_or(""),
                   .broadcasts = its.broadcasts,
                   .is_deleted = is_deleted},
                  !has_worker);
  if (is_deleted)
    archiver_.on_deleted(id);
}

std::variant<ArchiveDestination, ApiProblem> ChannelServer::create_destination(
    ArchiveDestination destination) {
  return archiver_.create(std::move(destination));
}

std::vector<ArchiveDestination> ChannelServer::destinations() const {
  return archiver_.destinations();
}

DestinationRemoval ChannelServer::remove_destination(const std::string& id) {
  const auto& all = registry_.all();
  const bool is_used = std::any_of(all.begin(), all.end(), [&](const auto& entry) {
    const auto& record = entry.second->record();
    return record.request.hls.archive_destination == id && !record.has_ended;
  });
  if (is_used || archiver_.is_needed(id))
    return DestinationRemoval::InUse;
  return archiver_.remove(id) ? DestinationRemoval::Done : DestinationRemoval::Unknown;
}

std::optional<std::vector<ArchiveInfo>> ChannelServer::archives(const std::string& channel) const {
  const auto* its = this->channel(channel);
  auto list = archiver_.of_connections(channel);
  if (auto found = archiver_.find(channel))
    list.push_back(*std::move(found));
  if (!its)
    return list.empty() ? std::nullopt : std::optional{std::move(list)};
  const auto* destination = archiver_.destination(its->record().request.hls.archive_destination);
  const auto add_recording = [&](const ChannelRecord& record) {
    if (destination && record.broadcasts > 0 && !record.has_ended && !archiver_.has(record.id))
      list.push_back({.connection_id = record.connection_id(),
                      .destination_id = destination->id,
                      .location = archive_location(*destination, record.id)});
  };
  add_recording(its->record());
  for (const auto* connection : connections(channel))
    add_recording(connection->record());
  return list;
}

// Connections that nobody needs any more.
void ChannelServer::trim() {
  if (is_closing())
    return;
  for (const auto* channel : registry_.channels()) {
    if (!channel->record().takes_several())
      continue;
    const auto& id = channel->record().id;
    const auto gone = superfluous_connections(info_of(*channel).playlists);
    for (const auto& connection_id : gone)
      discard(id_of_connection(id, connection_id));
    if (!gone.empty())
      send_change(id);
  }
  registry_.sweep();
}

}  // namespace live
