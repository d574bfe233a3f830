// SPDX-License-Identifier: LGPL-2.1-or-later
// rtplistensrc's ports: which it takes, and what it says when it can't.
#include <string>

#include <gtest/gtest.h>

#include "forwarded.hpp"

namespace onair::test {
namespace {

GstPtr<GSocket> bound_socket() {
  auto socket = GstPtr<GSocket>::adopt(
      g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, nullptr));
  const auto address =
      GstPtr<GSocketAddress>::adopt(g_inet_socket_address_new_from_string("127.0.0.1", 0));
  EXPECT_TRUE(g_socket_bind(socket.get(), address.get(), FALSE, nullptr));
  return socket;
}

guint port_of(GSocket* socket) {
  const auto address = GstPtr<GSocketAddress>::adopt(g_socket_get_local_address(socket, nullptr));
  return g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address.get()));
}

TEST(RtpListenSrcPorts, AreFreeOnesUnlessTheyAreSet) {
  RtpPipeline rtp;
  EXPECT_EQ(rtp.port_of("audio"), 0u);
  EXPECT_EQ(rtp.reach(GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
  EXPECT_NE(rtp.port_of("audio"), 0u);
  EXPECT_NE(rtp.port_of("video"), 0u);
  EXPECT_NE(rtp.port_of("audio"), rtp.port_of("video"));
  EXPECT_EQ(rtp.port_of("audio-rtcp"), 0u);
  EXPECT_EQ(rtp.port_of("video-rtcp"), 0u);
}

TEST(RtpListenSrcPorts, ChangesAreTold) {
  RtpPipeline rtp;
  unsigned notes = 0;
  const auto note = +[](GObject*, GParamSpec*, gpointer data) { ++*static_cast<unsigned*>(data); };
  g_signal_connect(rtp.element(), "notify::current-video-port", G_CALLBACK(note), &notes);
  rtp.reach(GST_STATE_PAUSED);
  EXPECT_EQ(notes, 1u);
}

TEST(RtpListenSrcPorts, PortThatIsInUseIsNamedAndTakenOnceItIsFree) {
  RtpPipeline first;
  first.reach(GST_STATE_PLAYING);
  const auto port = std::to_string(first.port_of("video"));
  RtpPipeline second{"video-port=" + port};
  EXPECT_EQ(second.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  const auto error = second.wait_for_error();
  EXPECT_NE(error.find("video-port " + port), std::string::npos) << error;
  EXPECT_EQ(second.port_of("video"), 0u);
  first.reach(GST_STATE_NULL);
  second.reach(GST_STATE_NULL);
  EXPECT_NE(second.reach(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  EXPECT_EQ(std::to_string(second.port_of("video")), port);
}

TEST(RtpListenSrcPorts, NoPortAtAllIsAnError) {
  RtpPipeline rtp{"audio-port=-1 video-port=-1"};
  EXPECT_EQ(rtp.set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  EXPECT_NE(rtp.wait_for_error().find("audio-port and video-port"), std::string::npos);
}

TEST(RtpListenSrcPorts, AddressesThatAreNoneAreNamed) {
  RtpPipeline rtp{"address=nowhere"};
  EXPECT_EQ(rtp.set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  EXPECT_NE(rtp.wait_for_error().find("'nowhere' is not an IP address"), std::string::npos);
  RtpPipeline source{"source-address=somebody"};
  EXPECT_EQ(source.set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  EXPECT_NE(source.wait_for_error().find("source-address 'somebody'"), std::string::npos);
}

TEST(RtpListenSrcPorts, SocketOfTheApplicationIsReadAndStaysOpen) {
  const auto socket = bound_socket();
  RtpSender sender{RtpSender::video()};
  sender.send(port_of(socket.get()), 2);  // before anybody reads
  RtpPipeline rtp{"audio-port=-1"};
  g_object_set(rtp.element(), "video-socket", socket.get(), nullptr);
  rtp.reach(GST_STATE_PLAYING);
  EXPECT_EQ(rtp.port_of("video"), port_of(socket.get()));
  REQUIRE_PAD(video, rtp, "video_0");
  EXPECT_PACKETS(video, 2u);
  rtp.reach(GST_STATE_NULL);
  EXPECT_FALSE(g_socket_is_closed(socket.get()));
  // And is read again.
  rtp.reach(GST_STATE_PLAYING);
  sender.send(port_of(socket.get()), 2);
  REQUIRE_PAD(again, rtp, "video_0");
  EXPECT_PACKETS(again, 2u);
}

TEST(RtpListenSrcPorts, Ipv6IsTaken) {
  RtpPipeline rtp{"address=::1"};
  if (rtp.set_state(GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    GTEST_SKIP() << "no IPv6 here: " << rtp.wait_for_error();
  EXPECT_NE(rtp.port_of("video"), 0u);
}

TEST(RtpListenSrcPorts, MulticastGroupIsJoined) {
  RtpPipeline rtp{"address=239.255.77.77 audio-port=-1"};
  if (rtp.set_state(GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    GTEST_SKIP() << "no route for multicast here: " << rtp.wait_for_error();
  RtpSender sender{RtpSender::video()};
  EXPECT_NE(rtp.port_of("video"), 0u);
  RtpPipeline second{"address=239.255.77.77 audio-port=-1 video-port=" +
                     std::to_string(rtp.port_of("video"))};
  EXPECT_NE(second.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
}

}  // namespace
}  // namespace onair::test
