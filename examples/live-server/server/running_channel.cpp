// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/running_channel.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

#include "log.hpp"
#include "server/left_playlists.hpp"

namespace live {
namespace {

using Publisher = ChannelLife::Publisher;

constexpr unsigned kDoorMs = 1000;
constexpr const char* kPaused = "The channel is paused: nobody can publish until it is resumed.";

ChannelLife::Time now() {
  return std::chrono::steady_clock::now();
}

// As to_string(Channel::State) has it.
Publisher publisher_of(const std::string& state) {
  return state == "live"       ? Publisher::Live
         : state == "starting" ? Publisher::Connecting
         : state == "away"     ? Publisher::Away
                               : Publisher::None;
}

// Those that it has, in place of those that it wants.
RtpRequest with_ports(RtpRequest request, const RtpPorts& ports) {
  const auto set = [](std::optional<RtpRequest::Stream>& stream, unsigned port, unsigned rtcp) {
    if (!stream)
      return;
    stream->port = port;
    if (stream->rtcp_port)
      stream->rtcp_port = rtcp;
  };
  set(request.audio, ports.audio, ports.audio_rtcp);
  set(request.video, ports.video, ports.video_rtcp);
  return request;
}

std::string text_of(double number) {
  return Json(number).dump();
}

}  // namespace

RunningChannel::RunningChannel(ChannelRecord record, Surroundings surroundings,
                               std::unique_ptr<RtpDoor> door)
    : record_{std::move(record)},
      surroundings_{std::move(surroundings)},
      life_{{.is_on_air = record_.is_on_air,
             .is_paused = record_.is_paused,
             .has_ended = record_.has_ended},
            record_.is_connection() ? ChannelLife::Broadcasts::One : ChannelLife::Broadcasts::Any},
      door_{std::move(door)} {}

void RunningChannel::open() {
  if (life_.resumes() && !life_.has_worker() && has_ended(surroundings_.folder)) {
    log_of(record_.id, LogLevel::Info, "its broadcast has been ended without a server");
    life_.on_found_ended();
  }
  act(life_.on_created(now()));
}

void RunningChannel::with_endpoint(Ingest ingest, OnEndpoint call) {
  const auto state = life_.state();
  if (state == ChannelState::Ended || (state == ChannelState::Stopping && !life_.is_paused()))
    return call({.why_not = "The channel has ended; make another one."});
  if (life_.is_paused())
    return call({.why_not = kPaused});
  const auto action = life_.on_publish(now());
  waiting_.push_back({ingest, std::move(call)});
  if (!endpoint_timer_.is_running())
    endpoint_timer_.start(kEndpointMs,
                          [this] { refuse_all("The channel's process does not answer."); });
  act(action);
  ask();
}

void RunningChannel::on_refused() {
  life_.on_refused(now());
  update();
}

void RunningChannel::ask() {
  if (!life_.is_ready() || !link_)
    return;
  for (auto& waiting : waiting_) {
    if (waiting.number != 0)
      continue;
    waiting.number = ++asked_;
    link_->send(
        {{"type", "admit"}, {"number", waiting.number}, {"ingest", to_string(waiting.ingest)}});
  }
}

void RunningChannel::on_admitted(const Json& message) {
  const auto number = message.value("number", std::uint64_t{0});
  const auto port = message.value("port", 0U);
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& waiting) {
    return waiting.number == number && number != 0;
  });
  if (found == waiting_.end())
    return;
  const auto call = std::move(found->call);
  waiting_.erase(found);
  if (waiting_.empty())
    endpoint_timer_.stop();
  call({.port = port, .is_busy = port == 0});
}

void RunningChannel::refuse_all(const std::string& why_not) {
  endpoint_timer_.stop();
  for (const auto& waiting : std::exchange(waiting_, {}))
    waiting.call({.why_not = why_not});
}

void RunningChannel::stop() {
  refuse_all("The channel is being ended.");
  act(life_.stop(now()));
}

void RunningChannel::pause() {
  refuse_all(kPaused);
  act(life_.pause(now()));
}

void RunningChannel::resume() {
  life_.resume();
  update();
}

void RunningChannel::rest() {
  refuse_all("The server is going down.");
  act(life_.rest(now()));
}

