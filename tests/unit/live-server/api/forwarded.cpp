// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/forwarded.hpp"

#include <gtest/gtest.h>

namespace live {
namespace {

// The proxies of this server: one in front, and those of a network.
IpNetworks ours() {
  return std::get<IpNetworks>(IpNetworks::parse("127.0.0.1 10.0.0.0/8"));
}

ReceivedRequest request_from(const char* peer) {
  return {.peer = IpAddress::parse(peer),
          .scheme = "http",
          .host = "here:8080",
          .forwarded_for = {},
          .forwarded_proto = {},
          .forwarded_host = {}};
}

void expect_address(const Client& client, const char* wanted) {
  EXPECT_EQ(client.address, IpAddress::parse(wanted)) << wanted;
}

TEST(Forwarded, OthersThanOurProxiesAreNotBelieved) {
  auto request = request_from("192.0.2.1");
  request.forwarded_for = "127.0.0.1";
  request.forwarded_proto = "https";
  request.forwarded_host = "evil.example.com";
  const auto client = client_of(request, ours());
  expect_address(client, "192.0.2.1");
  EXPECT_EQ(client.scheme, "http");
  EXPECT_EQ(client.host, "here:8080");
}

TEST(Forwarded, WithoutProxiesOfOursNobodyIsBelieved) {
  auto request = request_from("127.0.0.1");
  request.forwarded_for = "192.0.2.1";
  expect_address(client_of(request, {}), "127.0.0.1");
}

TEST(Forwarded, AProxyOfOursNamesItsClient) {
  auto request = request_from("127.0.0.1");
  request.forwarded_for = "192.0.2.1";
  request.forwarded_proto = "HTTPS";
  request.forwarded_host = "live.example.com:8443";
  const auto client = client_of(request, ours());
  expect_address(client, "192.0.2.1");
  EXPECT_EQ(client.scheme, "https");
  EXPECT_EQ(client.host, "live.example.com:8443");
}

TEST(Forwarded, AProxyThatSaysNothingIsTheClient) {
  for (const char* nothing : {"", " ", ",", " , ,"}) {
    auto request = request_from("127.0.0.1");
    request.forwarded_for = nothing;
    expect_address(client_of(request, ours()), "127.0.0.1");
  }
}

TEST(Forwarded, WhatAClientHasMadeUpStandsToTheLeftOfItself) {
  auto request = request_from("127.0.0.1");
  request.forwarded_for = "198.51.100.7, 127.0.0.1, 10.0.0.9, 192.0.2.1";
  request.forwarded_proto = "https, http";
  request.forwarded_host = "evil.example.com, live.example.com";
  const auto client = client_of(request, ours());
  expect_address(client, "192.0.2.1");
  EXPECT_EQ(client.scheme, "http");
  EXPECT_EQ(client.host, "live.example.com");
}

TEST(Forwarded, SeveralProxiesOfOursAreSkipped) {
  auto request = request_from("127.0.0.1");
  request.forwarded_for = "198.51.100.7,192.0.2.1,10.0.0.9,10.1.1.1";
  request.forwarded_proto = "http, https, http, http";
  const auto client = client_of(request, ours());
  expect_address(client, "192.0.2.1");
  EXPECT_EQ(client.scheme, "https") << "as the first proxy has seen it";
  request.forwarded_proto = "https";
  EXPECT_EQ(client_of(request, ours()).scheme, "https") << "each has replaced it";
}

TEST(Forwarded, ClientsThatAreInOurNetworkAreFoundToo) {
  auto request = request_from("127.0.0.1");
  request.forwarded_for = "10.0.0.5, 10.0.0.9";
  expect_address(client_of(request, ours()), "10.0.0.5");
}

TEST(Forwarded, WhatIsNoAddressEndsTheSearch) {
  for (const char* unknown :
       {"192.0.2.1, unknown, 10.0.0.9", "192.0.2.1,, _hidden, 10.0.0.9", "192.0.2.1, ,10.0.0.9",
        "192.0.2.1, 1.2.3.4.5, 10.0.0.9", "192.0.2.1, [, 10.0.0.9", "192.0.2.1, [], 10.0.0.9",
        "192.0.2.1, 127.0.0.1\x01, 10.0.0.9", "192.0.2.1, \"10.0.0.1\", 10.0.0.9"}) {
    auto request = request_from("127.0.0.1");
    request.forwarded_for = unknown;
    expect_address(client_of(request, ours()), "10.0.0.9");
  }
}

TEST(Forwarded, PortsOfClientsAreLeftOut) {
  auto request = request_from("127.0.0.1");
  for (const auto& [entry, wanted] : {std::pair{"192.0.2.1:4711", "192.0.2.1"},
                                      {"[2001:db8::1]:4711", "2001:db8::1"},
                                      {"[2001:db8::1]", "2001:db8::1"},
                                      {"2001:db8::1", "2001:db8::1"}}) {
    request.forwarded_for = entry;
    expect_address(client_of(request, ours()), wanted);
  }
}

TEST(Forwarded, SchemesAndHostsThatAreNoneAreNotTaken) {
  auto request = request_from("127.0.0.1");
  request.forwarded_for = "192.0.2.1";
  for (const char* scheme : {"ftp", "javascript", "https://", "https\r\nX: y", "httpss"}) {
    request.forwarded_proto = scheme;
    EXPECT_EQ(client_of(request, ours()).scheme, "http") << scheme;
  }
  for (const char* host :
       {"a b", "a/b", "a?b", "a#b", "user@a", "a:99999", "a:", "a\r\nX: y", "<b>", "[::1"}) {
    request.forwarded_host = host;
    EXPECT_EQ(client_of(request, ours()).host, "here:8080") << host;
  }
  request.forwarded_host = "[2001:db8::1]:8443";
  EXPECT_EQ(client_of(request, ours()).host, "[2001:db8::1]:8443");
}

TEST(Forwarded, AHostThatIsNoneIsNoHost) {
  auto request = request_from("192.0.2.1");
  request.host = "a/../b";
  EXPECT_EQ(client_of(request, ours()).host, "");
}

TEST(Forwarded, AVeryLongListIsReadToItsRightmostClient) {
  std::string list;
  for (int i = 0; i < 20'000; ++i)
    list += "10.0.0.1,";
  list += "192.0.2.1";
  auto request = request_from("127.0.0.1");
  request.forwarded_for = list;
  expect_address(client_of(request, ours()), "192.0.2.1");
}

}  // namespace
}  // namespace live
