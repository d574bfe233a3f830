// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/rtp_door.hpp"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "udp_socket.hpp"

namespace live {
namespace {

using onair::GstPtr;

constexpr const char* kLoopback = "127.0.0.1";

RtpDoor::Config config(const char* json, std::string from = {}) {
  FieldError error;
  auto request = read_rtp_request(Json::parse(json), "rtp", error);
  EXPECT_FALSE(error) << error.sentence;
  request.from = std::move(from);
  return {.request = std::move(request), .address = kLoopback};
}

// Opus of 20 ms by RTP.
std::vector<char> opus_packet(unsigned char payload_type = 111) {
  return {char(0x80), char(payload_type), 0,          1,         0, 0, 0, 0, 1, 2, 3,
          4,          char(0xfc),         char(0xff), char(0xfe)};
}

GstPtr<GSocket> bound(const char* address = kLoopback) {
  return std::get<GstPtr<GSocket>>(onair::rtplisten::bind_udp(address, 0));
}

class RtpDoorTest : public testing::Test {
 protected:
  void send(unsigned port, const std::vector<char>& packet, const char* from = kLoopback) {
    const auto socket = bound(from);
    const auto to =
        GstPtr<GSocketAddress>::adopt(g_inet_socket_address_new_from_string(kLoopback, port));
    EXPECT_EQ(
        g_socket_send_to(socket.get(), to.get(), packet.data(), packet.size(), nullptr, nullptr),
        static_cast<gssize>(packet.size()));
  }
  // What can be done now; packets by loopback are there when they have been sent.
  static void run() {
    while (g_main_context_iteration(nullptr, FALSE)) {
    }
  }
  void watch(RtpDoor& door) {
    door.watch([this] { ++knocks; });
  }

  int knocks = 0;
};

// What lies in the socket of this name, packet by packet.
std::vector<std::size_t> waiting(const RtpDoor& door, const std::string& name) {
  std::vector<std::size_t> sizes;
  for (const auto& socket : door.sockets()) {
    if (socket.name != name)
      continue;
    char bytes[100];
    for (ssize_t size = 0; (size = ::recv(socket.fd, bytes, sizeof bytes, MSG_DONTWAIT)) >= 0;)
      sizes.push_back(static_cast<std::size_t>(size));
  }
  return sizes;
}

TEST_F(RtpDoorTest, EachThingThatIsAskedForGetsAPort) {
  RtpDoor door{config(R"({"audio":{"rtcp_port":0},"video":{"rtcp_port":0}})")};
  EXPECT_FALSE(door.is_open());
  ASSERT_FALSE(door.open());
  EXPECT_TRUE(door.is_open());
  const auto ports = door.ports();
  EXPECT_EQ(std::set({ports.audio, ports.audio_rtcp, ports.video, ports.video_rtcp, 0u}).size(),
            5u);
  std::vector<std::string> names;
  for (const auto& socket : door.sockets())
    names.push_back(socket.name);
  EXPECT_EQ(names, (std::vector<std::string>{"audio", "audio-rtcp", "video", "video-rtcp"}));

  RtpDoor sound{config(R"({"audio":{}})")};
  ASSERT_FALSE(sound.open());
  EXPECT_EQ(sound.ports(), (RtpPorts{.audio = sound.ports().audio}));
  EXPECT_NE(sound.ports().audio, 0u);
}

TEST_F(RtpDoorTest, PortsAreOfTheRangeIfThereIsOne) {
  const auto free = bound();
  const auto taken = onair::rtplisten::local_port(free.get());
  auto its = config(R"({"audio":{}})");
  its.min_port = its.max_port = taken;
  const auto failure = RtpDoor{its}.open();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->field, "rtp.audio.port");
  EXPECT_EQ(failure->why.find("rtp.audio.port is 0, but there is no free port at 127.0.0.1: "), 0u)
      << failure->why;
  g_socket_close(free.get(), nullptr);
  RtpDoor door{its};
  ASSERT_FALSE(door.open());
  EXPECT_EQ(door.ports().audio, taken);
}

TEST_F(RtpDoorTest, WhichPortCannotBeHadIsNamed) {
  const auto other = bound();
  const auto port = std::to_string(onair::rtplisten::local_port(other.get()));
  RtpDoor door{config((R"({"audio":{},"video":{"port":)" + port + "}}").c_str())};
  const auto failure = door.open();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->field, "rtp.video.port");
  EXPECT_EQ(failure->why.find("rtp.video.port is " + port +
                              ", but that port can't be had at 127.0.0.1: "),
            0u)
      << failure->why;
  EXPECT_FALSE(door.is_open());
  // As soon as it can be had.
  g_socket_close(other.get(), nullptr);
  EXPECT_FALSE(door.open());
  EXPECT_TRUE(door.is_open());
}