void RunningChannel::act(ChannelLife::Action action) {
  switch (action) {
    case ChannelLife::Action::StartWorker:
      start_worker();
      break;
    case ChannelLife::Action::StopWorker:
      if (link_)
        link_->send({{"type", "stop"}});
      break;
    case ChannelLife::Action::KillWorker:
      log_of(record_.id, LogLevel::Warning, "its process does not answer and is killed");
      if (process_)
        process_->kill();
      else if (link_)
        ::kill(link_->peer(), SIGKILL);
      break;
    case ChannelLife::Action::None:
      break;
  }
  update();
}

void RunningChannel::update() {
  if (const auto next = life_.next()) {
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*next - now()).count();
    timer_.start(static_cast<guint>(std::max<std::int64_t>(wait, 0)),
                 [this] { act(life_.on_time(now())); });
  } else {
    timer_.stop();
  }
  mind_door();
  const auto state = life_.state();
  if (record_.is_on_air != life_.resumes() || record_.is_paused != life_.is_paused() ||
      record_.has_ended != (state == ChannelState::Ended)) {
    if (life_.resumes() && !record_.is_on_air)
      ++record_.broadcasts;
    record_.is_on_air = life_.resumes();
    record_.is_paused = life_.is_paused();
    record_.has_ended = state == ChannelState::Ended;
    surroundings_.on_record();
  }
  if (std::exchange(told_, state) == state)
    return;
  surroundings_.on_change();
}

// Who sends RTP does not ask: his first packet does.
void RunningChannel::mind_door() {
  if (!door_)
    return;
  const auto state = life_.state();
  if (state == ChannelState::Ended)
    return door_->close();
  if (life_.has_worker() || life_.is_paused() || state == ChannelState::Stopping ||
      state == ChannelState::Creating)
    return door_->rest();
  if (const auto failure = door_->open(record_.rtp)) {
    // Of a process that another server has started, until that has ended; or somebody else has taken it.
    if (message_ != failure->why)
      log_of(record_.id, LogLevel::Warning, "%s", failure->why.c_str());
    message_ = failure->why;
    door_timer_.start(kDoorMs, [this] { mind_door(); });
    return;
  }
  door_->watch([this] { act(life_.on_publish(now())); });
}

void RunningChannel::start_worker() {
  // What has come while there was none would be encoded at once, and too fast to be cut where segments should end.
  if (door_ && life_.resumes())
    door_->empty();
  auto started = WorkerProcess::start(
      record_.id, surroundings_.control, surroundings_.settings.log_format,
      door_ ? door_->sockets() : std::vector<WorkerProcess::Socket>{},
      [this](const std::string& how, bool is_clean) { on_exit(how, is_clean); });
  if (auto* process = std::get_if<std::unique_ptr<WorkerProcess>>(&started)) {
    process_ = std::move(*process);
    surroundings_.on_worker(true);
    return;
  }
  message_ = std::get<std::string>(started);
  log_of(record_.id, LogLevel::Warning, "%s", message_.c_str());
  on_gone();
}

void RunningChannel::attach(std::unique_ptr<JsonLines> link, bool has_job) {
  link_ = std::move(link);
  if (!has_job)
    return send_job();
  log_of(record_.id, LogLevel::Info, "its process goes on under this server");
  life_.adopt(now());
  update();
}

