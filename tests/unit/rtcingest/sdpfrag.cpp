// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/sdpfrag.hpp"

#include <string>
#include <string_view>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/rtcingest/offers.hpp"

namespace onair {
namespace {

using test::with_crlf;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kPwd22(22, 'p');
const std::string kCandidate = "candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host";

SdpFragment parsed(std::string_view text) {
  auto result = parse_sdpfrag(text);
  if (const auto* error = std::get_if<sdp::SyntaxError>(&result)) {
    ADD_FAILURE() << "line " << error->line << ": " << error->what;
    return {};
  }
  return std::get<SdpFragment>(std::move(result));
}

std::string complaint(std::string_view text) {
  const auto result = parse_sdpfrag(text);
  const auto* error = std::get_if<sdp::SyntaxError>(&result);
  return error ? std::to_string(error->line) + ": " + error->what : "fine";
}

TEST(SdpFragment, TheExampleOfRfc9725IsUnderstood) {
  // RFC 9725 section 4.3.2, shortened to two candidates.
  const auto fragment = parsed(with_crlf(R"(a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 network-id 1
a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0
a=end-of-candidates
)"));
  EXPECT_EQ(fragment.credentials, (IceCredentials{"EsAw", "P2uYro0UCOQ4zxjKXaWCBui1"}));
  EXPECT_THAT(
      fragment.candidates,
      ElementsAre("candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 "
                  "network-id 1",
                  "candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active "
                  "generation 0"));
  EXPECT_TRUE(fragment.end_of_candidates);
}

TEST(SdpFragment, CredentialsMayStandBeforeTheFirstMLine) {
  // RFC 8840 section 9 has them there.
  const auto fragment = parsed("a=ice-ufrag:EsAw\na=ice-pwd:" + kPwd22 + "\nm=audio 9 X 0\n");
  EXPECT_EQ(fragment.credentials, (IceCredentials{"EsAw", kPwd22}));
  EXPECT_THAT(fragment.candidates, IsEmpty());
  EXPECT_FALSE(fragment.end_of_candidates);
}

TEST(SdpFragment, CandidatesNeedNoCredentials) {
  const auto fragment = parsed("m=audio 9 X 0\na=mid:0\na=" + kCandidate + "\n");
  EXPECT_EQ(fragment.credentials, IceCredentials{});
  EXPECT_THAT(fragment.candidates, ElementsAre(kCandidate));
}

TEST(SdpFragment, WhatIsUnknownIsLeftOut) {
  EXPECT_THAT(parsed("a=ice-lite\r\na=x\r\n\r\na=" + kCandidate).candidates,
              ElementsAre(kCandidate));
}

TEST(SdpFragment, EachMalformedFragmentIsNamedWithItsLine) {
  const std::string credentials = "a=ice-ufrag or a=ice-pwd is missing or not as in RFC 8839";
  EXPECT_EQ(complaint(""), "1: it is empty");
  EXPECT_EQ(complaint("candidate:1 1 udp 1 192.0.2.1 5000 typ host"),
            "1: a line is not of the form letter=value");
  EXPECT_EQ(complaint("a=mid:0\r\n{}"), "2: a line is not of the form letter=value");
  EXPECT_EQ(complaint("a=candidate:1 1 udp 1 192.0.2.1 5000\r\n"),
            "1: a candidate does not follow RFC 8839");
  EXPECT_EQ(complaint("a=ice-ufrag:EsAw\r\n"), "1: " + credentials);
  EXPECT_EQ(complaint("a=ice-pwd:" + kPwd22 + "\r\n"), "1: " + credentials);
  EXPECT_EQ(complaint("a=ice-ufrag:EsA\r\na=ice-pwd:" + kPwd22), "2: " + credentials);
}

TEST(SdpFragment, SixtyFourCandidatesAreTakenAndOneMoreIsNot) {
  std::string text;
  for (int i = 0; i < 64; ++i)
    text += "a=" + kCandidate + "\r\n";
  EXPECT_EQ(parsed(text).candidates.size(), 64u);
  EXPECT_EQ(complaint(text + "a=" + kCandidate), "65: more than 64 candidates");
}

TEST(SdpFragment, ControlCharactersReachNobody) {
  // As sdp::parse refuses them: a candidate goes on to libnice as a C string.
  using namespace std::string_view_literals;
  const std::string before = "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host ";
  for (const auto bad : {"\0x"sv, "\x01x"sv, "\rx"sv, "\x1b[2Jx"sv})
    EXPECT_NE(complaint(before + std::string{bad}), "fine") << testing::PrintToString(bad);
}

TEST(SdpFragment, CredentialsHaveTheLengthsOfRfc8839) {
  const auto is_fine = [](std::size_t ufrag, std::size_t pwd) {
    return is_valid({std::string(ufrag, 'u'), std::string(pwd, 'p')});
  };
  EXPECT_FALSE(is_fine(3, 22));
  EXPECT_TRUE(is_fine(4, 22));
  EXPECT_FALSE(is_fine(4, 21));
  EXPECT_TRUE(is_fine(256, 256));
  EXPECT_FALSE(is_fine(257, 256));
  EXPECT_FALSE(is_fine(256, 257));
  EXPECT_FALSE(is_valid({}));
}

TEST(SdpFragment, CredentialsAreOfIceCharacters) {
  EXPECT_TRUE(is_valid({"aZ09+/", kPwd22}));
  for (const auto* ufrag : {"abc-", "abc ", "abc=", "abc\n", "ab\xc3\xa4"})
    EXPECT_FALSE(is_valid({ufrag, kPwd22})) << ufrag;
}

TEST(SdpFragment, CandidatesOfAllTypesAreCandidates) {
  for (const auto* text :
       {"candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host",
        "candidate:1 1 UDP 2113937151 2001:db8::1 5000 typ host generation 0",
        "candidate:2154773085 1 udp 1 3c9a1f4e-2b7d-4c58-8e61-7f0a9b2c4d5e.local 65535 typ host",
        "candidate:842163049 1 udp 1677729535 203.0.113.9 0 typ srflx raddr 0.0.0.0 rport 0",
        "candidate:3 256 tcp 4294967295 192.0.2.1 9 typ host tcptype active",
        "candidate:4 1 udp 41885439 198.51.100.7 3478 typ relay raddr 203.0.113.9 rport 1"})
    EXPECT_TRUE(is_candidate(text)) << text;
}

TEST(SdpFragment, WhatOnlyLooksLikeACandidateIsNone) {
  for (const auto* text :
       {"", "candidate", "candidate:", "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host",
        "candidate:1 1 udp 1 192.0.2.1 5000 typ",             // no type
        "candidate:1 257 udp 1 192.0.2.1 5000 typ host",      // component
        "candidate:1 -1 udp 1 192.0.2.1 5000 typ host",       //
        "candidate:1 1 udp x 192.0.2.1 5000 typ host",        // priority
        "candidate:1 1 udp 4294967296 192.0.2.1 1 typ host",  // more than 32 bits
        "candidate:1 1 udp 1 192.0.2.1 65536 typ host",       // port
        "candidate:1 1 udp 1 192.0.2.1 host typ 5000"})       // order
    EXPECT_FALSE(is_candidate(text)) << text;
}

TEST(SdpFragment, AFoundationHasUpTo32Characters) {
  const auto with_foundation = [](std::size_t length) {
    return "candidate:" + std::string(length, 'f') + " 1 udp 1 192.0.2.1 5000 typ host";
  };
  EXPECT_TRUE(is_candidate(with_foundation(1)));
  EXPECT_TRUE(is_candidate(with_foundation(32)));
  EXPECT_FALSE(is_candidate(with_foundation(33)));
}

TEST(SdpFragment, OursIsWrittenAsRfc8840HasIt) {
  const SdpFragment fragment{.credentials = {"ours", kPwd22},
                             .candidates = {kCandidate, kCandidate},
                             .end_of_candidates = true};
  EXPECT_EQ(to_text(fragment, "audio", "0"),
            with_crlf("a=ice-ufrag:ours\na=ice-pwd:" + kPwd22 +
                      "\nm=audio 9 UDP/TLS/RTP/SAVPF 0\na=mid:0\n"
                      "a=" +
                      kCandidate + "\na=" + kCandidate + "\na=end-of-candidates\n"));
}

TEST(SdpFragment, WhatIsWrittenIsReadTheSame) {
  for (const bool is_last : {false, true}) {
    const SdpFragment fragment{
        .credentials = {"ours", kPwd22}, .candidates = {kCandidate}, .end_of_candidates = is_last};
    const auto again = parsed(to_text(fragment, "video", "1"));
    EXPECT_EQ(again.credentials, fragment.credentials);
    EXPECT_EQ(again.candidates, fragment.candidates);
    EXPECT_EQ(again.end_of_candidates, is_last);
  }
}

TEST(Candidate, AddressIsTakenAndANameIsNot) {
  const auto with = [](const std::string& address) {
    return has_ip_address("candidate:1 1 udp 2122260223 " + address + " 5000 typ host");
  };
  EXPECT_TRUE(with("192.0.2.7"));
  EXPECT_TRUE(with("2001:db8::7"));
  EXPECT_FALSE(with("5b2c7f0e-8a0e-4c7b-9a53-2f8f7f3d1c55.local"));
  EXPECT_FALSE(with("example.org"));
  EXPECT_FALSE(with("192.0.2.256"));
  EXPECT_FALSE(has_ip_address("candidate:1 1 udp 1"));
}

}  // namespace
}  // namespace onair
