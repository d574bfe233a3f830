// SPDX-License-Identifier: LGPL-2.1-or-later
// Damaged input, thousands of times and each time the same: nothing may crash (the sanitizers
// watch), and what is taken must be in order, because webrtcbin asserts on much of the rest.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "rtcingest/keyframe.hpp"
#include "rtcingest/layer_router.hpp"
#include "rtcingest/negotiation.hpp"
#include "rtcingest/sdp.hpp"
#include "rtcingest/sdpfrag.hpp"
#include "unit/rtcingest/offers.hpp"
#include "unit/rtcingest/rtp_packets.hpp"

namespace onair {
namespace {

using sdp::attribute;
using sdp::attributes;

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint32_t kRounds = 6'000;  // half a minute
#else
constexpr std::uint32_t kRounds = 20'000;
#endif

// What stands in offers and hurts in the wrong place.
constexpr std::array<std::string_view, 35> kWords{
    "a=mid:",
    "a=mid:0",
    "a=mid:1",
    "a=mid:0 1",
    "a=group:BUNDLE",
    "a=group:BUNDLE 1 0",
    "a=bundle-only",
    "a=sendrecv",
    "a=inactive",
    "a=setup:active",
    "a=rtpmap:102 H264/90000",
    "a=rtpmap:96 rtx/90000",
    "a=fmtp:96 apt=102",
    "a=fmtp:103 apt=103",
    "a=ice-ufrag:abcd",
    "a=candidate:1 1 udp 1 192.0.2.1 1 typ host",
    "a=extmap:3 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "a=rid:x send",
    "a=rid:h send pt=102",
    "a=simulcast:send x;h,~l;m",
    "a=simulcast:send ~h",
    ";",
    "~",
    "m=video 0 UDP/TLS/RTP/SAVPF 96 97",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "0",
    "-1",
    "65536",
    "4294967296",
    " ",
    ":",
    "\r\n",
    "\xff",
    "BUNDLE"};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  return lines;
}

class Mutator {
 public:
  explicit Mutator(std::uint32_t seed) : random_{seed} {}

  std::string mutate(std::string text) {
    for (auto times = 1 + below(3); times > 0; --times)
      text = below(2) == 0 ? mutate_bytes(std::move(text)) : mutate_lines(text);
    return text;
  }

  std::vector<std::uint8_t> mutate(const std::vector<std::uint8_t>& bytes) {
    const auto text = mutate_bytes(mutate_bytes({bytes.begin(), bytes.end()}));
    return {text.begin(), text.end()};
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  std::size_t position(const std::string& text) { return below(text.size() + 1); }

  std::string mutate_bytes(std::string text) {
    const auto at = position(text);
    switch (below(6)) {
      case 0:
        if (at < text.size())
          text[at] = static_cast<char>(static_cast<unsigned char>(text[at]) ^ (1u << below(8)));
        break;
      case 1:
        if (at < text.size())
          text[at] = static_cast<char>(random_() & 0xffu);
        break;
      case 2:
        text.erase(at, 1 + below(8));
        break;
      case 3:
        text.insert(at, kWords[below(kWords.size())]);
        break;
      case 4:
        text.insert(at, text.substr(position(text), below(40)));
        break;
      default:
        if (below(8) == 0)  // the rest of it would seldom be taken
          text.resize(at);
        break;
    }
    return text;
  }

  std::string mutate_lines(const std::string& text) {
    auto lines = lines_of(text);
    if (lines.empty())
      return text;
    const auto at = static_cast<std::ptrdiff_t>(below(lines.size()));
    const auto other = static_cast<std::ptrdiff_t>(below(lines.size()));
    switch (below(4)) {
      case 0:
        lines.erase(lines.begin() + at);
        break;
      case 1:
        lines.insert(lines.begin() + at, std::string{lines[static_cast<std::size_t>(other)]});
        break;
      case 2:
        std::iter_swap(lines.begin() + at, lines.begin() + other);
        break;
      default:
        lines.insert(lines.begin() + at, std::string{kWords[below(kWords.size())]} + "\r\n");
        break;
    }
    std::string out;
    for (const auto& line : lines)
      out += line;
    return out;
  }

  std::mt19937 random_;
};

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c > 0x20 && c < 0x7f &&
           std::string_view{"\"(),/:;<=>?@[\\]"}.find(static_cast<char>(c)) ==
               std::string_view::npos;
  });
}

std::size_t count_of(const std::vector<bool>& flags) {
  return static_cast<std::size_t>(std::count(flags.begin(), flags.end(), true));
}

