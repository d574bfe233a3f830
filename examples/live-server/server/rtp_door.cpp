// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/rtp_door.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <random>

#include <sys/socket.h>

#include "udp_socket.hpp"

namespace live {
namespace {

using onair::GstPtr;
namespace rtp = onair::rtplisten;

// Key frames come in bursts, and a process takes some tenths of a second to be there. The kernel may give less.
constexpr int kReceiveBuffer = 2'000'000;
// So many are looked at before others have their turn.
constexpr unsigned kMostAtOnce = 64;
constexpr std::size_t kLargestPacket = 2048;
// Of the smallest packets.
constexpr unsigned kMostWaiting = 20'000;
constexpr unsigned kTries = 100;

rtp::LearnedStream::Config guest_of(onair::MediaKind kind, const RtpRequest::Stream& stream) {
  rtp::LearnedStream::Config config{.kind = kind};
  if (stream.payload_type)
    config.payload_type = static_cast<std::uint8_t>(*stream.payload_type);
  config.ssrc = stream.ssrc;
  return config;
}

}  // namespace

RtpDoor::RtpDoor(Config config) : config_{std::move(config)} {
  const auto add = [this](onair::MediaKind kind, const std::optional<RtpRequest::Stream>& stream,
                          std::array<const char*, 2> names,
                          std::array<unsigned RtpPorts::*, 2> numbers) {
    if (!stream)
      return;
    const auto field = std::string{"rtp."} + names[0];
    doors_.push_back(Door{.name = names[0],
                          .field = field + ".port",
                          .number = numbers[0],
                          .wanted = stream->port,
                          .guest = guest_of(kind, *stream)});
    if (stream->rtcp_port)
      doors_.push_back(Door{.name = names[1],
                            .field = field + ".rtcp_port",
                            .number = numbers[1],
                            .wanted = *stream->rtcp_port,
                            .guest = std::nullopt});
  };
  add(onair::MediaKind::Audio, config_.request.audio, {"audio", "audio-rtcp"},
      {&RtpPorts::audio, &RtpPorts::audio_rtcp});
  add(onair::MediaKind::Video, config_.request.video, {"video", "video-rtcp"},
      {&RtpPorts::video, &RtpPorts::video_rtcp});
}

// Empty, or why not.
std::string RtpDoor::open(Door& door, unsigned number) {
  auto bound = rtp::bind_udp(config_.address, number);
  if (auto* why = std::get_if<std::string>(&bound))
    return std::move(*why);
  door.socket = std::get<GstPtr<GSocket>>(std::move(bound));
  g_socket_set_blocking(door.socket.get(), FALSE);
  g_socket_set_option(door.socket.get(), SOL_SOCKET, SO_RCVBUF, kReceiveBuffer, nullptr);
  ports_.*door.number = rtp::local_port(door.socket.get());
  return {};
}

std::optional<RtpDoor::Failure> RtpDoor::open(const RtpPorts& former) {
  std::random_device source;
  const auto any = [&] {
    const auto count = config_.max_port - config_.min_port + 1;
    return config_.max_port == 0 ? 0u : config_.min_port + source() % count;
  };
  for (auto& door : doors_) {
    if (door.socket)
      continue;
    const auto fixed = former.*door.number != 0 ? former.*door.number : door.wanted;
    std::string why;
    for (unsigned tries = 0; !door.socket && tries < (fixed != 0 ? 1 : kTries); ++tries)
      why = open(door, fixed != 0 ? fixed : any());
    if (!door.socket)
      return Failure{.field = door.field,
                     .why = door.field + " is " + std::to_string(door.wanted) +
                            (fixed != 0 ? ", but that port can't be had at " + config_.address
                                        : ", but there is no free port at " + config_.address) +
                            ": " + why + "."};
  }
  return std::nullopt;
}

bool RtpDoor::is_open() const {
  return !doors_.empty() && std::all_of(doors_.begin(), doors_.end(), [](const Door& door) {
    return static_cast<bool>(door.socket);
  });
}

std::vector<WorkerProcess::Socket> RtpDoor::sockets() const {
  std::vector<WorkerProcess::Socket> sockets;
  for (const auto& door : doors_)
    if (door.socket)
      sockets.push_back({.name = door.name, .fd = g_socket_get_fd(door.socket.get())});
  return sockets;
}

void RtpDoor::empty() {
  std::array<gchar, kLargestPacket> bytes;
  for (const auto& door : doors_)
    for (unsigned i = 0; i < kMostWaiting && door.socket; ++i)
      if (g_socket_receive(door.socket.get(), bytes.data(), bytes.size(), nullptr, nullptr) < 0)
        break;
}

void RtpDoor::watch(std::function<void()> on_knock) {
  rest();
  on_knock_ = std::move(on_knock);
  for (auto& door : doors_) {
    if (!door.socket || !door.guest)
      continue;
    GSource* source = g_socket_create_source(door.socket.get(), G_IO_IN, nullptr);
    const GSocketSourceFunc call = &RtpDoor::on_readable;
    g_source_set_callback(source, G_SOURCE_FUNC(call), this, nullptr);
    door.watch = g_source_attach(source, nullptr);
    g_source_unref(source);
  }
}

void RtpDoor::rest() {
  for (auto& door : doors_)
    if (const auto watch = std::exchange(door.watch, 0))
      g_source_remove(watch);
  on_knock_ = nullptr;
}

void RtpDoor::close() {
  rest();
  for (auto& door : doors_)
    door.socket = {};
}

gboolean RtpDoor::on_readable(GSocket* socket, GIOCondition, gpointer data) {
  auto* self = static_cast<RtpDoor*>(data);
  const auto door = std::find_if(self->doors_.begin(), self->doors_.end(),
                                 [&](const Door& one) { return one.socket.get() == socket; });
  self->on_readable(*door);
  return G_SOURCE_CONTINUE;
}

void RtpDoor::on_readable(const Door& door) {
  for (unsigned i = 0; i < kMostAtOnce; ++i) {
    std::array<std::uint8_t, kLargestPacket> bytes;
    GInputVector vector{.buffer = bytes.data(), .size = bytes.size()};
    GSocketAddress* raw = nullptr;
    int flags = G_SOCKET_MSG_PEEK;
    const auto size = g_socket_receive_message(door.socket.get(), &raw, &vector, 1, nullptr,
                                               nullptr, &flags, nullptr, nullptr);
    const auto from = GstPtr<GSocketAddress>::adopt(raw);
    if (size < 0)
      return;
    if (is_guest(door, from.get(), std::span{bytes}.first(static_cast<std::size_t>(size)))) {
      const auto call = std::move(on_knock_);
      rest();  // it begins to be watched again when there is no process
      return call();
    }
    g_socket_receive(door.socket.get(), reinterpret_cast<gchar*>(bytes.data()), bytes.size(),
                     nullptr, nullptr);
  }
}

// As rtplistensrc would begin with it.
bool RtpDoor::is_guest(const Door& door, GSocketAddress* from,
                       std::span<const std::uint8_t> packet) const {
  const auto sender = rtp::to_sender(from);
  if (!sender ||
      (!config_.request.from.empty() && rtp::to_address(config_.request.from) != sender->address))
    return false;
  rtp::LearnedStream stream{*door.guest};
  const auto decision = stream.on_packet(onair::ClockTime{}, *sender, packet);
  return !std::holds_alternative<rtp::LearnedStream::Refuse>(decision);
}

}  // namespace live
