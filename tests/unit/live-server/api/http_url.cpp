// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/http_url.hpp"

#include <string>

#include <gtest/gtest.h>

namespace live::test {
namespace {

TEST(HttpUrl, AbsoluteOnesOfHttpAreRight) {
  for (const char* url :
       {"http://a", "https://example.com/", "HTTPS://Example.COM:443/a/b?c=d&e=%2F#f",
        "http://127.0.0.1:1", "http://[::1]:65535/x", "https://[2001:db8::1]",
        "https://my_host-1.example/?a=@b", "https://example.com/user@host", "https://a?b",
        "https://a#b"})
    EXPECT_TRUE(is_http_url(url)) << url;
}

TEST(HttpUrl, OthersAreWrong) {
  for (const char* url : {"",
                          "example.com",
                          "/path",
                          "//example.com",
                          "ftp://example.com",
                          "httpss://example.com",
                          "http:",
                          "http://",
                          "http:///path",
                          "https://?a",
                          "http:example.com",
                          "javascript:alert(1)",
                          "file:///etc",
                          "https:// example.com",
                          "https://example.com/a b",
                          "https://exa\nmple.com",
                          "https://example.com/\x7f",
                          "https://example.com/\xc3\xa4",
                          "https://example.com\\@evil.example/",
                          "https://example.com/<a>",
                          "https://example.com/%",
                          "https://example.com/%2",
                          "https://example.com/%zz"})
    EXPECT_FALSE(is_http_url(url)) << url;
}

TEST(HttpUrl, NobodyIsNamedInIt) {
  for (const char* url : {"https://user@example.com", "https://user:secret@example.com/",
                          "https://@example.com", "https://a%40b@example.com"})
    EXPECT_FALSE(is_http_url(url)) << url;
}

TEST(HttpUrl, PortsAreFromOneTo65535) {
  for (const char* port : {"1", "65535", "080"})
    EXPECT_TRUE(is_http_url(std::string{"http://a:"} + port)) << port;
  for (const char* port : {"", "0", "65536", "-1", "+1", "1a", "99999999999", "1:2"})
    EXPECT_FALSE(is_http_url(std::string{"http://a:"} + port)) << port;
}

TEST(HttpUrl, BracketsAreOfIpv6Addresses) {
  for (const char* host :
       {"[", "]", "[]", "[::1", "::1", "[::1]x", "[::1]x:80", "[zone%25]", "x[::1]"})
    EXPECT_FALSE(is_http_url(std::string{"http://"} + host)) << host;
}

TEST(HttpUrl, TheLongestHas2048Characters) {
  const std::string url = "https://example.com/";
  EXPECT_TRUE(is_http_url(url + std::string(2048 - url.size(), 'x')));
  EXPECT_FALSE(is_http_url(url + std::string(2049 - url.size(), 'x')));
}

}  // namespace
}  // namespace live::test