bool has_rtpmap(const sdp::Media& media, const std::string& format, std::string_view encoding) {
  const auto maps = attributes(media.lines, "rtpmap");
  return std::any_of(maps.begin(), maps.end(), [&](std::string_view map) {
    const auto space = map.find(' ');
    auto name = std::string{map.substr(std::min(space, map.size() - 1) + 1)};
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return map.substr(0, space) == format && name.starts_with(encoding);
  });
}

// What the router, the pads and the answer rely on.
void expect_in_order(const Simulcast& simulcast, const AcceptedMedia& media) {
  EXPECT_EQ(media.kind, MediaKind::Video);
  ASSERT_FALSE(simulcast.layers.empty());
  EXPECT_LE(simulcast.layers.size(), Simulcast::kMostLayers);
  std::set<std::string> rids;
  for (const auto& layer : simulcast.layers) {
    EXPECT_TRUE(is_token(layer.rid)) << layer.rid;
    EXPECT_LE(layer.rid.size(), 16u);
    rids.insert(layer.rid);
  }
  EXPECT_EQ(rids.size(), simulcast.layers.size());
  EXPECT_TRUE(simulcast.rid_extension >= 1 && simulcast.rid_extension <= 14);
  EXPECT_NE(simulcast.repaired_rid_extension, simulcast.rid_extension);
}

// What everything behind plan_session() relies on.
void expect_in_order(const Plan& plan) {
  const auto& ours = plan.offer_for_us;
  ASSERT_TRUE(plan.media.size() == 1 || plan.media.size() == 2);
  ASSERT_EQ(ours.media.size(), plan.media.size());
  ASSERT_EQ(plan.is_accepted.size(), plan.offer.media.size());
  ASSERT_EQ(count_of(plan.is_accepted), plan.media.size());
  EXPECT_TRUE(is_valid(plan.remote));
  ASSERT_FALSE(plan.fingerprints.empty());
  const auto groups = attributes(ours.lines, "group");
  ASSERT_EQ(groups.size(), 1u);
  const auto bundle = sdp::split(groups[0], ' ');
  ASSERT_EQ(bundle.size(), plan.media.size() + 1);
  EXPECT_EQ(bundle[0], "BUNDLE");
  if (plan.media.size() == 2) {
    EXPECT_NE(plan.media[0].kind, plan.media[1].kind);
    EXPECT_NE(plan.media[0].mid, plan.media[1].mid);
  }
  for (std::size_t i = 0; i < plan.media.size(); ++i) {
    const auto& taken = plan.media[i];
    const auto& media = ours.media[i];
    EXPECT_TRUE(is_token(taken.mid)) << taken.mid;
    EXPECT_EQ(attribute(media.lines, "mid"), taken.mid);
    EXPECT_EQ(bundle[i + 1], taken.mid);
    EXPECT_EQ(media.kind, to_string(taken.kind));
    EXPECT_NE(media.port, 0u);
    EXPECT_LE(taken.payload_type, 127u);
    ASSERT_EQ(media.formats.size(), taken.rtx_payload_type ? 2u : 1u);
    EXPECT_EQ(media.formats[0], std::to_string(taken.payload_type));
    EXPECT_TRUE(has_rtpmap(media, media.formats[0],
                           taken.kind == MediaKind::Audio ? "opus/48000/2" : "h264/90000"));
    if (taken.rtx_payload_type) {
      EXPECT_LE(*taken.rtx_payload_type, 127u);
      EXPECT_NE(*taken.rtx_payload_type, taken.payload_type);
      EXPECT_EQ(media.formats[1], std::to_string(*taken.rtx_payload_type));
      EXPECT_TRUE(has_rtpmap(media, media.formats[1], "rtx"));
    }
    for (const auto candidate : attributes(media.lines, "candidate"))
      EXPECT_TRUE(is_candidate("candidate:" + std::string{candidate}));
    if (taken.simulcast)
      expect_in_order(*taken.simulcast, taken);
  }
  // It is SDP, and would be taken once more, unchanged.
  const auto text = sdp::to_text(ours);
  const auto parsed = sdp::parse(text);
  ASSERT_TRUE(std::holds_alternative<sdp::Description>(parsed));
  const auto again = plan_session(std::get<sdp::Description>(parsed));
  ASSERT_TRUE(std::holds_alternative<Plan>(again)) << std::get<Refusal>(again).detail;
  EXPECT_EQ(sdp::to_text(std::get<Plan>(again).offer_for_us), text);
  // RFC 3264 section 6: an answer has the m-lines of the offer, in their order.
  const auto answer = finish_answer(plan, ours, true);
  ASSERT_EQ(answer.media.size(), plan.offer.media.size());
  for (std::size_t i = 0; i < answer.media.size(); ++i) {
    EXPECT_EQ(answer.media[i].kind, plan.offer.media[i].kind);
    EXPECT_EQ(answer.media[i].port != 0, plan.is_accepted[i]);
  }
}

