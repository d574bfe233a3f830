// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/sdp.hpp"

#include <string>
#include <string_view>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/rtcingest/offers.hpp"

namespace onair::sdp {
namespace {

using test::chromium_offer;
using test::replaced;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kHead = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

std::string head_and(std::string_view rest) {
  return std::string{kHead}.append(rest);
}

Description parsed(std::string_view text) {
  auto result = parse(text);
  if (const auto* error = std::get_if<SyntaxError>(&result)) {
    ADD_FAILURE() << "line " << error->line << ": " << error->what;
    return {};
  }
  return std::get<Description>(std::move(result));
}

// "line: what", or "fine".
std::string complaint(std::string_view text) {
  const auto result = parse(text);
  const auto* error = std::get_if<SyntaxError>(&result);
  return error ? std::to_string(error->line) + ": " + error->what : "fine";
}

TEST(Sdp, TheOffersOfBrowsersAndEncodersAreWrittenBackUnchanged) {
  for (const auto& offer : {chromium_offer(), test::firefox_offer(), test::obs_offer()})
    EXPECT_EQ(to_text(parsed(offer)), offer);
}

TEST(Sdp, AChromiumOfferComesApartIntoItsSections) {
  const auto offer = parsed(chromium_offer());
  EXPECT_EQ(offer.lines.size(), 7u);
  ASSERT_EQ(offer.media.size(), 2u);
  EXPECT_EQ(offer.media[0].kind, "audio");
  EXPECT_EQ(offer.media[0].port, 9u);
  EXPECT_EQ(offer.media[0].proto, "UDP/TLS/RTP/SAVPF");
  EXPECT_THAT(offer.media[0].formats, ElementsAre("111", "63", "9", "0", "8", "13", "110", "126"));
  EXPECT_EQ(offer.media[1].kind, "video");
  EXPECT_EQ(offer.media[1].formats.size(), 23u);
  EXPECT_EQ(attribute(offer.media[0].lines, "mid"), "0");
  EXPECT_EQ(attribute(offer.media[1].lines, "mid"), "1");
  EXPECT_EQ(attribute(offer.lines, "group"), "BUNDLE 0 1");
}

TEST(Sdp, LinesMayEndWithLfAlone) {
  const auto crlf = chromium_offer();
  EXPECT_EQ(to_text(parsed(replaced(crlf, "\r\n", "\n"))), crlf);
}

TEST(Sdp, TheLastLineMayLackItsEndAndABlankOneMayFollow) {
  auto cut = chromium_offer();
  cut.resize(cut.size() - 2);
  EXPECT_EQ(to_text(parsed(cut)), chromium_offer());
  EXPECT_EQ(to_text(parsed(chromium_offer() + "\r\n")), chromium_offer());
  EXPECT_EQ(to_text(parsed(chromium_offer() + "\n")), chromium_offer());
  EXPECT_EQ(complaint(head_and("\r\n\r\n")), "5: a line is not of the form letter=value");
}

TEST(Sdp, UnknownLinesAndAttributesAreKept) {
  const auto text =
      head_and("z=1 2\r\na=something-new\r\nm=image 0 udptl t38\r\ni=x\r\na=a:b:c\r\n");
  EXPECT_EQ(to_text(parsed(text)), text);
}

TEST(Sdp, EachMalformedDescriptionIsNamedWithItsLine) {
  const std::string form = "a line is not of the form letter=value";
  EXPECT_EQ(complaint(""), "1: it is empty");
  EXPECT_EQ(complaint("\r\n"), "1: expected a line v=");
  EXPECT_EQ(complaint("hello"), "1: " + form);
  EXPECT_EQ(complaint("{\"type\":\"offer\"}"), "1: " + form);
  EXPECT_EQ(complaint(head_and("V=0\r\n")), "5: " + form);
  EXPECT_EQ(complaint(head_and("\r\na=x\r\n")), "5: " + form);
  EXPECT_EQ(complaint(head_and(" a=x\r\n")), "5: " + form);
  EXPECT_EQ(complaint(head_and("a")), "5: " + form);
  EXPECT_EQ(complaint("o=- 1 2 IN IP4 127.0.0.1\r\nv=0\r\ns=-\r\nt=0 0\r\n"),
            "1: expected a line v=");
  EXPECT_EQ(complaint("v=0\r\ns=-\r\no=- 1 2 IN IP4 127.0.0.1\r\nt=0 0\r\n"),
            "2: expected a line o=");
  EXPECT_EQ(complaint("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\nt=0 0\r\n"), "3: expected a line s=");
  EXPECT_EQ(complaint("v=0\r\n"), "2: expected a line o=");
  EXPECT_EQ(complaint("m=audio 9 RTP/AVP 0\r\n"), "1: expected a line v=");
  EXPECT_EQ(complaint(replaced(std::string{kHead}, "v=0", "v=1")), "1: the version is not 0");
  EXPECT_EQ(complaint(replaced(std::string{kHead}, " 127.0.0.1", "")),
            "2: the o= line does not have six fields");
  EXPECT_EQ(complaint(replaced(std::string{kHead}, "127.0.0.1", "127.0.0.1 7")),
            "2: the o= line does not have six fields");
  EXPECT_EQ(complaint("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nm=audio 9 RTP/AVP 0\r\nt=0 0\r\n"),
            "5: there is no t= line before the first m= line");
  EXPECT_EQ(complaint(head_and("a=\r\n")), "5: an attribute has no proper name");
  EXPECT_EQ(complaint(head_and("a=:value\r\n")), "5: an attribute has no proper name");
  EXPECT_EQ(complaint(head_and("a=two words:1\r\n")), "5: an attribute has no proper name");
  EXPECT_EQ(complaint(head_and("m=audio 9 UDP/TLS/RTP/SAVPF\r\n")),
            "5: an m= line needs a kind, a port, a protocol and at least one format");
}

TEST(Sdp, APortIsANumberUpTo65535) {
  const auto with_port = [](std::string_view port) {
    return complaint(head_and("m=audio " + std::string{port} + " RTP/AVP 0\r\n"));
  };
  const std::string wrong = "5: the port of an m= line is not a number from 0 to 65535";
  EXPECT_EQ(with_port("0"), "fine");
  EXPECT_EQ(with_port("65535"), "fine");
  EXPECT_EQ(with_port("65536"), wrong);
  EXPECT_EQ(with_port("-1"), wrong);
  EXPECT_EQ(with_port("+9"), wrong);
  EXPECT_EQ(with_port("9/2"), wrong);
  EXPECT_EQ(with_port("9x"), wrong);
  EXPECT_EQ(with_port("4294967305"), wrong) << "9 modulo 2^32";
  EXPECT_EQ(with_port("99999999999999999999"), wrong);
}

TEST(Sdp, ControlCharactersAreRefusedWhereverTheyStand) {
  using namespace std::string_view_literals;
  const std::string wrong = "5: a line holds control characters";
  EXPECT_EQ(complaint(head_and("a=x:\0y\r\n"sv)), wrong);
  EXPECT_EQ(complaint(head_and("a=x:\x01\r\n"sv)), wrong);
  EXPECT_EQ(complaint(head_and("a=x:\x1f\r\n"sv)), wrong);
  EXPECT_EQ(complaint(head_and("a=x:y\rz\r\n"sv)), wrong) << "a CR inside of a line";
  EXPECT_EQ(complaint(head_and("a=x:y\r\r\n"sv)), wrong);
  EXPECT_EQ(complaint(head_and("m=audio 9 RTP/AVP 0\x1b[2J\r\n"sv)), wrong);
  EXPECT_EQ(complaint(head_and("a=x: \ty\r\n"sv)), "fine") << "spaces and tabs are text";
  EXPECT_EQ(complaint(head_and("a=x:\xc3\xa4\xff\r\n"sv)), "fine") << "bytes above ASCII are, too";
}

TEST(Sdp, AnAttributeIsFoundByItsWholeName) {
  const auto lines = parsed(head_and("a=mid:0\r\na=middle:9\r\na=rtcp-mux\r\na=mid:1\r\n")).lines;
  EXPECT_EQ(attribute(lines, "mid"), "0") << "the first of them";
  EXPECT_THAT(attributes(lines, "mid"), ElementsAre("0", "1"));
  EXPECT_EQ(attribute(lines, "rtcp-mux"), "") << "there, without a value";
  EXPECT_EQ(attribute(lines, "rtcp"), std::nullopt);
  EXPECT_EQ(attribute(lines, "v"), std::nullopt) << "only a= lines are attributes";
  EXPECT_THAT(attributes(lines, "setup"), IsEmpty());
}

TEST(Sdp, AnAttributeIsMadeWithAndWithoutAValue) {
  EXPECT_EQ(make_attribute("mid", "0").value, "mid:0");
  EXPECT_EQ(make_attribute("inactive").value, "inactive");
  EXPECT_EQ(make_attribute("inactive").type, 'a');
  EXPECT_EQ(attribute_name(make_attribute("mid", "a:b")), "mid");
  EXPECT_EQ(attribute_name(Line{'c', "IN IP4 0.0.0.0"}), "");
}

TEST(Sdp, AnAttributeWithAnEmptyValueIsThereAndEmpty) {
  EXPECT_EQ(attribute(parsed(head_and("a=mid:\r\n")).lines, "mid"), "");
}

TEST(Sdp, SplittingLeavesEmptyPartsOut) {
  EXPECT_THAT(split("a b  c ", ' '), ElementsAre("a", "b", "c"));
  EXPECT_THAT(split(" a", ' '), ElementsAre("a"));
  EXPECT_THAT(split("a", ' '), ElementsAre("a"));
  EXPECT_THAT(split("", ' '), IsEmpty());
  EXPECT_THAT(split("   ", ' '), IsEmpty());
}

TEST(Sdp, ANumberIsDecimalUnsignedAndUpToItsMaximum) {
  EXPECT_EQ(to_number("0", 127), 0u);
  EXPECT_EQ(to_number("127", 127), 127u);
  EXPECT_EQ(to_number("128", 127), std::nullopt);
  for (const auto* text : {"", " 1", "1 ", "-1", "+1", "0x1", "1.0", "a", "4294967296"})
    EXPECT_EQ(to_number(text, 0xffffffff), std::nullopt) << text;
  EXPECT_EQ(to_number("4294967295", 0xffffffff), 0xffffffffu);
}

}  // namespace
}  // namespace onair::sdp