TEST_F(RtpDoorTest, PortsThatAnotherServerHadGivenAreTakenAgain) {
  RtpPorts former;
  {
    RtpDoor door{config(R"({"audio":{},"video":{}})")};
    ASSERT_FALSE(door.open());
    former = door.ports();
  }
  RtpDoor door{config(R"({"audio":{},"video":{}})")};
  ASSERT_FALSE(door.open(former));
  EXPECT_EQ(door.ports(), former);
}

TEST_F(RtpDoorTest, TheFirstPacketCallsAndIsLeftForWhoeverComes) {
  RtpDoor door{config(R"({"audio":{},"video":{}})")};
  ASSERT_FALSE(door.open());
  watch(door);
  run();
  EXPECT_EQ(knocks, 0);
  send(door.ports().audio, opus_packet());
  send(door.ports().audio, opus_packet());
  run();
  EXPECT_EQ(knocks, 1);
  EXPECT_EQ(waiting(door, "audio"), (std::vector<std::size_t>{15, 15}));
  // Nobody is called any more until it is watched again.
  send(door.ports().audio, opus_packet());
  run();
  EXPECT_EQ(knocks, 1);
  watch(door);
  run();
  EXPECT_EQ(knocks, 2);
}

TEST_F(RtpDoorTest, WhatHasBeenLeftIsThrownAwayIfNobodyWantsIt) {
  RtpDoor door{config(R"({"audio":{"rtcp_port":0}})")};
  door.empty();
  ASSERT_FALSE(door.open());
  for (const auto port : {door.ports().audio, door.ports().audio_rtcp}) {
    send(port, opus_packet());
    send(port, {});
    send(port, std::vector<char>(5000, 'x'));
  }
  door.empty();
  EXPECT_TRUE(waiting(door, "audio").empty());
  EXPECT_TRUE(waiting(door, "audio-rtcp").empty());
}

TEST_F(RtpDoorTest, WhatCannotBeTheStreamCallsNobodyAndIsThrownAway) {
  RtpDoor door{config(R"({"audio":{"payload_type":111,"rtcp_port":0}})", kLoopback)};
  ASSERT_FALSE(door.open());
  watch(door);
  send(door.ports().audio, {'h', 'e', 'l', 'l', 'o'});
  send(door.ports().audio, {});
  send(door.ports().audio, opus_packet(96));
  send(door.ports().audio, opus_packet(), "127.0.0.2");
  send(door.ports().audio, std::vector<char>(5000, 'x'));
  send(door.ports().audio_rtcp, opus_packet());
  run();
  EXPECT_EQ(knocks, 0);
  EXPECT_TRUE(waiting(door, "audio").empty());
  send(door.ports().audio, opus_packet());
  run();
  EXPECT_EQ(knocks, 1);
}

TEST_F(RtpDoorTest, AfterTheEndPortsAreFree) {
  RtpDoor door{config(R"({"audio":{}})")};
  ASSERT_FALSE(door.open());
  watch(door);
  door.close();
  EXPECT_TRUE(door.sockets().empty());
  RtpDoor other{config(R"({"audio":{}})")};
  EXPECT_FALSE(other.open(door.ports()));
  run();
  EXPECT_EQ(knocks, 0);
}

}  // namespace
}  // namespace live