class MutatedOffer : public testing::TestWithParam<std::string> {};

TEST_P(MutatedOffer, IsRefusedWithASentenceOrPlannedInOrder) {
  std::uint32_t planned = 0;
  std::uint32_t refused = 0;
  for (std::uint32_t seed = 0; seed < kRounds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto text = Mutator{seed}.mutate(GetParam());
    const auto parsed = sdp::parse(text);
    if (const auto* error = std::get_if<sdp::SyntaxError>(&parsed)) {
      ASSERT_FALSE(error->what.empty());
      ASSERT_GT(error->line, 0u);
      ++refused;
      continue;
    }
    const auto& offer = std::get<sdp::Description>(parsed);
    const auto written = sdp::to_text(offer);
    const auto reread = sdp::parse(written);
    ASSERT_TRUE(std::holds_alternative<sdp::Description>(reread));
    ASSERT_EQ(sdp::to_text(std::get<sdp::Description>(reread)), written);
    const auto plan = plan_session(offer, {.simulcast = true});
    if (const auto* refusal = std::get_if<Refusal>(&plan)) {
      ASSERT_FALSE(refusal->detail.empty());
      ++refused;
      continue;
    }
    ++planned;
    expect_in_order(std::get<Plan>(plan));
    if (HasFailure())
      FAIL() << "first of all with\n" << text;
  }
  // Otherwise the mutations are too harsh, or too kind, to show anything.
  EXPECT_GT(planned, kRounds / 10);
  EXPECT_GT(refused, kRounds / 10);
}

std::string chromium_offer_with_data_channel() {
  return test::replaced(test::chromium_offer(), "BUNDLE 0 1", "BUNDLE 0 1 2") +
         test::data_channel_section();
}

std::string name_of(const testing::TestParamInfo<std::string>& about) {
  constexpr std::array kNames{"Chromium", "Firefox", "Obs", "ChromiumWithDataChannel",
                              "ChromiumWithSimulcast"};
  return kNames.at(about.index);
}

INSTANTIATE_TEST_SUITE_P(Publishers, MutatedOffer,
                         testing::Values(test::chromium_offer(), test::firefox_offer(),
                                         test::obs_offer(), chromium_offer_with_data_channel(),
                                         test::chromium_simulcast_offer()),
                         name_of);

// What everything behind plan_answer() relies on.
void expect_in_order(const Plan& plan, const sdp::Description& offer) {
  const auto& ours = plan.offer_for_us;
  ASSERT_EQ(ours.media.size(), offer.media.size());
  ASSERT_FALSE(plan.media.empty());
  ASSERT_EQ(count_of(plan.is_accepted), plan.media.size());
  EXPECT_TRUE(is_valid(plan.remote));
  ASSERT_FALSE(plan.fingerprints.empty());
  for (std::size_t i = 0; i < ours.media.size(); ++i) {
    const auto& media = ours.media[i];
    EXPECT_EQ(media.kind, offer.media[i].kind);
    EXPECT_EQ(attribute(media.lines, "mid"), attribute(offer.media[i].lines, "mid"));
    EXPECT_NE(media.port, 0u);
    EXPECT_EQ(attribute(media.lines, "sendonly").has_value(), plan.is_accepted[i]);
    EXPECT_NE(attribute(media.lines, "setup"), "actpass");
    ASSERT_FALSE(media.formats.empty());
    for (const auto& format : media.formats)
      EXPECT_NE(std::find(offer.media[i].formats.begin(), offer.media[i].formats.end(), format),
                offer.media[i].formats.end());
  }
  // It is SDP, and would be taken once more, unchanged.
  const auto text = sdp::to_text(ours);
  const auto parsed = sdp::parse(text);
  ASSERT_TRUE(std::holds_alternative<sdp::Description>(parsed));
  const auto again = plan_answer(offer, std::get<sdp::Description>(parsed));
  ASSERT_TRUE(std::holds_alternative<Plan>(again)) << std::get<Refusal>(again).detail;
  EXPECT_EQ(sdp::to_text(std::get<Plan>(again).offer_for_us), text);
}

