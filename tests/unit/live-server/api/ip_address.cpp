// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/ip_address.hpp"

#include <gtest/gtest.h>

namespace live {
namespace {

IpAddress ip(const char* text) {
  const auto address = IpAddress::parse(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(IpAddress{});
}

bool is_in(const char* list, const char* address) {
  const auto read = IpNetworks::parse(list);
  const auto* networks = std::get_if<IpNetworks>(&read);
  EXPECT_TRUE(networks) << std::get<std::string>(read);
  return networks && networks->contains(ip(address));
}

std::string mistake_in(std::string_view list) {
  const auto read = IpNetworks::parse(list);
  const auto* why = std::get_if<std::string>(&read);
  return why ? *why : "";
}

TEST(IpAddress, ItIsToldAsItIsUsuallyWritten) {
  for (const char* text : {"192.0.2.1", "2001:db8::1", "::1", "::"})
    EXPECT_EQ(ip(text).text(), text);
  EXPECT_EQ(ip("::ffff:192.0.2.1").text(), "192.0.2.1");
}

TEST(IpAddress, TheSameAddressIsEqualHoweverItIsWritten) {
  EXPECT_EQ(ip("192.0.2.1"), ip("::ffff:192.0.2.1"));
  EXPECT_EQ(ip("2001:db8::1"), ip("2001:0DB8:0:0:0:0:0:1"));
  EXPECT_NE(ip("192.0.2.1"), ip("192.0.2.2"));
  EXPECT_NE(ip("192.0.2.1"), ip("::192.0.2.1"));
}

TEST(IpAddress, WhatIsNoneIsNotTaken) {
  for (const char* text :
       {"", "a", "1.2.3", "1.2.3.256", "01.2.3.4.5", "1.2.3.4:80", "[::1]", "fe80::1%eth0",
        " 1.2.3.4", "1.2.3.4 ", "::1/128", "1.2.3.4/8", "localhost"})
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  EXPECT_FALSE(IpAddress::parse(std::string_view{"1.2.3.4\0.5", 10}));
}

TEST(IpAddress, WhoHasOneOfIpv6HasAllOfItsNetwork) {
  EXPECT_EQ(ip("2001:db8:0:1::1").holder(), ip("2001:db8:0:1:ffff::2").holder());
  EXPECT_NE(ip("2001:db8:0:1::1").holder(), ip("2001:db8:0:2::1").holder());
  EXPECT_NE(ip("192.0.2.1").holder(), ip("192.0.2.2").holder());
}

TEST(IpNetworks, ContainWhatHasTheirFirstBits) {
  EXPECT_FALSE(is_in("", "127.0.0.1"));
  EXPECT_TRUE(is_in("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(is_in("127.0.0.1", "127.0.0.2"));
  EXPECT_TRUE(is_in("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(is_in("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(is_in("192.0.2.128/25", "192.0.2.128"));
  EXPECT_FALSE(is_in("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(is_in("0.0.0.0/0", "255.255.255.255"));
  EXPECT_FALSE(is_in("0.0.0.0/0", "::1"));
  EXPECT_TRUE(is_in("::/0", "1.2.3.4"));
  EXPECT_TRUE(is_in("2001:db8::/33", "2001:db8:7fff::"));
  EXPECT_FALSE(is_in("2001:db8::/33", "2001:db8:8000::"));
  EXPECT_TRUE(is_in(" ::1,10.0.0.0/8  192.0.2.1 , ", "192.0.2.1"));
}

TEST(IpNetworks, AMistakeIsNamed) {
  EXPECT_NE(mistake_in("10.0.0.0/8, proxy").find("'proxy' is neither"), std::string::npos);
  EXPECT_NE(mistake_in("10.0.0.0/33").find("0 to 32 bits"), std::string::npos);
  EXPECT_NE(mistake_in("10.0.0.0/4294967270").find("0 to 32 bits"), std::string::npos) << "wraps";
  EXPECT_NE(mistake_in("10.0.0.0/").find("0 to 32 bits"), std::string::npos);
  EXPECT_NE(mistake_in("10.0.0.0/-1").find("0 to 32 bits"), std::string::npos);
  EXPECT_NE(mistake_in("::/129").find("0 to 128 bits"), std::string::npos);
  EXPECT_NE(mistake_in("10.1.0.0/8").find("behind the first 8 must be 0"), std::string::npos);
  EXPECT_EQ(mistake_in("10.0.0.0/8"), "");
}

}  // namespace
}  // namespace live