void RunningChannel::send_job() {
  const auto& all = surroundings_.settings;
  const auto& its = record_.request;
  auto list = its.hls;
  list.archive_destination.clear();  // which is the server's
  const auto hls = to_json(list);
  // Nobody can come back to a connection whose session is over.
  const auto hold_seconds =
      record_.is_connection() ? 0 : its.hold_seconds.value_or(all.hold_seconds);
  Json settings{
      {"address", "127.0.0.1"},
      {"port", "0"},
      {"token", record_.publish_token},
      {"dir", surroundings_.folder},
      {"archive", its.hls.archive_destination.empty() ? "" : surroundings_.archive},
      {"origin", "false"},
      {"part-target", text_of(all.part_target)},
      {"low-latency", its.low_latency.value_or(all.low_latency) ? "true" : "false"},
      {"disk-quota", std::to_string(all.disk_quota)},
      {"window", text_of(its.time_shift_hours ? *its.time_shift_hours * 3600 : all.window)},
      {"hold-seconds", text_of(hold_seconds)},
      {"hold-picture", all.hold_picture},
      {"fps", std::to_string(all.fps)},
      {"audio-codec", all.audio_codec},
      {"stun-server", all.stun_server},
      {"jitterbuffer", all.jitterbuffer},
      {"min-rtp-port", std::to_string(all.min_rtp_port)},
      {"max-rtp-port", std::to_string(all.max_rtp_port)},
      {"rtp-address", all.rtp_address},
      {"key-rotation", std::to_string(all.key_rotation)},
      {"renditions", hls.dump()}};
  auto ingests = Json::array({to_string(its.rtp ? Ingest::Rtp : Ingest::Whip)});
  if (surroundings_.has_sora && !its.rtp)
    ingests.push_back(to_string(Ingest::Sora));
  Json job{{"type", "job"}, {"settings", settings}, {"ingests", ingests}};
  if (const auto& keys = surroundings_.keys)
    job["keys"] = {{"uri", keys->uri}, {"secret", keys->secret}};
  if (its.rtp)
    job["rtp"] = to_json(with_ports(*its.rtp, record_.rtp));
  if (life_.resumes())
    job["resume"] = {{"audio", has_audio_}, {"video", has_video_}};
  link_->send(job);
}

void RunningChannel::on_message(const Json& message) {
  const auto type = message.value("type", "");
  if (type == "ready") {
    whip_port_ = message.value("whip_port", 0U);
    message_ = kWaiting;
    act(life_.on_ready(now()));
    ask();
  } else if (type == "admitted") {
    on_admitted(message);
  } else if (type == "status") {
    on_status(message);
  } else if (type == "failed") {
    has_failed_ = true;
    message_ = message.value("message", "");
  }
}

void RunningChannel::on_status(const Json& status) {
  status_ = status;
  status_.erase("type");
  message_ = status.value("message", "");
  if (const auto& streams = status_["streams"]; !streams.empty()) {
    has_audio_ = streams.contains("audio");
    has_video_ = streams.contains("video");
  }
  life_.on_publisher(now(), publisher_of(status.value("state", "")));
  update();
  status_["broadcast"] = record_.broadcasts;  // its worker has counted its own
  surroundings_.on_figures();
  if (status.value("full", false) && !std::exchange(is_full_, true)) {
    log_line("%s: it is stopped, as its disk quota of %u MB is used up", record_.id.c_str(),
             surroundings_.settings.disk_quota);
    surroundings_.on_full();
    stop();
  }
}

std::string RunningChannel::message() const {
  return life_.is_paused() && life_.state() == ChannelState::Idle ? kPaused : message_;
}

void RunningChannel::on_link_lost(const std::string& why) {
  link_.reset();
  if (process_) {  // on_exit() follows
    life_.on_lost(now());
    return update();
  }
  log_of(record_.id, LogLevel::Warning, "its process is gone (%s)", why.c_str());
  on_gone();
}

void RunningChannel::on_exit(const std::string& how, bool is_clean) {
  process_.reset();
  link_.reset();
  const bool has_told = std::exchange(has_failed_, false);
  if (!is_clean) {
    surroundings_.on_worker(false);
    log_of(record_.id, LogLevel::Warning, "its process ended by %s", how.c_str());
    if (!has_told)
      message_ = "The channel's process ended by " + how + ".";
  }
  on_gone();
}

void RunningChannel::on_gone() {
  whip_port_ = 0;
  status_ = Json::object();
  for (auto& waiting : waiting_)
    waiting.number = 0;  // the next one is asked again
  const auto action = life_.on_gone(now());
  if (action == ChannelLife::Action::None && !life_.next()) {
    refuse_all(message_);
    message_ = life_.state() != ChannelState::Ended ? kWaiting
               : is_full_
                   ? "It has ended, as its disk quota of " +
                         std::to_string(surroundings_.settings.disk_quota) + " MB was used up."
                   : "It has ended.";
  }
  act(action);
  if (!has_worker())
    surroundings_.on_gone();
}

}  // namespace live
