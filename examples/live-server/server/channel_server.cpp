// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/channel_server.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <glib/gstdio.h>

#include "log.hpp"
#include "random_text.hpp"

namespace live {
namespace {

namespace fs = std::filesystem;
using onair::ErrorPtr;
using onair::GMemory;
using onair::GstPtr;

// Workers look for a server each 200 ms.
constexpr unsigned kOpeningMs = 1000;
constexpr unsigned kIdLength = 12;
constexpr unsigned kTokenLength = 24;
constexpr std::string_view kSuffix = ".json";

bool by_age(const ChannelInfo& a, const ChannelInfo& b) {
  return a.created != b.created ? a.created < b.created : a.id < b.id;
}

}  // namespace

ChannelServer::ChannelServer(const Settings& settings, EventStreams& events)
    : settings_{settings}, events_{events}, control_{[this](GstPtr<GSocket> socket) {
        on_connection(std::move(socket));
      }} {}

std::string ChannelServer::file_of(const std::string& id) const {
  return settings_.data + "/channels/" + id + std::string{kSuffix};
}

std::string ChannelServer::folder_of(const std::string& id) const {
  return hls_folder() + "/" + id;
}

std::string ChannelServer::open() {
  std::error_code code;
  for (const auto& folder : {settings_.data + "/channels", hls_folder()})
    if (fs::create_directories(folder, code); code)
      return "The folder " + folder + " can't be made: " + code.message() + ".";
  fs::permissions(settings_.data + "/channels", fs::perms::owner_all, code);  // tokens
  for (fs::directory_iterator at{settings_.data + "/channels", code}, end; !code && at != end;
       at.increment(code)) {
    const auto path = at->path().string();
    if (!path.ends_with(kSuffix))
      continue;
    gchar* raw = nullptr;
    gsize size = 0;
    const bool is_read = g_file_get_contents(path.c_str(), &raw, &size, nullptr);
    const GMemory<char> text{raw};
    auto read = read_channel_record(is_read ? std::string_view{raw, size} : std::string_view{});
    if (const auto* why = std::get_if<std::string>(&read))
      log_line("the state file %s is left alone, as it can't be read: %s", path.c_str(),
               why->c_str());
    else
      add(std::get<ChannelRecord>(std::move(read)));
  }
  if (const auto why = control_.listen(settings_.data); !why.empty())
    return why;
  opening_.start(kOpeningMs, [this] {
    for (const auto& [id, channel] : channels_)
      channel->open();
  });
  return {};
}

RunningChannel& ChannelServer::add(ChannelRecord record) {
  const auto id = record.id;
  auto& channel = channels_[id];
  channel = std::make_unique<RunningChannel>(
      std::move(record),
      RunningChannel::Surroundings{.settings = settings_,
                                   .folder = folder_of(id),
                                   .control = control_.path(),
                                   .has_sora = sora_url_.has_value(),
                                   .on_change = [this, id] { on_state(id); },
                                   .on_record =
                                       [this, id] {
                                         if (const auto* its = this->channel(id))
                                           static_cast<void>(save(its->record()));
                                       },
                                   .on_figures = [this, id] { on_figures(id); }});
  const auto& its = channel->record();
  if (const auto& url = its.request.event_webhook_url)
    listeners_.emplace(
        id, Listener{.events = ChannelEvents{its.is_on_air},
                     .webhook = std::make_unique<Webhook>(id, *url, settings_.webhook_secret)});
  return *channel;
}

bool ChannelServer::save(const ChannelRecord& record) {
  const auto text = to_text(record);
  GError* raw = nullptr;
  const bool is_saved = g_file_set_contents_full(file_of(record.id).c_str(), text.data(),
                                                 static_cast<gssize>(text.size()),
                                                 G_FILE_SET_CONTENTS_CONSISTENT, 0600, &raw);
  const ErrorPtr error{raw};
  if (!is_saved)
    log_line("%s: its state can't be written: %s", record.id.c_str(), error->message);
  return is_saved;
}

RunningChannel* ChannelServer::channel(const std::string& id) const {
  const auto found = channels_.find(id);
  return found == channels_.end() ? nullptr : found->second.get();
}

// ---- what the API asks for

std::variant<ChannelInfo, ApiProblem> ChannelServer::create(const ChannelRequest& request) {
  if (is_closing())
    return ApiProblem{.kind = ApiProblem::Kind::Unavailable, .detail = "The server is going down."};
  if (channels_.size() >= settings_.max_channels)
    return ApiProblem{.kind = ApiProblem::Kind::TooManyChannels,
                      .detail = "There are " + std::to_string(channels_.size()) +
                                " channels, and no more are allowed here; delete one."};
  if (request.event_webhook_url && settings_.webhook_secret.empty())
    return ApiProblem{
        .kind = ApiProblem::Kind::NotPossible,
        .detail = "event_webhook_url needs a server that has a webhook-secret to sign with.",
        .field = "event_webhook_url"};
  if (request.encrypt_key_uri)
    return ApiProblem{.kind = ApiProblem::Kind::NotPossible,
                      .detail = "encrypt_key_uri is not possible on this server yet; leave it out.",
                      .field = "encrypt_key_uri"};
  ChannelRecord record{.id = random_text(kIdLength),
                       .created = std::chrono::system_clock::now(),
                       .publish_token = random_text(kTokenLength),
                       .request = request};
  if (!save(record))
    return ApiProblem{.kind = ApiProblem::Kind::Failed,
                      .detail = "The channel's state can't be written; the server's log says why."};
  auto& channel = add(std::move(record));
  if (!opening_.is_running())
    channel.open();
  log_line("%s: made", channel.record().id.c_str());
  return info_of(channel);
}

bool ChannelServer::remove(const std::string& id) {
  const auto found = channels_.find(id);
  if (found == channels_.end())
    return false;
  found->second->stop();
  tell(id, {"channel.deleted"});
  if (auto listener = listeners_.extract(id)) {
    last_words_.remove_if([](const auto& webhook) { return webhook->is_idle(); });
    last_words_.push_back(std::move(listener.mapped().webhook));
  }
  auto node = channels_.extract(found);
  events_.send(id, "deleted", {{"id", id}});
  events_.end(id);
  ::g_unlink(file_of(id).c_str());
  removed_.insert(std::move(node));
  log_line("%s: deleted", id.c_str());
  sweep();
  return true;
}

std::optional<ChannelInfo> ChannelServer::stop(const std::string& id) {
  auto* its = channel(id);
  if (!its)
    return std::nullopt;
  its->stop();
  return info_of(*its);
}

std::optional<ChannelInfo> ChannelServer::find(const std::string& id) const {
  const auto* its = channel(id);
  return its ? std::optional{info_of(*its)} : std::nullopt;
}

std::vector<ChannelInfo> ChannelServer::list() const {
  std::vector<ChannelInfo> infos;
  for (const auto& [id, channel] : channels_)
    infos.push_back(info_of(*channel));
  std::sort(infos.begin(), infos.end(), by_age);
  return infos;
}

ChannelInfo ChannelServer::info_of(const RunningChannel& channel) const {
  const auto& record = channel.record();
  return {.id = record.id,
          .state = channel.state(),
          .created = record.created,
          .request = record.request,
          .playlist_url = playlist_root_ + "/" + record.id + "/master.m3u8",
          .whip_url = "/v1/channels/" + record.id + "/whip",
          .sora_url = sora_url_,
          .publish_token = record.publish_token,
          .message = channel.message(),
          .playlists = {},
          .stats = channel.status()};
}

// ---- workers

RunningChannel* ChannelServer::any_channel(const std::string& id) const {
  const auto removed = removed_.find(id);
  return removed == removed_.end() ? channel(id) : removed->second.get();
}

void ChannelServer::on_connection(GstPtr<GSocket> socket) {
  const auto visitor = visitors_.emplace(visitors_.end());
  const auto attached = std::make_shared<std::string>();  // the channel, once it is known
  visitor->link = std::make_unique<JsonLines>(
      std::move(socket),
      [this, visitor, attached](const Json& message) {
        if (attached->empty())
          on_hello(visitor, *attached, message);
        else if (auto* its = any_channel(*attached))
          its->on_message(message);
      },
      [this, visitor, attached](const std::string& why) {
        if (attached->empty())
          visitors_.erase(visitor);
        else if (auto* its = any_channel(*attached))
          its->on_link_lost(why);
      });
}

void ChannelServer::on_hello(std::list<Visitor>::iterator visitor, std::string& attached,
                             const Json& message) {
  const auto id = message.value("channel", "");
  const bool has_job = message.value("job", false);
  auto* its = any_channel(id);
  // One with a job was another server's; one without has been started, and is waited for.
  if (!its || its->is_attached() || has_job == its->has_worker()) {
    log_line("a process for the channel '%s' is sent away, as nobody has asked for it", id.c_str());
    return visitor->link->send({{"type", "stop"}});
  }
  attached = id;
  auto link = std::move(visitor->link);
  visitors_.erase(visitor);
  its->attach(std::move(link), has_job);
}

void ChannelServer::on_state(const std::string& id) {
  if (const auto* its = channel(id)) {
    log_line("%s: %s", id.c_str(), to_string(its->state()));
    events_.send(id, "channel", to_json(info_of(*its), {}));
    if (const auto listener = listeners_.find(id); listener != listeners_.end())
      tell(id, listener->second.events.on_state(its->state()));
  }
  if (removed_.contains(id) || on_closed_)
    sweeping_.start(0, [this] { sweep(); });  // not within its own call
}

void ChannelServer::on_figures(const std::string& id) {
  const auto* its = channel(id);
  if (!its)
    return;
  events_.send(id, "stats", {{"id", id}, {"stats", its->status()}});
  if (const auto listener = listeners_.find(id); listener != listeners_.end())
    tell(id, listener->second.events.on_degraded(
                 is_degraded(its->status(), its->record().request.hls.renditions)));
}

void ChannelServer::tell(const std::string& id, const std::vector<std::string>& events) {
  const auto listener = listeners_.find(id);
  const auto* its = channel(id);
  if (listener == listeners_.end() || !its)
    return;
  for (const auto& event : events)
    listener->second.webhook->send({{"event", event},
                                    {"channel_id", id},
                                    {"broadcast", its->record().broadcasts},
                                    {"state", to_string(its->state())}});
}

// Those that have ended at last.
void ChannelServer::sweep() {
  for (auto at = removed_.begin(); at != removed_.end();) {
    if (at->second->has_worker()) {
      ++at;
      continue;
    }
    std::error_code code;
    fs::remove_all(folder_of(at->first), code);
    if (code)
      log_line("%s: its folder can't be removed: %s", at->first.c_str(), code.message().c_str());
    at = removed_.erase(at);
  }
  const bool is_quiet = removed_.empty() &&
                        std::none_of(channels_.begin(), channels_.end(),
                                     [](const auto& entry) { return entry.second->has_worker(); });
  if (is_quiet)
    if (const auto done = std::exchange(on_closed_, nullptr))
      done();
}

void ChannelServer::close(std::function<void()> done) {
  on_closed_ = std::move(done);
  for (const auto& [id, channel] : channels_)
    channel->rest();
  sweep();
}

}  // namespace live
