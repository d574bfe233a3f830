// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/simulcast.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtcingest/negotiation.hpp"
#include "unit/rtcingest/offers.hpp"

namespace onair {
namespace {

using sdp::attribute;
using sdp::attributes;
using test::chromium_offer;
using test::chromium_simulcast_offer;
using test::replaced;
using test::without;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kRidExtension = "10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
constexpr std::string_view kRepairedExtension =
    "11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";

Plan plan_of(const std::string& offer, bool takes_simulcast = true) {
  const auto parsed = sdp::parse(offer);
  auto planned = plan_session(std::get<sdp::Description>(parsed), {.simulcast = takes_simulcast});
  if (const auto* refusal = std::get_if<Refusal>(&planned)) {
    ADD_FAILURE() << "refused: " << refusal->detail;
    return {};
  }
  return std::get<Plan>(std::move(planned));
}

// The video's lines in the answer to a publisher.
std::vector<sdp::Line> answer_to(const Plan& plan) {
  auto ours = plan.offer_for_us;
  return finish_answer(plan, std::move(ours), true).media.at(1).lines;
}

std::string simulcast_of(const std::string& offer) {
  const auto lines = answer_to(plan_of(offer));
  return std::string{attribute(lines, "simulcast").value_or("none")};
}

// Chromium's offer with other lines of rid and simulcast.
std::string offer_with(std::string_view lines) {
  return replaced(
      without(without(chromium_simulcast_offer(), "a=rid:"), "a=simulcast:") + "a=end\r\n",
      "a=end\r\n", test::with_crlf(lines));
}

TEST(Simulcast, OfAChromiumOfferAllThreeLayersAreTakenInTheirOrder) {
  const auto lines = answer_to(plan_of(chromium_simulcast_offer()));
  EXPECT_THAT(attributes(lines, "rid"), ElementsAre("h recv", "m recv", "l recv"));
  EXPECT_THAT(attributes(lines, "simulcast"), ElementsAre("recv h;m;l"));
  EXPECT_THAT(attributes(lines, "extmap"), Contains(kRidExtension));
  EXPECT_THAT(attributes(lines, "extmap"), Contains(kRepairedExtension));
  EXPECT_EQ(rid_list(*plan_of(chromium_simulcast_offer()).media.at(1).simulcast), "h;m;l");
}

TEST(Simulcast, UnlessItIsWantedTheAnswerSaysNothingOfIt) {
  // RFC 8853 section 5.3.2: without a=simulcast in the answer, one stream is sent.
  const auto plan = plan_of(chromium_simulcast_offer(), false);
  EXPECT_FALSE(plan.media.at(1).simulcast);
  const auto lines = answer_to(plan);
  EXPECT_THAT(attributes(lines, "rid"), IsEmpty());
  EXPECT_THAT(attributes(lines, "simulcast"), IsEmpty());
  EXPECT_THAT(attributes(lines, "extmap"), Not(Contains(kRidExtension)));
}

TEST(Simulcast, WebrtcbinSeesNothingOfIt) {
  const auto with = sdp::to_text(plan_of(chromium_simulcast_offer(), true).offer_for_us);
  const auto without = sdp::to_text(plan_of(chromium_simulcast_offer(), false).offer_for_us);
  EXPECT_EQ(with, without);
  for (const auto* word : {"rid", "simulcast", "stream-id"})
    EXPECT_EQ(with.find(word), std::string::npos);
}

TEST(Simulcast, AnOfferWithoutItIsAnsweredAsEver) {
  EXPECT_EQ(simulcast_of(chromium_offer()), "none");
  EXPECT_EQ(sdp::to_text(finish_answer(plan_of(chromium_offer(), true),
                                       plan_of(chromium_offer(), true).offer_for_us, true)),
            sdp::to_text(finish_answer(plan_of(chromium_offer(), false),
                                       plan_of(chromium_offer(), false).offer_for_us, true)));
}

TEST(Simulcast, OneLayerIsASimulcastToo) {
  EXPECT_EQ(simulcast_of(offer_with("a=rid:h send\na=simulcast:send h\n")), "recv h");
}

TEST(Simulcast, RidsAloneAreNone) {
  EXPECT_EQ(simulcast_of(offer_with("a=rid:h send\na=rid:m send\n")), "none");
}

TEST(Simulcast, OfMoreThanFourLayersTheFirstFourAreTaken) {
  EXPECT_EQ(simulcast_of(offer_with("a=rid:1 send\na=rid:2 send\na=rid:3 send\na=rid:4 send\n"
                                    "a=rid:5 send\na=simulcast:send 1;2;3;4\n")),
            "recv 1;2;3;4");
  EXPECT_EQ(simulcast_of(offer_with("a=rid:1 send\na=rid:2 send\na=rid:3 send\na=rid:4 send\n"
                                    "a=rid:5 send\na=simulcast:send 5;4;3;2;1\n")),
            "recv 5;4;3;2");
}

TEST(Simulcast, WhatIsPausedFromTheStartStaysSo) {
  EXPECT_EQ(simulcast_of(offer_with("a=rid:h send\na=rid:l send\na=simulcast:send ~h;l\n")),
            "recv ~h;l");
}

TEST(Simulcast, WhereAllArePausedTheFirstIsNot) {
  // RFC 8853 section 5.3.2 gives this as the reason to differ from the offer.
  EXPECT_EQ(simulcast_of(offer_with("a=rid:h send\na=rid:l send\na=simulcast:send ~h;~l\n")),
            "recv h;~l");
}

TEST(Simulcast, OfAlternativesTheFirstThatCanBeTakenIs) {
  EXPECT_EQ(simulcast_of(offer_with("a=rid:h send\na=rid:hh send\na=rid:l send\n"
                                    "a=simulcast:send h,hh;l\n")),
            "recv h;l");
  EXPECT_EQ(simulcast_of(offer_with("a=rid:h send pt=96\na=rid:hh send pt=102\na=rid:l send\n"
                                    "a=simulcast:send h,~hh;l\n")),
            "recv ~hh;l");
}

TEST(Simulcast, ALayerOfAnotherFormatIsNotTaken) {
  const auto lines = answer_to(plan_of(
      offer_with("a=rid:h send pt=96\na=rid:m send pt=96,102\na=rid:l send pt=102;max-width=320\n"
                 "a=simulcast:send h;m;l\n")));
  EXPECT_THAT(attributes(lines, "simulcast"), ElementsAre("recv m;l"));
  EXPECT_THAT(attributes(lines, "rid"),
              ElementsAre("m recv pt=102", "l recv pt=102;max-width=320"));
}

TEST(Simulcast, RestrictionsAreAnsweredAsOffered) {
  const auto lines = answer_to(plan_of(
      offer_with("a=rid:h send "
                 "max-width=1280;max-height=720;max-fps=30;max-br=2000000\na=simulcast:send h\n")));
  EXPECT_THAT(attributes(lines, "rid"),
              ElementsAre("h recv max-width=1280;max-height=720;max-fps=30;max-br=2000000"));
}

TEST(Simulcast, ALayerWithARestrictionThatNobodyKnowsIsNotTaken) {
  EXPECT_EQ(
      simulcast_of(offer_with("a=rid:h send max-colours=2\na=rid:m send depend=l\na=rid:l send\n"
                              "a=simulcast:send h;m;l\n")),
      "recv l");
}

TEST(Simulcast, ALayerNeedsARidOfItsOwnThatIsSent) {
  EXPECT_EQ(simulcast_of(offer_with("a=rid:h recv\na=rid:l send\na=simulcast:send h;m;l\n")),
            "recv l");
  EXPECT_EQ(simulcast_of(offer_with("a=rid:h send\na=rid:h send\na=rid:l send\n"
                                    "a=simulcast:send h;l\n")),
            "recv l")
      << "said twice";
  EXPECT_EQ(simulcast_of(offer_with("a=rid:h send\na=simulcast:send h;h;~h\n")), "recv h");
}

TEST(Simulcast, ARidIsOfTheCharactersAndTheLengthOfRfc8852) {
  const std::string longest(16, 'a');
  EXPECT_EQ(
      simulcast_of(offer_with("a=rid:" + longest + " send\na=simulcast:send " + longest + "\n")),
      "recv " + longest);
  for (const auto& rid : {longest + "a", std::string{"h/"}, std::string{"h\xc3\xa4"}})
    EXPECT_EQ(simulcast_of(offer_with("a=rid:" + rid + " send\na=simulcast:send " + rid + "\n")),
              "none");
}

TEST(Simulcast, WhatDoesNotFollowRfc8853IsOneStream) {
  for (const auto* line :
       {"a=simulcast\n", "a=simulcast:send\n", "a=simulcast:h;l\n", "a=simulcast:recv h;l\n",
        "a=simulcast:send ;\n", "a=simulcast:send ~\n", "a=simulcast:send rid=h;l\n",
        "a=simulcast:send h;l recv\n", "a=simulcast:send h\na=simulcast:send l\n"})
    EXPECT_EQ(simulcast_of(offer_with("a=rid:h send\na=rid:m send\n" + std::string{line})), "none")
        << line;
}

TEST(Simulcast, WhatIsReceivedMayStandInFrontOfWhatIsSent) {
  EXPECT_EQ(simulcast_of(offer_with("a=rid:x recv\na=rid:h send\na=simulcast:recv x send h\n")),
            "recv h");
}

TEST(Simulcast, WithoutTheHeaderExtensionNobodyCouldTellTheLayersApart) {
  const auto offer = chromium_simulcast_offer();
  EXPECT_EQ(simulcast_of(without(offer, "a=extmap:10 ")), "none");
  EXPECT_EQ(simulcast_of(replaced(offer, "a=extmap:10 ", "a=extmap:10/recvonly ")), "none");
  for (const auto* id : {"0", "15", "256", "x", "11"})
    EXPECT_EQ(simulcast_of(replaced(offer, "a=extmap:10 ", "a=extmap:" + std::string{id} + " ")),
              "none")
        << id;
}

TEST(Simulcast, WithoutTheOtherOneRetransmissionIsNotToldApartAndTheRestIs) {
  const auto lines = answer_to(plan_of(without(chromium_simulcast_offer(), "a=extmap:11 ")));
  EXPECT_THAT(attributes(lines, "simulcast"), ElementsAre("recv h;m;l"));
  EXPECT_THAT(attributes(lines, "extmap"), Contains(kRidExtension));
  EXPECT_THAT(attributes(lines, "extmap"), Not(Contains(kRepairedExtension)));
}

}  // namespace
}  // namespace onair