TEST(MutatedAnswer, IsRefusedWithASentenceOrPlannedInOrder) {
  const auto parsed_offer = sdp::parse(test::chromium_offer());
  const auto offer =
      std::get<Plan>(plan_session(std::get<sdp::Description>(parsed_offer))).offer_for_us;
  const auto answer = test::replaced(sdp::to_text(offer), "setup:actpass", "setup:active");
  std::uint32_t planned = 0;
  std::uint32_t refused = 0;
  for (std::uint32_t seed = 0; seed < kRounds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto text = Mutator{seed}.mutate(answer);
    const auto parsed = sdp::parse(text);
    if (!std::holds_alternative<sdp::Description>(parsed))
      continue;
    const auto plan = plan_answer(offer, std::get<sdp::Description>(parsed), {.simulcast = true});
    if (const auto* refusal = std::get_if<Refusal>(&plan)) {
      ASSERT_FALSE(refusal->detail.empty());
      ++refused;
      continue;
    }
    ++planned;
    expect_in_order(std::get<Plan>(plan), offer);
    if (HasFailure())
      FAIL() << "first of all with\n" << text;
  }
  EXPECT_GT(planned, kRounds / 20);
  EXPECT_GT(refused, kRounds / 20);
}

TEST(MutatedFragment, IsRefusedWithASentenceOrReadInOrder) {
  const auto whole = test::with_crlf(R"(a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 network-id 1
a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0
a=end-of-candidates
)");
  std::uint32_t read = 0;
  for (std::uint32_t seed = 0; seed < kRounds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto parsed = parse_sdpfrag(Mutator{seed}.mutate(whole));
    if (const auto* error = std::get_if<sdp::SyntaxError>(&parsed)) {
      ASSERT_FALSE(error->what.empty());
      ASSERT_GT(error->line, 0u);
      continue;
    }
    ++read;
    const auto& fragment = std::get<SdpFragment>(parsed);
    ASSERT_TRUE(fragment.credentials == IceCredentials{} || is_valid(fragment.credentials));
    for (const auto& candidate : fragment.candidates)
      ASSERT_TRUE(is_candidate(candidate));
    const auto again = parse_sdpfrag(to_text(fragment, "audio", "0"));
    ASSERT_TRUE(std::holds_alternative<SdpFragment>(again));
    ASSERT_EQ(std::get<SdpFragment>(again).candidates, fragment.candidates);
  }
  EXPECT_GT(read, kRounds / 10);
  EXPECT_LT(read, kRounds);
}

TEST(MutatedPayload, IsReadNoFurtherThanItGoes) {
  const std::vector<std::vector<std::uint8_t>> payloads{
      {0x65, 0x88, 0x84},
      {0x7c, 0x85, 0x88},
      {0x78, 0, 4, 0x67, 0x42, 0xc0, 0x1f, 0, 2, 0x68, 0xce, 0, 3, 0x65, 0x88, 0x84}};
  std::uint32_t found = 0;
  for (std::uint32_t seed = 0; seed < kRounds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto mutated = Mutator{seed}.mutate(payloads[seed % payloads.size()]);
    // On the heap and exactly as long as it claims, so that the sanitizer sees a byte read too
    // many.
    const auto exact = std::make_unique<std::uint8_t[]>(mutated.size());
    std::copy(mutated.begin(), mutated.end(), exact.get());
    found += carries_idr({exact.get(), mutated.size()}) ? 1 : 0;
  }
  EXPECT_GT(found, kRounds / 10);
  EXPECT_LT(found, kRounds);
}

TEST(MutatedPacket, IsRoutedByWhatItHoldsAndReadNoFurtherThanItGoes) {
  using test::one_byte_extensions;
  using test::rtp_packet;
  const std::vector<std::vector<std::uint8_t>> packets{
      rtp_packet(102, 1, one_byte_extensions({{4, "1"}, {10, "h"}})),
      rtp_packet(103, 2, one_byte_extensions({{4, "1"}, {11, "h"}})),
      rtp_packet(102, 3, test::two_byte_extensions({{10, "m"}, {3, "ab"}})), rtp_packet(111, 4)};
  LayerRouter router{{.payload_type = 102,
                      .rtx_payload_type = 103,
                      .rids = {"h", "m"},
                      .rid_extension = 10,
                      .repaired_rid_extension = 11}};
  std::uint32_t passed = 0;
  for (std::uint32_t seed = 0; seed < kRounds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto mutated = Mutator{seed}.mutate(packets[seed % packets.size()]);
    const auto exact = std::make_unique<std::uint8_t[]>(mutated.size());
    std::copy(mutated.begin(), mutated.end(), exact.get());
    const auto header = read_rtp_header({exact.get(), mutated.size()});
    if (!header)
      continue;
    passed += router.on_packet(*header) != LayerRouter::Route::Drop ? 1 : 0;
    for (const auto& pair : router.pairs()) {
      ASSERT_NE(pair.media, pair.repair);
      ASSERT_TRUE(router.layer_of(pair.media));
      ASSERT_FALSE(router.layer_of(pair.repair));
    }
  }
  EXPECT_GT(passed, kRounds / 10);
  EXPECT_LT(passed, kRounds);
}

}  // namespace
}  // namespace onair
