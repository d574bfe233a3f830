// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receiver.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "rtcingest/secret.hpp"
#include "udp_socket.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_rtp_listen_src_debug);
#define GST_CAT_DEFAULT gst_rtp_listen_src_debug

namespace onair::rtplisten {
namespace {

constexpr guint kTickMs = 100;

Reception::Config reception_of(const Receiver::Config& config) {
  Reception::Config result{
      .audio = {}, .video = {}, .source_address = to_address(config.source_address)};
  for (const auto& medium : config.media) {
    const LearnedStream::Config stream{
        .kind = medium.kind,
        .payload_type = medium.payload_type < 0
                            ? std::nullopt
                            : std::optional{static_cast<std::uint8_t>(medium.payload_type)},
        .ssrc = medium.ssrc == 0 ? std::nullopt : std::optional<std::uint32_t>{medium.ssrc},
        .takeover_time = config.takeover_time};
    (medium.kind == MediaKind::Audio ? result.audio : result.video) = stream;
  }
  return result;
}

}  // namespace

Receiver::Receiver(ControlThread& control, Config config,
                   std::function<void(const PublisherEvent&)> on_event)
    : control_{control},
      config_{std::move(config)},
      on_event_{std::move(on_event)},
      reception_{Reception{reception_of(config_)}} {}

Receiver::~Receiver() = default;

std::string Receiver::bind(const Medium& medium, bool is_rtcp, GstPtr<GSocket>& socket) {
  const auto& port = is_rtcp ? medium.rtcp : medium.rtp;
  if (!port.given && port.number < 0)
    return {};
  socket = port.given;
  if (!socket) {
    auto made = bind_udp(config_.address, static_cast<guint>(port.number));
    if (const auto* why = std::get_if<std::string>(&made))
      return std::string{port.name} + " " + std::to_string(port.number) + ": " + *why;
    socket = std::get<GstPtr<GSocket>>(std::move(made));
  }
  ports_.push_back({medium.kind, is_rtcp, socket, !port.given, local_port(socket.get())});
  return {};
}

std::string Receiver::listen() {
  if (!config_.source_address.empty() && !to_address(config_.source_address))
    return "source-address '" + config_.source_address + "' is not an IP address";
  for (const auto& medium : config_.media) {
    MediaInput::Config input{
        .kind = medium.kind,
        .bin = config_.bin,
        .rtp = {},
        .rtcp = {},
        .now = config_.now,
        .on_media = [this](ClockTime now) { last_packet_ = now.time_since_epoch().count(); },
        .on_new = [this](unsigned number) { control_.post([this, number] { on_new(number); }); }};
    auto error = bind(medium, false, input.rtp);
    if (error.empty() && input.rtp)
      error = bind(medium, true, input.rtcp);
    if (!error.empty())
      return error;
    if (!input.rtp)
      continue;
    inputs_.push_back(std::make_unique<MediaInput>(std::move(input), reception_));
    if (!inputs_.back()->start())
      return "udpsrc could not be made";
  }
  if (inputs_.empty())
    return "audio-port and video-port are both -1, so there is nothing to receive";
  control_.every(kTickMs, [this] { tick(); });
  return {};
}

guint Receiver::port(MediaKind kind, bool is_rtcp) const {
  const auto found = std::find_if(ports_.begin(), ports_.end(), [&](const Bound& bound) {
    return bound.kind == kind && bound.is_rtcp == is_rtcp;
  });
  return found == ports_.end() ? 0 : found->port;
}

void Receiver::stop() {
  for (const auto& input : inputs_)
    input->stop();
  end_session(EndReason::Stopped, "The receiver stops.");
  draining_.remove_all();
  for (const auto& bound : ports_) {
    if (bound.is_ours)
      g_socket_close(bound.socket.get(), nullptr);
  }
}

// A source has been learned: a session's first, its second, or one that takes another's place.
void Receiver::on_new(unsigned number) {
  if (reception_.lock()->session() != number)
    return;  // it has ended since
  if (session_.number != number) {
    if (session_.number != 0) {
      take_down(config_.send_eos);
      emit(PublisherEvent::Kind::Ended, EndReason::Replaced,
           "The publisher had gone silent and another one is sent.");
    }
    begin(number);
  }
  for (const auto& input : inputs_) {
    if (!input->path() && reception_.lock()->source(input->kind()))
      open_path(*input);
  }
}

void Receiver::begin(unsigned number) {
  std::string remote;
  {
    const auto reception = reception_.lock();
    for (const auto& input : inputs_) {
      if (const auto source = reception->source(input->kind()); source && remote.empty())
        remote = to_text(source->sender.address);
    }
  }
  session_ = {.number = number,
              .id = random_id(),
              .remote_address = std::move(remote),
              .group_id = gst_util_group_id_next(),
              .liveness = Liveness{config_.liveness, config_.now()}};
  {
    const auto stats = stats_.lock();
    stats->session_id = session_.id;
    stats->is_connected = true;
    stats->sessions++;
  }
  emit(PublisherEvent::Kind::Offered);
  emit(PublisherEvent::Kind::Connected);
}

void Receiver::open_path(MediaInput& input) {
  const auto medium = std::find_if(config_.media.begin(), config_.media.end(),
                                   [&](const Medium& one) { return one.kind == input.kind(); });
  auto path = MediaPath::create(
      {.kind = input.kind(),
       .bin = config_.bin,
       .pad_template = medium->pad_template,
       .jitterbuffer = config_.jitterbuffer,
       .latency_ms = config_.latency_ms,
       .group = "rtplistensrc " + session_.id,
       .group_id = session_.group_id,
       .keyframe_interval = config_.keyframe_interval,
       .now = config_.now,
       .send_rtcp = input.has_rtcp() ? std::function<void(GstBuffer*)>{[&input](GstBuffer* packet) {
         input.send_rtcp(packet);
       }}
                                     : nullptr},
      session_.id + "/" + to_string(input.kind()));
  if (!path)
    return end_session(EndReason::Error, "An element that a stream needs could not be made.");
  input.open(session_.number, std::move(path));
}

void Receiver::take_down(bool send_eos) {
  session_.number = 0;
  for (const auto& input : inputs_) {
    const auto path = input->close();
    if (auto outlet = path ? path->close(send_eos) : nullptr)
      draining_.add({std::move(outlet)});
  }
  const auto stats = stats_.lock();  // before anybody is told
  stats->session_id.clear();
  stats->is_connected = false;
}

void Receiver::end_session(EndReason reason, const std::string& detail) {
  // Who goes on sending after the application's word does not begin another session with it.
  reception_.lock()->end(reason == EndReason::Application);
  if (session_.number == 0)
    return;
  take_down(config_.send_eos || is_eos_);
  emit(PublisherEvent::Kind::Ended, reason, detail);
}

void Receiver::send_eos() {
  is_eos_ = true;
  reception_.lock()->close();
  end_session(EndReason::Stopped, "The receiver takes nobody any more.");
}

void Receiver::report_failures() {
  for (const auto& input : inputs_) {
    const auto path = input->path();
    const auto stream = path ? path->received() : nullptr;
    if (!stream)
      continue;
    if (const auto flow = stream->outlet()->take_failure())
      GST_ELEMENT_ERROR(config_.bin, STREAM, FAILED,
                        ("What takes the publisher's %s has failed: %s.", to_string(stream->kind()),
                         gst_flow_get_name(*flow)),
                        (nullptr));
  }
}

void Receiver::tick() {
  report_failures();
  if (session_.number != 0) {
    const auto now = config_.now();
    const ClockTime last{Duration{last_packet_.load()}};
    if (session_.liveness.check(now, last))
      end_session(EndReason::IdleTimeout, "Nothing came from the publisher for too long.");
    else if (const auto turn = session_.liveness.turn(now, last))
      emit(*turn == Liveness::Turn::FellSilent ? PublisherEvent::Kind::Silent
                                               : PublisherEvent::Kind::Resumed);
  }
  draining_.tick();
}

// One of an outlet's queue says again, and less clearly, what report_failures() says.
bool Receiver::on_bus_error(GstMessage* message) {
  auto* source = GST_MESSAGE_SRC(message);
  const bool is_reader = std::any_of(inputs_.begin(), inputs_.end(),
                                     [&](const auto& input) { return input->owns(source); });
  const bool is_path = std::any_of(inputs_.begin(), inputs_.end(), [&](const auto& input) {
    const auto path = input->path();
    return path && path->owns(source);
  });
  if (!is_reader && !is_path)
    return false;
  GError* raw = nullptr;
  gst_message_parse_error(message, &raw, nullptr);
  const ErrorPtr error{raw};
  control_.post([this, is_reader, text = std::string{error->message}] {
    if (is_reader)
      GST_ELEMENT_ERROR(config_.bin, RESOURCE, READ,
                        ("Nothing is received any more: %s", text.c_str()), (nullptr));
    end_session(EndReason::Error, text);
  });
  return true;
}

Receiver::Stats Receiver::stats() {
  Stats stats{.publisher = stats_.get(), .refused = reception_.lock()->refused()};
  for (const auto& input : inputs_) {
    const auto path = input->path();
    if (const auto stream = path ? path->received() : nullptr)
      stats.publisher.streams.push_back(stream->stats());
  }
  return stats;
}

void Receiver::emit(PublisherEvent::Kind kind, EndReason reason, const std::string& detail) {
  const auto is_received = [this](MediaKind media) {
    return std::any_of(inputs_.begin(), inputs_.end(),
                       [&](const auto& input) { return input->kind() == media; });
  };
  on_event_({.kind = kind,
             .session_id = session_.id,
             .remote_address = session_.remote_address,
             .user_agent = {},
             .has_audio = is_received(MediaKind::Audio),
             .has_video = is_received(MediaKind::Video),
             .layers = {},
             .reason = reason,
             .detail = detail});
}

}  // namespace onair::rtplisten
